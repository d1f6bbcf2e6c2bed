"""The mouse works on tabs, titles, choices and options; themes differ in colour alone; what has no use is not shown."""

import pytest

from catalog.load import load
from estimator.scenario.scenario import Scenario
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press, settled
from tui.app import LlmCalc
from tui.draw import palette
from tui.screens.models import ModelPicker
from tui.screens.panel import SheetView
from tui.screens.picker import Choices
from tui.state.calculator import Calculator
from tui.state.chips import chips
from tui.state.session import Session
from tui.widgets.board import Board
from tui.widgets.form import Form
from tui.widgets.frame import Head

CALCULATOR = Calculator(load())


def app_on(session: Session | None = None, **options) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session(), **options)


@pytest.mark.parametrize("width", [60, 80, 140])
async def test_a_click_on_a_tab_opens_its_page(width: int) -> None:
    app = app_on()
    async with app.run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        for key, name in (("2", "memory"), ("3", "performance"), ("1", "workload"), ("4", "leaderboard")):
            x = screen_text(app).splitlines()[1].index(f"{key} ")
            await pilot.click(Head, offset=(x + 2, 1))
            assert (await settled(pilot)).session.screen == name


async def test_a_click_on_a_title_sorts_and_again_ranks() -> None:
    app = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        x = screen_text(app).splitlines()[2].index("TPOT")
        await pilot.click(Board, offset=(x, 0))
        assert (await settled(pilot)).session.sort == "tpot"
        await pilot.click(Board, offset=(x, 0))
        assert (await settled(pilot)).session.sort == ""


async def test_a_click_highlights_a_choice_and_a_second_one_takes_it() -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "f")
        await pilot.click(Choices, offset=(5, 2))
        await settled(pilot)
        await pilot.click(Choices, offset=(5, 2))
        assert (await settled(pilot)).session.scenario.workload.input_tokens == 8192


async def test_a_click_on_an_option_of_a_panel_applies_it() -> None:
    app = app_on()
    async with app.run_test(size=(100, 40)) as pilot:
        before = (await press(pilot, "a")).session.scenario
        view = app.screen.query_one(SheetView)
        lines = [line for line in screen_text(app).splitlines() if "int4-awq kv bf16" in line]
        assert lines
        y = next(at for at, line in enumerate(screen_text(app).splitlines()) if "int4-awq kv bf16" in line)
        await pilot.click(SheetView, offset=(8, y - view.region.y))
        after = (await settled(pilot)).session.scenario
        assert before.weights != after.weights == "int4-awq"


@pytest.mark.parametrize("theme", [each.name for each in palette.THEMES])
async def test_every_theme_shows_the_same_text(theme: str) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        usual = screen_text(pilot.app)
    async with app_on(theme=theme).run_test(size=(80, 24)) as pilot:
        await press(pilot, "w", "u", "x", "escape")
        await press(pilot, "greater_than_sign", "escape")
        assert screen_text(pilot.app).splitlines()[:2] == usual.splitlines()[:2]


def test_a_training_form_has_no_fields_of_serving() -> None:
    from tui.options.fields import sections
    from tui.options.options import SERVING_ONLY

    session = Session().serve_or_train()
    shown = {
        field.name for section in sections(session.scenario, CALCULATOR.catalog.inventory) for field in section.fields
    }
    assert not shown & SERVING_ONLY
    assert {"train", "sequence-length", "optimizer-in-backward", "base"} <= shown


async def test_a_training_form_fits_80_by_24() -> None:
    app = app_on(Session().serve_or_train())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "1")
        form = app.screen.query_one(Form)
        assert max(spot.y for spot in form.spots) < form.size.height + 8
        assert "concurrency" not in screen_text(app)


def test_hardware_of_ones_own_has_neither_region_nor_terms_in_the_header() -> None:
    own = Scenario(deployment="local", region="eu-central-1", price_terms="spot")
    assert [chip.text for chip in chips(own)] == ["local"]


async def test_a_hint_is_clicked_by_its_key_or_its_word() -> None:
    async with app_on().run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        hints = screen_text(pilot.app).splitlines()[-1]
        await pilot.click(offset=(hints.index("k move"), 29))
        assert (await settled(pilot)).cursor == 0
        await pilot.click(offset=(hints.index("j k move"), 29))
        await settled(pilot)
        await pilot.click(offset=(hints.index("move"), 29))
        assert (await settled(pilot)).cursor == 2
        await pilot.click(offset=(hints.index("model"), 29))
        await settled(pilot)
        assert isinstance(pilot.app.screen, ModelPicker)
