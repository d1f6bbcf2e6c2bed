"""A row without a price: every panel says why, and what does not depend on a price is still answered."""

import pytest

from catalog.load import load
from estimator.scenario.scenario import Scenario
from tui.draw.runs import rows_as_text
from tui.screens.alternative_panels import sensitivity
from tui.screens.panels import PANELS
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.readings import missing_price
from tui.state.session import Session

CALCULATOR = Calculator(load())
SERVED = {
    "rented": Scenario(),
    "owned": Scenario(deployment="local", model="Qwen/Qwen3-8B", engine="llamacpp", weights="gguf-q4_k_m"),
}


def answer_of(name: str) -> Answer:
    return CALCULATOR.answer(Session(scenario=SERVED[name]))


@pytest.mark.parametrize("panel", ["plan", "breakeven", "sensitivity"])
@pytest.mark.parametrize("name", SERVED)
def test_the_panels_about_money_say_why_there_is_none(name: str, panel: str) -> None:
    answer = answer_of(name)
    states = {row.cost.price_state: row for row in answer.rows if row.verdict == "fits" and missing_price(row)[0]}
    assert states
    for row in states.values():
        assert missing_price(row)[0] in " ".join(rows_as_text(PANELS[panel](answer, row, "").body(100)).split())


def test_what_a_change_does_to_speed_and_users_needs_no_price() -> None:
    answer = answer_of("owned")
    row = next(row for row in answer.rows if row.verdict == "fits" and missing_price(row)[0])
    changes = [each.title.strip() for each in sensitivity(answer, row).choices]
    assert {"twice the users", "half the input", "weights gguf-q3_k_m"} <= set(changes)


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("name", SERVED)
def test_no_panel_is_empty(name: str, panel: str) -> None:
    answer = answer_of(name)
    for verdict in {row.verdict for row in answer.rows}:
        row = next(row for row in reversed(answer.rows) if row.verdict == verdict)
        sheet = PANELS[panel](answer, row, "")
        assert rows_as_text(sheet.body(74)).strip() or sheet.choices, (panel, row.candidate.machine)
