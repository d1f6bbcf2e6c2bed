"""Slow work in threads that can be left behind: a deadline, a cancellation or the program's end waits for none."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from catalog.sources.checkpoint import Cancelled, Progress
from estimator.errors import InputError

Result = TypeVar("Result")
Outcome = tuple[int, Any, BaseException | None]
"""Number of the task, its result, or the error that it ended in."""


class Patience(NamedTuple):
    """How long a reader may take, in seconds."""

    stall_s: float
    """Longest time without a finished task."""
    whole_s: float
    """Longest time for everything."""
    poll_s: float
    """Time between two looks at the threads, and so the longest that a cancellation waits."""
    workers: int
    """Tasks that run at once."""


class Reading:
    """Runs tasks in daemon threads, and calls `progress` from the thread that waits for them."""

    def __init__(self, progress: Progress, server: str, patience: Patience) -> None:
        self.progress, self.server, self.patience = progress, server, patience
        self.started_s = time.monotonic()
        self.abandoned = threading.Event()
        self.latest: tuple[str, int, int] | None = None

    def report(self, what: str, done: int, total: int) -> None:
        """Called in a task to say how far it is. Raises Cancelled where nobody waits for it any more."""
        if self.abandoned.is_set():
            raise Cancelled
        self.latest = what, done, total

    def all(self, tasks: Sequence[Callable[[], Result]], name: str = "") -> list[Result]:
        """Results of some tasks, in their order; with a name, their number is the progress.

        Raises the first error of a task, InputError past a deadline, and whatever `progress` raises.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        for index in range(len(tasks)):
            waiting.put(index)

        def work() -> None:
            while not self.abandoned.is_set():
                try:
                    index = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    done.put((index, tasks[index](), None))
                except BaseException as error:  # handed to the thread that waits
                    done.put((index, None, error))

        for _ in range(min(self.patience.workers, len(tasks))):
            threading.Thread(target=work, daemon=True).start()
        try:
            return self._collected(done, len(tasks), name)
        except BaseException:
            self.abandoned.set()
            raise

    def _collected(self, done: "queue.SimpleQueue[Outcome]", count: int, name: str) -> list[Any]:
        results: dict[int, Any] = {}
        finished_s = time.monotonic()
        while len(results) < count:
            try:
                index, result, error = done.get(timeout=self.patience.poll_s)
            except queue.Empty:
                self._pass_on()
                self._check_deadlines(finished_s)
            else:
                if error:
                    self._pass_on()
                    raise error
                results[index], finished_s = result, time.monotonic()
                self._pass_on()
            if name and results:
                self.progress(name, len(results) - 1, count)
        return [results[index] for index in range(count)]

    def _pass_on(self) -> None:
        """The latest report, also where it is an old one: `progress` is how the caller cancels."""
        if self.latest:
            self.progress(*self.latest)

    def _check_deadlines(self, finished_s: float) -> None:
        now = time.monotonic()
        for since_s, limit_s in ((finished_s, self.patience.stall_s), (self.started_s, self.patience.whole_s)):
            if now - since_s > limit_s:
                raise InputError("model", f"{self.server} is too slow, gave up after {limit_s:.0f} s")
