"""Progress of a fetch, on one line of stderr that is wiped when it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.sources.checkpoint import Progress
from catalog.sources.resolve import silent
from estimator.printable import printable

LEAST_BETWEEN_S = 0.1
FIRST_AFTER_S = 0.5
"""What is quicker shows nothing."""


@contextmanager
def shown() -> Iterator[Progress]:
    """A progress callback for a person at a terminal; a silent one for a pipe or a file."""
    if not sys.stderr.isatty():
        yield silent
        return
    last = time.monotonic() + FIRST_AFTER_S - LEAST_BETWEEN_S
    drawn = False

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last, drawn
        if time.monotonic() - last >= LEAST_BETWEEN_S:
            last, drawn = time.monotonic(), True
            share = f" {done / total:.0%}" if total else ""
            print(f"\r\x1b[Kreading {printable(what, 50)}{share}", end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
