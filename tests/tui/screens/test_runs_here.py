"""`i`: a machine, what runs on it, and one key takes it."""

import pytest

from catalog.load import load
from catalog.sources import this_machine
from catalog.sources.this_machine import ThisMachine
from estimator.scenario.placement import devices
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press, settled
from tui.app import LlmCalc
from tui.screens.machines import MachinePicker
from tui.screens.reverse import ReversePicker
from tui.state.calculator import Calculator
from tui.state.session import Session

CALCULATOR = Calculator(load())
NAMES = ("Qwen/Qwen3-8B", "meta-llama/Llama-3.3-70B-Instruct", "openai/gpt-oss-20b")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> LlmCalc:
    monkeypatch.setattr("tui.screens.reverse.by_standing", lambda models, used: list(NAMES))
    return LlmCalc(CALCULATOR, Session())


async def listed(app: LlmCalc) -> ReversePicker:
    """The list once every model was asked."""
    picker = app.screen
    assert isinstance(picker, ReversePicker)
    await app.workers.wait_for_complete()
    return picker


async def test_enter_twice_lists_what_runs_on_the_selected_row_and_takes_one(app: LlmCalc) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        machine = (await press(pilot, "j", "j")).selected
        assert machine
        await press(pilot, "i")
        assert f"▌ {machine.candidate.machine}" in screen_text(app)
        await press(pilot, "enter")
        picker = await listed(app)
        await settled(pilot)
        shown = screen_text(app)
        assert f"{machine.candidate.machine} at 2,560 tokens, 16 users" in shown
        assert "gpt-oss-20b" in shown
        await press(pilot, *"qwen3", "space", *"fp8")
        chosen = picker.runnable[picker.matches[0]]
        answer = await press(pilot, "enter")
        assert answer.session.scenario == chosen.scenario
        assert answer.session.scenario.placement.instance == machine.candidate.machine
        assert answer.rows[0].max_users == chosen.row.max_users
        assert (await press(pilot, "u")).session.scenario == Session().scenario


async def test_this_machine_stands_first_once_it_is_known(app: LlmCalc, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ThisMachine((devices("rtx4090", 2, CALCULATOR.catalog.inventory),), "2x RTX 4090, 64 GiB RAM")
    monkeypatch.setattr(this_machine, "detect", lambda inventory: here)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "i")
        await app.workers.wait_for_complete()
        await settled(pilot)
        picker = app.screen
        assert isinstance(picker, MachinePicker)
        assert picker.names[0] == "this machine: 2xrtx4090"
        assert picker.matches[picker.cursor] != picker.names[0]
        assert "this machine: 2x RTX 4090, 64 GiB RAM" in screen_text(app)
        await press(pilot, *"this", "enter")
        picked = await listed(app)
        answer = await press(pilot, "enter")
        assert answer.session.scenario == next(iter(picked.runnable.values())).scenario
        assert answer.session.scenario.deployment == "local"


async def test_escape_leaves_everything_as_it_was(app: LlmCalc) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        before = (await press(pilot, "i")).session
        await press(pilot, "enter", "escape")
        assert (await settled(pilot)).session == before


async def test_where_nothing_fits_it_says_so(app: LlmCalc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.reverse.by_standing", lambda models, used: ["meta-llama/Llama-3.3-70B-Instruct"])
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i", *"g6.xlarge", "enter")
        await listed(app)
        await settled(pilot)
        assert "nothing fits there" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, ReversePicker)
