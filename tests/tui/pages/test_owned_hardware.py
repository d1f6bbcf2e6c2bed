"""Hardware of one's own beside what is rented: which hour is which, whose date is shown, what is measured of it."""

import pytest

from catalog.load import load
from estimator.scenario.scenario import Scenario
from tui.draw.runs import rows_as_text
from tui.pages.header import status
from tui.pages.leaderboard import TableContext, title_line
from tui.pages.legend import legend
from tui.screens.panels import PANELS
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.columns import PRICE
from tui.state.readings import is_owned
from tui.state.session import Session

CALCULATOR = Calculator(load())


def asked(view: str, **changes: object) -> Answer:
    return CALCULATOR.answer(Session(scenario=Scenario(**changes), view=view))  # type: ignore[arg-type]


def test_an_hour_that_is_written_off_is_marked_where_it_stands_beside_rents() -> None:
    rows = [row for row in asked("accelerators").rows if row.cost.price_usd_per_hour]
    assert {is_owned(row) for row in rows} == {True, False}
    assert all(("⌂" in PRICE.text(row)) == is_owned(row) for row in rows)


@pytest.mark.parametrize(("view", "changes"), [("accelerators", {}), ("instances", {"deployment": "local"})])
def test_its_column_is_of_machines_and_the_help_says_what_the_mark_is(view: str, changes: dict[str, str]) -> None:
    answer = asked(view, **changes)
    titles = rows_as_text([title_line(TableContext.of(100, answer), "", False)])
    assert "machine" in titles
    assert "instance" not in titles
    assert any(each.name == "⌂" and "no rent" in each.meaning for each in legend(answer, "leaderboard"))


def test_the_date_of_the_prices_is_that_of_the_rents_in_every_view() -> None:
    dates = {
        "".join(text for text, _ in status(asked(view), 60)).split("prices ")[1]
        for view in ("instances", "accelerators")
    }
    assert len(dates) == 1


def test_on_hardware_of_ones_own_the_best_of_each_accelerator_is_no_rented_one() -> None:
    assert all(
        is_owned(row) or row.candidate.accelerator.startswith("cpu")
        for row in asked("accelerators", deployment="local").rows
    )


def test_a_working_of_a_row_that_nothing_measured_says_so_first() -> None:
    answer = asked("instances", deployment="local")
    row = next(row for row in answer.rows if row.confidence == "C" and row.verdict == "fits")
    shown = rows_as_text(PANELS["why"](answer, row, "").body(90))
    assert shown.splitlines()[0] == "class C: from specifications only"
    assert "validated end to end" not in shown
