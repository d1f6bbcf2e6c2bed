"""Bytes that each key sends to the terminal, and until its answer is there: `python -m benchmarks.bytes`."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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
        with tempfile.TemporaryDirectory() as home, Terminal(["-m", "tui"], Path(home), width, height) as terminal:
            terminal.until(b"instance")
            start = len(terminal.seen) + len(terminal.settle())
            yield Measure(f"start, {size}", start, "bytes", target="8,000" if height == SIZES[0][1] else "")
            moves = [timed(terminal, b"j") for _ in range(MOVES)]
            sent, latency_ms = (statistics.median(each) for each in zip(*moves, strict=True))
            yield Measure(
                f"a move of the cursor, median of {MOVES}, {size}",
                sent,
                "bytes",
                f"last after {latency_ms:.0f} ms",
                "450, in 20 ms",
            )
            for name, key in PAGES.items():
                sent, latency_ms = timed(terminal, key)
                yield Measure(
                    f"first visit of {name}, {size}", sent, "bytes", f"last after {latency_ms:.0f} ms", "70 ms"
                )
            terminal.press(b"4g")
            for name, key in KEYS.items():
                sent, latency_ms = timed(terminal, key)
                yield Measure(f"{name}, {size}", sent, "bytes", f"last after {latency_ms:.0f} ms")
            yield Measure(f"a quiet second, {size}", len(terminal.chunk(1.0)), "bytes", target="0")


def timed(terminal: Terminal, key: bytes) -> tuple[float, float]:
    """Bytes that a key sends, and milliseconds until the last of them."""
    pressed = last = time.perf_counter()
    sent = 0
    os.write(terminal.descriptor, key)
    while chunk := terminal.chunk(QUIET_S):
        sent, last = sent + len(chunk), time.perf_counter()
    return float(sent), (last - pressed) * 1000


if __name__ == "__main__":
    print(table(measure()))
