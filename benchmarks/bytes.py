"""Bytes that each key sends to the terminal, and until its answer is there: `python -m benchmarks.bytes`."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Measure, table
from benchmarks.terminal import QUIET_S, Terminal

KEYS = {
    "cursor down": b"j",
    "half a page": b"\x04",
    "next weights": b"w",
    "twice the users": b"+",
    "undo": b"u",
    "sort": b"s",
    "next view": b"\t",
    "open filter": b"/",
    "type a letter": b"g",
    "clear filter": b"\x1b",
    "help": b"?",
    "close help": b"\x1b",
}
SIZES = ((80, 24), (160, 50))
MOVES = 30
"""Steps of the cursor, more than a screen of rows, of which the median is taken."""
PAGES = {"Workload": b"1", "Memory": b"2", "Performance": b"3", "Compare": b"5"}


def measure() -> Iterator[Measure]:
    """Bytes of a start, of each key and of a quiet second, at two sizes; seconds from a key to its last byte."""
    for width, height in SIZES:
        size = f"{width}x{height}"
        with tempfile.TemporaryDirectory() as home, fresh_terminal(Path(home), width, height) as terminal:
            terminal.until(b"instance")
            start = len(terminal.seen) + len(terminal.settle())
            yield Measure(f"start, {size}", start, "bytes", target="8,000" if height == SIZES[0][1] else "")
            moves = [timed(terminal, b"j") for _ in range(MOVES)]
            median = Reply(*(statistics.median(each) for each in zip(*moves, strict=True)))
            yield median.measure(f"a move of the cursor, median of {MOVES}, {size}", "450, in 20 ms")
            for name, key in PAGES.items():
                yield timed(terminal, key).measure(f"first visit of {name}, {size}", "70 ms")
            terminal.press(b"4g")
            for name, key in KEYS.items():
                yield timed(terminal, key).measure(f"{name}, {size}")
            yield Measure(f"a quiet second, {size}", len(terminal.chunk(1.0)), "bytes", target="0")


def fresh_terminal(home: Path, width: int, height: int) -> Terminal:
    """The app without a session, but with the byte code of every page, as an installation has it."""
    with Terminal(["-m", "tui"], home, width, height) as terminal:
        terminal.until(b"instance")
        for key in (*PAGES.values(), b"4", *KEYS.values()):
            terminal.press(key)
    shutil.rmtree(home / "state", ignore_errors=True)
    return Terminal(["-m", "tui"], home, width, height)


class Reply(NamedTuple):
    """What a key brought about: bytes, milliseconds until the last of them, and of a processor in that time."""

    sent: float
    last_ms: float
    busy_ms: float

    def measure(self, what: str, target: str = "") -> Measure:
        """The reply as a line of the table."""
        against = f"last after {self.last_ms:.0f} ms, {self.busy_ms:.0f} ms of a processor"
        return Measure(what, self.sent, "bytes", against, target)


def timed(terminal: Terminal, key: bytes) -> Reply:
    """Presses a key and takes the time until the last byte that it leads to."""
    busy, pressed = terminal.processor_s, time.perf_counter()
    last, sent = pressed, 0
    os.write(terminal.descriptor, key)
    while chunk := terminal.chunk(QUIET_S):
        sent, last = sent + len(chunk), time.perf_counter()
    return Reply(float(sent), (last - pressed) * 1000, (terminal.processor_s - busy) * 1000)


if __name__ == "__main__":
    print(table(measure()))
