"""Bytes that each key sends to the terminal, and until its answer is there: `python -m benchmarks.bytes`."""

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
    "next view": b"v",
    "open filter": b"/",
    "type a letter": b"g",
    "clear filter": b"\x1b",
    "help": b"?",
    "close help": b"\x1b",
}
SIZES = ((80, 24), (160, 50))


def measure() -> Iterator[Measure]:
    """Bytes of a start, of each key and of a quiet second, at two sizes; seconds from a key to its last byte."""
    for width, height in SIZES:
        size = f"{width}x{height}"
        with tempfile.TemporaryDirectory() as home, Terminal(["-m", "tui"], Path(home), width, height) as terminal:
            terminal.until(b"instance")
            start = len(terminal.seen) + len(terminal.settle())
            yield Measure(f"start, {size}", start, "bytes", target="8,000" if height == SIZES[0][1] else "")
            for name, key in KEYS.items():
                pressed = time.perf_counter()
                sent = len(terminal.press(key))
                latency_ms = max(time.perf_counter() - pressed - QUIET_S, 0.0) * 1000
                yield Measure(f"{name}, {size}", sent, "bytes", f"last after {latency_ms:.0f} ms")
            yield Measure(f"a quiet second, {size}", len(terminal.chunk(1.0)), "bytes", target="0")


if __name__ == "__main__":
    print(table(measure()))
