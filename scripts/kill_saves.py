"""Kills processes while they save, and looks what they left: `python -m scripts.kill_saves [--count 500] [--seed 1]`.

A writer saves two states of one file in turn, as fast as it can; it is killed at a random moment. What is there then
has to be one of the two states, whole, and the next save has to succeed. The session, AWS's prices and the cache.
"""

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple, NoReturn

from catalog import cache, schema
from catalog.sources import aws
from tui.state import store
from tui.state.session import Session

LONGEST_S = 0.03
"""Time until the kill, after the first save: some ten saves."""


class Saved(NamedTuple):
    """A file that is saved in two states."""

    name: str
    save: Callable[[Path, int], None]
    """Writes state 0 or 1 into a folder."""
    state: Callable[[Path], int]
    """Which state the folder holds. Raises what reading raises, ValueError for neither."""


def session() -> Saved:
    """The session of the app, with a filter long enough to take several blocks."""
    sessions = [Session(), replace(Session(), filter="g6e|p5 " * 2_000, sort="cost")]

    def save(folder: Path, state: int) -> None:
        complaint = store.save(sessions[state], folder / "session.yaml")
        if complaint:
            raise OSError(complaint)

    return Saved("session", save, lambda folder: sessions.index(store.load(folder / "session.yaml")))


def prices() -> Saved:
    """The file of a region's refreshed prices."""
    types = [f"g6.{number}xlarge" for number in range(200)]
    states = [aws.Refreshed("us-east-1", {"on-demand": dict.fromkeys(types, usd)}, ()) for usd in (1.25, 2.5)]

    def state(folder: Path) -> int:
        entry = schema.read(folder / "prices" / "us-east-1.aws.yaml", schema.FILES["prices/*.yaml"])
        usd = {float(price) for price in entry.quotes[0].usd_per_hour.values()}
        return [{1.25}, {2.5}].index(usd)

    return Saved("prices", lambda folder, at: aws.keep(states[at], folder) and None, state)


def bundle() -> Saved:
    """The catalogue's cache."""
    states = [{"inventory": f"[{at}]" * 20_000, "regions": "{}"} for at in (0, 1)]

    def save(folder: Path, at: int) -> None:
        if not cache.write(folder / "catalog.cache", states[at], "quick", "content"):
            raise OSError("the cache was not written")

    def state(folder: Path) -> int:
        opened = cache.open_bundle(folder / "catalog.cache", ())
        if opened is None:
            raise ValueError("no bundle")
        return states.index(dict(opened))

    return Saved("cache", save, state)


def kill_once(saved: Saved, folder: Path, random: Random) -> int:
    """Kills one writer, and saves once more; the state it left. Raises what reading raises where that is damaged."""
    saved.save(folder, 0)
    ready, started = os.pipe()
    process = os.fork()
    if process == 0:
        _save_for_ever(saved, folder, started)
    os.close(started)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(random.random() * LONGEST_S)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    state = saved.state(folder)
    saved.save(folder, 1 - state)
    if saved.state(folder) != 1 - state:
        raise ValueError("the next save was lost")
    return state


def _save_for_ever(saved: Saved, folder: Path, started: int) -> NoReturn:
    """The writer: it never returns, so that nothing of its parent runs twice."""
    try:
        saved.save(folder, 1)
        os.write(started, b".")
        while True:
            for state in (0, 1):
                saved.save(folder, state)
    finally:
        os._exit(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    random = Random(asked.seed)
    for saved in (session(), prices(), bundle()):
        with TemporaryDirectory() as folder:
            states = Counter(kill_once(saved, Path(folder), random) for _ in range(asked.count))
            parts = sum(path.name.endswith(".part") for path in Path(folder).rglob("*"))
        print(
            f"{saved.name}: {asked.count} kills, left {states[0]} and {states[1]} whole, {parts} parts of files beside"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
