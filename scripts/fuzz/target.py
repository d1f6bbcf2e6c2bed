"""What a fuzzed reader is, and how one input is judged: read, or refused in one line, soon, and never otherwise."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from traceback import extract_tb
from types import FrameType
from typing import NamedTuple, NoReturn

from estimator.errors import InputError

SLOWEST_S = 2.0
"""Seconds of processor time after which reading one input counts as a hang."""
ENDLESS_S = 20
"""Seconds of processor time after which reading one input is ended."""
WAITING_S = 600
"""Seconds on the clock after which it is ended too: something waits for what never comes."""


class Fault(NamedTuple):
    """An input that was not treated as it should be."""

    kind: str
    source: str
    """Reader and what the input was made from."""
    change: str
    """The input, or what was changed in it, shortened."""


class Wrong(Exception):
    """A reader took an input and made a figure of it that can not be."""


class Case(NamedTuple):
    """One input for one reader."""

    source: str
    change: str
    read: Callable[[], object]
    """Reads it. Raises InputError where it is refused, Wrong where the answer can not be."""


class Target(NamedTuple):
    """A reader under test."""

    name: str
    share: int
    """Inputs it gets of a round; the slow ones get few."""
    draw: Callable[[Random], Case]


class Outcome(NamedTuple):
    """What became of one input."""

    read: bool
    """Taken, not refused."""
    fault: Fault | None


def judge(case: Case) -> Outcome:
    """Reads one input. Whatever ends otherwise than in an answer or an InputError is a fault."""
    began = time.process_time()
    try:
        with _ended():
            case.read()
    except InputError:
        return Outcome(read=False, fault=_slow(case, began))
    except Wrong as wrong:
        return Outcome(read=True, fault=_fault(f"wrong: {wrong}", case))
    except Exception as error:
        last = extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return Outcome(read=False, fault=_fault(f"{where}: {type(error).__name__}: {error}", case))
    return Outcome(read=True, fault=_slow(case, began))


def _slow(case: Case, began: float) -> Fault | None:
    seconds = time.process_time() - began
    return _fault(f"took {seconds:.1f} s", case) if seconds > SLOWEST_S else None


def _fault(kind: str, case: Case) -> Fault:
    return Fault(kind[:160], case.source, case.change)


@contextmanager
def _ended() -> Iterator[None]:
    """Raises TimeoutError inside of what never ends."""

    def end(signum: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError("no end")

    timers = ((signal.SIGVTALRM, signal.ITIMER_VIRTUAL, ENDLESS_S), (signal.SIGALRM, signal.ITIMER_REAL, WAITING_S))
    before = {number: signal.signal(number, end) for number, _, _ in timers}
    for _, timer, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for number, timer, _ in timers:
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])
