"""`$`, `r` and `f`: lists that answer before one is chosen."""

import re

import pytest

from catalog.load import load
from estimator.cost.offers import Offer
from estimator.hardware.prices import Price
from estimator.scenario.presets import PRESETS
from estimator.scenario.training_presets import TRAINING_PRESETS
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press
from tui.app import LlmCalc
from tui.draw.figures import usd
from tui.draw.runs import rows_as_text
from tui.screens.terms import TermsPicker
from tui.state.calculator import Calculator
from tui.state.session import Session

CALCULATOR = Calculator(load())


def app_on(session: Session | None = None) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session())


async def test_terms_stand_side_by_side_and_enter_takes_one() -> None:
    app = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        row = (await press(pilot, *"/p4d", "enter", "j", "k")).selected
        assert row
        await press(pilot, "dollar_sign")
        shown = screen_text(app)
        assert f"{row.candidate.machine} in us-east-1" in shown
        for terms in ("on-demand ‹", "spot", "reserved-3y", "capacity-block"):
            assert terms in shown
        assert "h/month" in shown
        answer = await press(pilot, *"savings-1", "enter")
        assert answer.session.scenario.price_terms == "savings-1y"
        assert answer.selected
        assert usd(answer.selected.cost.price_usd_per_hour) in shown


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 45)])
async def test_what_other_clouds_ask_stands_under_the_terms(size: tuple[int, int]) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        row = (await press(pilot, *"/p5.48", "enter", "j", "k")).selected
        assert row
        assert row.candidate.machine == "p5.48xlarge"
        await press(pilot, "dollar_sign")
        shown = " ".join(re.sub(r"[│╭╮╰╯]", " ", screen_text(app)).split())
        assert "elsewhere $18.32 Verda 2026, $23.60 Nebius 2026, $31.20 Crusoe 2026-10" in shown


def test_an_old_price_says_its_age_with_a_mark() -> None:
    offer = Offer(
        terms="reserved-1y",
        state="priced",
        price=Price(13.0, "list", "2025-04-04", low=12.0, high=14.0),
        age_days=604,
        share_of_on_demand=0.6,
        stale=True,
    )
    picker = TermsPicker([offer], "on-demand", "2xp4d", machines=2)
    line = rows_as_text([picker.line("reserved-1y", 100, False)])
    assert "2025-04-04 604d*" in line
    assert f"{0.6 * 730:.0f} h/month" in line
    assert "-40%" in line
    assert "$26.00" in line
    assert "$24.00–$28.00" in line
    assert "old price" in picker.status()


async def test_a_region_says_price_difference_and_quota() -> None:
    app = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *"/g6e.12", "enter", "r")
        shown = screen_text(app)
        assert "g6e.12xlarge: 48 vCPU of the quota “G and VT”" in shown
        assert "not offered" in shown
        answer = await press(pilot, *"oregon", "enter")
        assert answer.session.scenario.region == "us-west-2"


@pytest.mark.parametrize(("task", "name"), [("serve", "rag"), ("train", "qlora-70b-80gb")])
async def test_presets_of_the_task_are_a_list(task: str, name: str) -> None:
    session = Session().serve_or_train() if task == "train" else Session()
    app = app_on(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "f")
        assert ("8k→512 x16" in screen_text(app)) == (task == "serve")
        answer = await press(pilot, *name.split("-")[0], "enter")
        assert answer.session.task == task
        await press(pilot, "f")
        assert f"{name} ‹" in screen_text(app)


@pytest.mark.parametrize("task", ["serve", "train"])
async def test_the_name_of_a_preset_and_what_it_asks_are_apart(task: str) -> None:
    app = app_on(Session().serve_or_train() if task == "train" else Session())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "f")
        shown = screen_text(app)
        for each in TRAINING_PRESETS if task == "train" else PRESETS:
            assert re.search(rf" {each.name}( ‹)?  +\w", shown), each.name


async def test_a_preset_that_is_longer_than_the_model_is_cut_and_says_so() -> None:
    app = app_on(Session().with_model("meta-llama/Llama-2-7b-hf").with_input_tokens(1024))
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "f")
        answer = await press(pilot, *"rag", "enter")
        assert answer.session.scenario.workload.input_tokens == 4096 - 512
        assert "cut from 8,192 to 3,584 input tokens, the model holds 4,096" in screen_text(app)


async def test_regions_without_a_row_say_nothing_of_its_price() -> None:
    app = LlmCalc(CALCULATOR, Session(filter="zzz"))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "r")
        shown = screen_text(app)
        assert "ap-northeast-1" in shown or "us-east-1" in shown
        assert "not offered" not in shown
        answer = await press(pilot, *"tokyo", "enter")
        assert answer.session.scenario.region == "ap-northeast-1"
