"""Hundreds of random commands: many in one write do what they do one by one, and nothing crashes."""

import os
import random
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key

from benchmarks.terminal import Terminal
from catalog.load import load
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.vt import screen_of
from tui.app import LlmCalc
from tui.state import store
from tui.state.calculator import Calculator
from tui.state.session import Session

CALCULATOR = Calculator(load())
KEYS = {
    **{key: key for key in "jkgGsSvwc12345xpzaohdtuf0"},
    "space": " ",
    "plus": "+",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "dollar_sign": "$",
    "exclamation_mark": "!",
    "question_mark": "?",
    "enter": "\r",
    "escape": "\x1b",
    "backspace": "\x7f",
    "tab": "\t",
}
"""Keys of commands by name, and as a terminal sends them; those that write files or read the Hub stay out."""
CLUMP = 20


def drawn(seed: int, count: int) -> list[str]:
    draw = random.Random(seed)
    return [draw.choice(list(KEYS)) for _ in range(count)]


async def typed(keys: list[str], size: tuple[int, int], clump: int, folder: Path) -> tuple[Session, str, str]:
    """Session and screen after the keys, so many in one read; and the session as a file of the next start holds it."""
    app = LlmCalc(CALCULATOR, Session(), folder / "session.yaml")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for at in range(0, len(keys), clump):
            for key in keys[at : at + clump]:
                event = Key(key, KEYS[key] if len(KEYS[key]) == 1 else None)
                event.set_sender(app)
                app.post_message(event)
            while app._feeder is not None and not app._feeder.done():
                await app._feeder
        await pilot.pause()
        shown = screen_text(app)
        app.save()
    return app.history.now, shown, (folder / "session.yaml").read_text()


@pytest.mark.parametrize(("size", "count"), [((80, 24), 150), ((160, 45), 60)], ids=["80x24", "160x45"])
async def test_random_commands_in_clumps_do_what_they_do_one_by_one(
    size: tuple[int, int], count: int, tmp_path: Path
) -> None:
    keys = drawn(seed=count, count=count)
    (tmp_path / "one").mkdir()
    together = await typed(keys, size, CLUMP, tmp_path)
    one_by_one = await typed(keys, size, 1, tmp_path / "one")
    assert together[0] == one_by_one[0]
    assert together[1] == one_by_one[1]
    kept = store.load(tmp_path / "session.yaml")
    assert replace(kept, run=one_by_one[0].run) == one_by_one[0]


COMMANDS = 300
MOVED = re.compile(r"[▲▼](\d+%|x\d+)?")
"""How the last edit moved a figure; a fresh start has no last edit."""


class Typist:
    """Types into the application in a terminal and reads what that then shows."""

    def __init__(self, home: Path, size: tuple[int, int]) -> None:
        self.size, self.sent = size, b""
        self.terminal = Terminal(["-m", "tui"], home, *size)

    def __enter__(self) -> "Typist":
        self.terminal.until(b"instance")
        self.sent = self.terminal.seen
        self.read()
        return self

    def __exit__(self, *error: object) -> None:
        self.terminal.__exit__(*error)

    def type(self, keys: str, wait_s: float = 0.0) -> None:
        os.write(self.terminal.descriptor, keys.encode())
        self.sent += self.terminal.chunk(wait_s)

    def read(self) -> list[str]:
        """The screen once it is quiet."""
        self.sent += self.terminal.settle()
        return screen_of(self.sent, *self.size)

    def leaderboard(self) -> list[str]:
        """What the leaderboard shows from its top, without how the last edit moved it."""
        for _ in range(4):  # a dialog, a search in it, a page over the leaderboard, its column cursor
            self.type("\x1b")
            self.read()
        self.type("4g")
        self.read()
        self.type("\x0c")
        return [MOVED.sub(lambda arrow: " " * len(arrow[0]), line).rstrip() for line in self.read()]


def after(keys: list[str], clump: int, home: Path, size: tuple[int, int]) -> tuple[list[str], str]:
    """The leaderboard after the keys, so many in one write, and the session as it is kept."""
    with Typist(home, size) as typist:
        for at in range(0, len(keys), clump):
            typist.type("".join(KEYS[key] for key in keys[at : at + clump]), 0.02)
        shown = typist.leaderboard()
        assert not re.search(rb"Traceback|Error|internal", typist.sent)
        typist.type("q")
        end = time.monotonic() + 60
        while time.monotonic() < end and b"\x1b[?1049l" not in typist.sent:
            typist.sent += typist.terminal.chunk(0.5)
        assert b"\x1b[?1049l" in typist.sent
    return shown, (home / "state" / "llmcalc-tui" / "session.yaml").read_text()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
def test_three_hundred_commands_in_a_terminal_leave_no_stale_figure(size: tuple[int, int], tmp_path: Path) -> None:
    keys = [key for key in drawn(seed=7, count=COMMANDS) if key != "escape"]  # its byte starts a sequence in a clump
    shown, kept = after(keys, CLUMP, tmp_path / "clumps", size)
    with Typist(tmp_path / "clumps", size) as afresh:
        assert shown == afresh.leaderboard()
    one_by_one = after(keys, 1, tmp_path / "single", size)
    assert one_by_one == (shown, kept)
