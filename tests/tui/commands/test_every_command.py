"""Every command is pressed on every page that offers it, and does something that one sees."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from estimator.engines.speed_constants import Calibration
from estimator.scenario.scenario import EngineSettings, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tests.tui.screens import hand_made
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.hand_made import HandMadeCalculator
from tests.tui.screens.test_every_screen import NAMES, PINS
from tui.app import LlmCalc
from tui.commands.all import BY_ID, COMMANDS, commands_at
from tui.commands.bindings import keymap
from tui.commands.command import EVERYWHERE, Command, keys_of
from tui.screens import compare
from tui.screens.page import Page
from tui.screens.refresh import RefreshPrices
from tui.state.session import History, Session
from tui.tabs import TABS

SERVING = Scenario(
    settings=EngineSettings(memory_utilization=0.95), calibrations=(Calibration("l40s", "vllm", 1.1, 0.9),)
)
SESSIONS = {
    "serve": Session(scenario=SERVING, pins=PINS),
    "train": Session(scenario=replace(SERVING, training=TrainingWorkload(lora_rank=32))),
}
BEFORE = {
    "cursor-up": ("j",),
    "cursor-first": ("G",),
    "page-up": ("G",),
    "sort-reverse": ("s",),
    "field-up": ("j",),
    "field-first": ("G",),
    "field-less": ("j",),
    "field-more": ("j",),
    "field-clear": ("j", "j", "j", "j", "l"),
    "group-last": ("tab", "tab"),
    "part-up": ("j",),
    "memory-last": ("l",),
    "performance-last": ("l",),
    "figure-up": ("j",),
    "pin-last": ("l",),
    "pin-left": ("l",),
    "undo": ("+",),
    "redo": ("+", "u"),
    "back": ("/", "g", "6", "enter"),
}
"""What is pressed first, so that there is something to move back from, to undo, to clear."""
ELSEWHERE = {"back": {page.name for page in TABS} - {"leaderboard"}}
"""Pages on which a command needs nothing first: escape goes back to the leaderboard."""
KEYS = {**NAMES, "+": "plus"}


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hand_made.install(monkeypatch)
    monkeypatch.setattr(compare, "cost_curves", hand_made.curves)
    monkeypatch.setattr(RefreshPrices, "on_mount", lambda self: None)
    monkeypatch.chdir(tmp_path)


async def press(pilot: Pilot, *keys: str) -> None:
    app = pilot.app
    assert isinstance(app, LlmCalc)
    for key in keys:
        await pilot.press(KEYS.get(key, key))
        while app._feeder is not None and not app._feeder.done():
            await app._feeder
    await pilot.pause()


async def reset(pilot: Pilot, session: Session, page: str) -> None:
    """The page as it opens on the session."""
    app = pilot.app
    assert isinstance(app, LlmCalc)
    while not isinstance(app.screen, Page):
        app.pop_screen()
        await pilot.pause()
    app.history = History(session)
    app.show(app.history)
    app.action_page("leaderboard")
    for name in [name for name in app._installed_screens if name != "leaderboard"]:
        app.uninstall_screen(name)  # with the cursor and the view that it had
    app.action_page(page)
    app.unsay()
    await pilot.pause()


def seen(app: LlmCalc) -> tuple[object, ...]:
    """What a command may change: the session, the screen, the theme, and what the terminal is known to show."""
    return app.history.now, app.screen._compositor.render_strips(), app.theme, app._shown, app._exit


def offered(page: str, task: str) -> Iterator[Command]:
    for command in (*commands_at(page), *commands_at(EVERYWHERE)):
        if command.task in ("", task) and command.id != f"page-{page}":
            yield command


@pytest.mark.parametrize("page", [page.name for page in TABS])
@pytest.mark.parametrize("task", SESSIONS)
async def test_every_command_of_a_page_does_something_that_one_sees(task: str, page: str) -> None:
    session, idle = SESSIONS[task], []
    if task == "train" and page == "compare":
        pytest.skip("pins of served models are compared")
    commands = sorted(offered(page, task), key=lambda command: command.id == "quit")
    app = LlmCalc(HandMadeCalculator(), session)
    async with app.run_test(size=(100, 30)) as pilot:
        for command in commands:
            await reset(pilot, session, page)
            if page not in ELSEWHERE.get(command.id, ()):
                await press(pilot, *BEFORE.get(command.id, ()))
            app._shown = ("a frame",)  # type: ignore[assignment]
            before = seen(app)
            await press(pilot, keys_of(command)[0])
            if seen(app) == before:
                idle.append(command.id)
    assert idle == []


def test_every_command_is_offered_on_some_page() -> None:
    pages = [page.name for page in TABS]
    assert {command.id for page in pages for task in SESSIONS for command in offered(page, task)} == set(BY_ID)


async def test_a_key_of_the_other_task_says_so_once() -> None:
    app = LlmCalc(HandMadeCalculator(), SESSIONS["train"])
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for command in (command for command in commands_at(EVERYWHERE) if command.task == "serve"):
            await press(pilot, keys_of(command)[0])
            assert "of a served model (t changes)" in screen_text(app), command.id
            await press(pilot, keys_of(command)[0])
            assert "of a served model" not in screen_text(app), command.id


@pytest.mark.parametrize("page", [page.key for page in TABS])
async def test_escape_never_quits(page: str) -> None:
    app = LlmCalc(HandMadeCalculator(), SESSIONS["serve"])
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, page, *["escape"] * 5)
        assert not app._exit
        assert app.history.now.screen == "leaderboard"


def test_every_command_can_be_given_another_key() -> None:
    for command in COMMANDS:
        assert keymap({command.id: "f9"}) == ({command.id: "f9"}, [])
