"""The model picker: used and recent models first, plain sizes, and a model by its numbers."""

import pytest

from catalog.load import load
from catalog.model_listing import ModelListing
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press
from tui.app import LlmCalc
from tui.screens.by_hand import ByHand
from tui.screens.models import ModelPicker
from tui.state.calculator import Calculator
from tui.state.model_order import by_standing
from tui.state.session import Session

CALCULATOR = Calculator(load())


def app_on(session: Session | None = None) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session())


def test_recent_models_and_those_that_others_build_on_come_first() -> None:
    listed = [
        ModelListing("old", release="2023-01"),
        ModelListing("undated"),
        ModelListing("new", release="2026-08"),
        ModelListing("base-of-many", ("a", "b", "c", "d", "e"), release="2026-01"),
    ]
    models = {each.id: each for each in listed}
    assert by_standing(models) == ["base-of-many", "new", "old", "undated"]
    assert by_standing(models, ["old"])[0] == "old"


async def test_models_that_were_asked_about_stand_first_and_are_kept() -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "m", *"qwen3-8b", "enter")
        answer = await press(pilot, "m", *"gpt-oss-20b", "enter")
        assert answer.session.used[:2] == ("openai/gpt-oss-20b", "Qwen/Qwen3-8B")
        await press(pilot, "m")
        picker = app.screen
        assert isinstance(picker, ModelPicker)
        assert picker.names[:2] == ["openai/gpt-oss-20b", "Qwen/Qwen3-8B"]
        assert "GptOss" in screen_text(app)


@pytest.mark.parametrize(
    ("typed", "model", "least"), [("13b", "13B", 12e9), ("9.5", "9.5B", 9e9), ("180B", "180B", 170e9)]
)
async def test_a_size_is_a_model(typed: str, model: str, least: float) -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        answer = await press(pilot, "m", *typed, "enter")
        assert answer.session.scenario.model == model
        assert least < answer.model.architecture.parameters < 1.2 * least


async def test_a_model_by_hand_says_what_it_comes_to_and_why_it_is_none() -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "m", *"by", "space", *"hand", "enter")
        assert isinstance(app.screen, ByHand)
        assert "✓ 8.00" in screen_text(app)
        await press(pilot, "down", "down", "backspace", "enter")
        assert isinstance(app.screen, ByHand)
        assert "✗" in screen_text(app)
        answer = await press(pilot, *"40", "enter")
        assert answer.session.scenario.model == "total=8B,hidden=4096,layers=40,heads=32,kv-heads=8"
        assert answer.model.architecture.layers == 40


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("ttft 800ms", lambda scenario: scenario.service_level.ttft_s == pytest.approx(0.8)),
        ("requests-per 50", lambda scenario: scenario.workload.requests_per_second == 50),
        ("tp 4", lambda scenario: scenario.placement.tp == 4),
    ],
)
async def test_the_palette_sets_any_option_with_the_value_behind_it(typed: str, asked) -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        keys = ["space" if letter == " " else "minus" if letter == "-" else letter for letter in typed]
        answer = await press(pilot, "ctrl+p", *keys, "enter")
        assert asked(answer.session.scenario)


def test_a_size_that_is_searched_is_a_whole_number_of_the_models_own_name() -> None:
    picker = ModelPicker(CALCULATOR, "")
    assert "Mistral-Small" in picker.matching("mistral 24")[0]
    assert picker.matching("qwen3 8b")[0] == "Qwen/Qwen3-8B"


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_models_whose_names_begin_alike_are_told_apart_under_the_list(size: tuple[int, int]) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        await press(pilot, "m", *"deepseek-r1-distill-qwen")
        first = app.screen.matches[0]
        assert first in screen_text(app)
        await press(pilot, "down")
        assert app.screen.matches[1] in screen_text(app)
