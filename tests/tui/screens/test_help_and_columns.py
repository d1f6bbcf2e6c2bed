"""`?` explains the row under the cursor and is searched; `<` `>` choose a column; columns are chosen, ordered, kept."""

import pytest

from catalog.load import load
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press
from tui.app import LlmCalc
from tui.screens.help import Help
from tui.screens.page import Page
from tui.state.calculator import Calculator
from tui.state.columns import columns_of
from tui.state.readings import instance, ttft
from tui.state.session import Session

CALCULATOR = Calculator(load())


def app_on(session: Session | None = None) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session())


def titles(app: LlmCalc) -> str:
    return screen_text(app).splitlines()[2]


async def test_help_begins_with_the_columns_on_the_row_under_the_cursor() -> None:
    app = app_on()
    async with app.run_test(size=(100, 60)) as pilot:
        answer = await press(pilot, "j", "j", "question_mark")
        shown = screen_text(app)
        assert answer.selected
        assert f"{instance(answer.selected)}, rank 3" in shown
        for column in columns_of(answer.session.scenario):
            assert column.meaning.split()[0] in shown
        assert f"TTFT          {ttft(answer.selected):.1f}s · mean time to the first token" in shown
        assert shown.index("mean time to the first token") < shown.index("a tie: its cost")


async def test_help_is_searched_and_esc_ends_the_search_first() -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "question_mark", "slash", *"tpot")
        shown = screen_text(app)
        assert "mean time per further token" in shown
        assert "mean time to the first token" not in shown
        await press(pilot, "enter", "j", "k", "escape")
        assert isinstance(app.screen, Help)
        assert "mean time to the first token" in screen_text(app)
        await press(pilot, "slash", *"nozzqx")
        assert "nothing in the help has these words" in screen_text(app)
        await press(pilot, "escape", "escape")
        assert isinstance(app.screen, Page)


@pytest.mark.parametrize("page", ["1", "2", "3", "5"])
async def test_every_page_has_a_help_of_its_own(page: str) -> None:
    app = app_on()
    async with app.run_test(size=(100, 40)) as pilot:
        await press(pilot, page, "question_mark")
        assert "keys on this page" in screen_text(app)


async def test_a_column_is_chosen_explained_and_sorted_by() -> None:
    app = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(7):
            answer = await press(pilot, "greater_than_sign")
        assert answer.session.column == "tpot"
        assert "›TPOT" in titles(app)
        await press(pilot, "enter")
        assert "› time per output token" in screen_text(app)
        answer = await press(pilot, "escape", "s")
        assert answer.session.sort == "tpot"
        assert "TPOT▲" in titles(app)
        assert (await press(pilot, "s")).session.sort == ""
        assert (await press(pilot, "less_than_sign")).session.column == "ttft"
        assert (await press(pilot, "escape")).session.column == ""
        assert "›" not in titles(app)


async def test_a_column_without_an_order_says_so() -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        answer = await press(pilot, *["greater_than_sign"] * 3, "s")
        assert answer.session.column == "layout"
        assert "layout gives no order" in answer.problem


async def test_columns_are_chosen_ordered_and_kept_for_each_task() -> None:
    app = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "|", "space", "j", "j", "j", "less_than_sign")
        assert "columns" in screen_text(app)
        answer = await press(pilot, "enter")
        assert answer.session.columns.split(",")[:3] == ["layout", "tokens", "price"]
        assert "devices" not in titles(app)
        assert titles(app).index("$/Mtok") < titles(app).index("$/h")
        training = await press(pilot, "t")
        assert training.session.columns == ""
        assert "devices" in titles(app)
        await press(pilot, "t", "|", "backspace")
        assert "devices" in titles(app)
