"""The application in a real terminal: what it sends, and what it survives."""

import os
import selectors
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from tui._textual import ENDING_SIGNALS, ESCAPE_WAIT_S, KeyboardSelector

START = b"instance"


def test_little_is_sent_at_start_and_nothing_in_a_quiet_second(tmp_path: Path) -> None:
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(START)
        sent = len(terminal.seen) + len(terminal.settle())
        assert sent <= 8_000
        assert terminal.chunk(1.0) == b""
        down = terminal.press(b"j")
        assert 0 < len(down) <= 1_000
        assert terminal.chunk(1.0) == b""


def test_the_session_opens_where_it_was(tmp_path: Path) -> None:
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(START)
        terminal.settle()
        terminal.press(b"+")
        terminal.press(b"2")
        terminal.press(b"q")
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(b"x32")
        assert b"[2 Memory]" in terminal.seen + terminal.settle()


def test_a_broken_session_is_named_and_the_default_opens(tmp_path: Path) -> None:
    kept_in = tmp_path / "state" / "llmcalc-tui" / "session.yaml"
    kept_in.parent.mkdir(parents=True)
    kept_in.write_text("model: [\x1b[31m\n")
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(b"started afresh")
        seen = terminal.seen + terminal.settle() + terminal.press(b"j")
        assert b"Llama-3.3-70B-Instruct" in seen
        assert b"\x1b[31m" not in seen
    assert kept_in.with_suffix(".broken.yaml").read_text() == "model: [\x1b[31m\n"


def test_a_home_that_can_not_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(START)
        terminal.settle()
        assert b"not saved" in terminal.press(b"+")


def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    with Terminal(["-m", "tui"], tmp_path, NO_COLOR="1") as terminal:
        terminal.until(START)
        seen = terminal.seen + terminal.settle()
        assert b"38;2;" not in seen
        assert b"38;5;" not in seen
        assert b"\x1b[31m" not in seen


def test_a_command_line_that_is_wrong_ends_with_one_line(tmp_path: Path) -> None:
    with Terminal(["-m", "tui", str(tmp_path / "none.yaml")], tmp_path) as terminal:
        terminal.until(b"none.yaml")
        said = terminal.seen + terminal.settle()
        assert b"none.yaml" in said
        assert b"Traceback" not in said
        assert said.strip().count(b"\n") == 0


LEFT = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l")
"""The main screen, a cursor, and no mouse reports."""


@pytest.mark.parametrize("name", ENDING_SIGNALS)
def test_a_signal_that_ends_it_leaves_a_whole_terminal(name: str, tmp_path: Path) -> None:
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(START)
        terminal.settle()
        terminal.press(b"+")
        os.kill(terminal.process, getattr(signal, name))
        terminal.until(LEFT[0])
        after = terminal.seen + terminal.settle()
        for sequence in LEFT:
            assert sequence in after
    assert "concurrency: 32" in (tmp_path / "state" / "llmcalc-tui" / "session.yaml").read_text()


def test_it_is_drawn_again_when_it_comes_back_from_the_background(tmp_path: Path) -> None:
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(START)
        terminal.settle()
        os.kill(terminal.process, signal.SIGTSTP)
        assert b"\x1b[?1049l" in terminal.settle()
        os.kill(terminal.process, signal.SIGCONT)
        again = terminal.settle()
        assert b"Llama-3.3-70B-Instruct" in again
        assert b"Leaderboard" in again


def test_keys_of_one_write_all_count(tmp_path: Path) -> None:
    with Terminal(["-m", "tui"], tmp_path) as terminal:
        terminal.until(START)
        terminal.settle()
        terminal.press(b"jjjjjsss+++jj2kjq")
    with Terminal(["-m", "tui"], tmp_path / "one") as terminal:
        terminal.until(START)
        terminal.settle()
        for key in b"jjjjjsss+++jj2kjq":
            os.write(terminal.descriptor, bytes([key]))
            terminal.chunk(0.3)
        terminal.settle()
    one, other = (home / "state" / "llmcalc-tui" / "session.yaml" for home in (tmp_path, tmp_path / "one"))
    assert one.read_text() == other.read_text()


@pytest.mark.parametrize(("asked", "waits_s"), [("", "0.05"), ("200", "0.2")])
def test_an_escape_alone_is_answered_after_what_neovim_waits_or_the_user_says(asked: str, waits_s: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ESCDELAY"}
    environment |= {"ESCDELAY": asked} if asked else {}
    program = "import tui._textual, textual.constants; print(textual.constants.ESCAPE_DELAY)"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == waits_s


def test_after_a_read_the_keyboard_is_looked_at_as_soon_as_an_escape_may_be_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float | None] = []
    answers = iter(([], ["a key"], [], []))

    def select(self: selectors.SelectSelector, timeout: float | None = None) -> list[str]:
        waits.append(timeout)
        return next(answers)

    monkeypatch.setattr(selectors.SelectSelector, "select", select)
    keyboard = KeyboardSelector()
    for _ in range(4):
        keyboard.select(0.1)
    assert waits == [0.1, 0.1, pytest.approx(ESCAPE_WAIT_S, abs=0.005), 0.1]
