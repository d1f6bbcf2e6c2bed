"""Every page, panel and picker, serving, training and on hardware of one's own, at five sizes, as text.

One file holds all pictures of a task at a size. The figures are made by hand: a picture moves with the drawing alone.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tests.tui.screens import hand_made
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.hand_made import HandMadeCalculator
from tui.app import LlmCalc
from tui.draw.palette import DEFAULT_THEME, NO_COLOUR_THEME
from tui.screens import compare
from tui.screens.fetch import Fetch
from tui.screens.page import Page
from tui.screens.refresh import RefreshPrices
from tui.state.pins import Pin
from tui.state.session import Session

SIZES = [(60, 20), (80, 24), (100, 30), (140, 45), (250, 60)]
PINS = (
    Pin(Scenario(), "g6e.12xlarge"),
    Pin(Scenario(), "p4d.24xlarge"),
    Pin(Scenario(kv="fp8"), "p5.48xlarge", name="fast"),
)
SESSIONS = {
    "serving": Session(pins=PINS),
    "training": Session(scenario=Scenario(training=TrainingWorkload())),
    "local": Session(scenario=Scenario(deployment="local")),
}
PAGES = ("4", "4 tab", "4 tab tab", "1", "2", "3")
PICKERS = (
    "m",
    "m x / y enter",
    "r",
    "f",
    "e",
    "i",
    "ctrl+p",
    "ctrl+o",
    "ctrl+s",
    "ctrl+g",
    "|",
    "?",
    "1 ?",
    "2 ?",
    "3 ?",
    "5 ?",
)
SERVING_ONLY = (
    "enter",
    "x",
    "p",
    "a",
    "z",
    "v",
    "b",
    "l",
    "l tab",
    "l tab tab",
    "i enter",
    "$",
    "2 n",
    "3 n",
    "5",
    "5 g",
    "5 n",
)
SHOWN = {
    "serving": (*PAGES, "3 o", "3 o o", "3 o o o", *SERVING_ONLY, "!", *PICKERS),
    "training": (*PAGES, "5", "enter", "2 enter", "3 enter", "!", "x", "f", "i", "|", "?", "2 ?", "3 ?", "p"),
    "local": (*PAGES, "$", "enter", "!", "b", "v", "?"),
}
"""What is pressed for each picture, from the leaderboard on."""
KEPT = Path(__file__).parent / "__snapshots__" / "test_every_screen"
NAMES = {"!": "exclamation_mark", "$": "dollar_sign", "|": "vertical_line", "?": "question_mark", "/": "slash"}


async def pictures(size: tuple[int, int], session: Session, keys: tuple[str, ...], theme: str) -> Mapping[str, str]:
    """The screen after each of the keys."""
    app = LlmCalc(HandMadeCalculator(), session, theme=theme)
    shown = {}
    async with app.run_test(size=size) as pilot:
        for pressed in keys:
            await settled(pilot, *(NAMES.get(key, key) for key in pressed.split()))
            shown[pressed] = screen_text(app)
            await back(pilot, session)
    return shown


async def settled(pilot: Pilot, *keys: str) -> None:
    app = pilot.app
    assert isinstance(app, LlmCalc)
    for key in keys:
        await pilot.press(key)
        while app._feeder is not None and not app._feeder.done():
            await app._feeder
    await pilot.pause()


async def back(pilot: Pilot, session: Session) -> None:
    """The session as it was, on the leaderboard."""
    app = pilot.app
    assert isinstance(app, LlmCalc)
    while not isinstance(app.screen, Page):
        app.pop_screen()
        await pilot.pause()
    app.action_page("leaderboard")
    app.show(app.history.to(session))
    app.history = app.history.__class__(session)
    app.unsay()
    app._said_keys.clear()
    await pilot.pause()


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    hand_made.install(monkeypatch)
    monkeypatch.setattr(compare, "cost_curves", hand_made.curves)
    for screen in (Fetch, RefreshPrices):
        monkeypatch.setattr(screen, "on_mount", lambda self: None)


def as_one_text(shown: Mapping[str, str]) -> str:
    return "".join(f"──── {keys}\n{text}\n" for keys, text in shown.items())


at_every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@at_every_size
@pytest.mark.parametrize("task", SESSIONS)
async def test_every_screen(task: str, size: tuple[int, int], screen: SnapshotAssertion) -> None:
    assert as_one_text(await pictures(size, SESSIONS[task], SHOWN[task], DEFAULT_THEME)) == screen


@at_every_size
@pytest.mark.parametrize("task", SESSIONS)
async def test_without_colour_the_same_is_said(task: str, size: tuple[int, int]) -> None:
    coloured = KEPT / f"test_every_screen[{task}-{size[0]}x{size[1]}].txt"
    shown = as_one_text(await pictures(size, SESSIONS[task], SHOWN[task], NO_COLOUR_THEME))
    assert shown == coloured.read_text(encoding="utf-8")
