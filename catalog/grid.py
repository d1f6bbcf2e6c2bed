"""Grids: every combination of some inputs, answered on all cores and yielded as it goes."""

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from math import prod
from multiprocessing import get_context
from os import cpu_count
from typing import Any, NamedTuple, TypeVar

from catalog import questions
from catalog.columns import Column, from_columns, to_columns
from catalog.load import Catalog, load
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.keywords import with_keywords
from estimator.scenario.scenario import Scenario

T = TypeVar("T")
Change = Callable[[Catalog, Scenario, str, object], Scenario]
"""(catalogue, scenario, axis, value) -> the scenario with it. Raises InputError for what can not be asked."""
FIRST = ("preset", "model")
"""Axes that are set before the others, which build on them."""
MOST_POINTS = 100_000_000
CHUNK = 1_000
"""Points that a process answers between two hand-overs."""
AHEAD = 4
"""Chunks a process that are asked for ahead of the reader; more would only fill memory."""


class Point(NamedTuple):
    """One combination of a grid's values, and its answer."""

    values: Mapping[str, object]
    """Axis -> value."""
    row: Evaluation | None
    """The best candidate; None where the combination can not be asked."""
    refusal: str = ""
    """Why it can not be asked."""


class Grid(NamedTuple):
    """A grid: a scenario and the values that are varied around it; the last axis varies fastest."""

    base: Scenario
    axes: Mapping[str, Sequence[object]]
    change: Change

    @property
    def size(self) -> int:
        """Number of combinations of the grid."""
        return prod(map(len, self.axes.values()))

    def values(self, index: int) -> dict[str, object]:
        """The combination of a number, counted from 0."""
        chosen = []
        for name, values in reversed(list(self.axes.items())):
            index, at = divmod(index, len(values))
            chosen.append((name, values[at]))
        return dict(reversed(chosen))


def by_keyword(catalog: Catalog, scenario: Scenario, name: str, value: object) -> Scenario:
    """A field of the scenario or of one of its parts set by its name; a model starts in its own weight format."""
    if name == "model":
        return questions.scenario(catalog, scenario, model=value)
    return with_keywords(scenario, **{name: value})


def sweep(
    base: Scenario, axes: Mapping[str, Sequence[object]], change: Change = by_keyword, processes: int | None = None
) -> Iterator[Point]:
    """Every combination of the axes around `base`, each the first row that `rank` gives it, the last axis fastest.

    `processes` defaults to the number of cores; 1 works in this process. Points are yielded while others are being
    answered; closing the iterator ends those. Raises InputError for an empty axis or more than 100 million points.
    """
    yield from rendered(Grid(base, axes, change), _as_it_is, processes)


def _as_it_is(point: Point) -> Point:
    return point


def rendered(grid: Grid, render: Callable[[Point], T], processes: int | None = None) -> Iterator[T]:
    """What `render` makes of every point of a grid, in order; it runs in the process where the point was answered."""
    for name, values in grid.axes.items():
        if not values:
            raise InputError(name, "has no value to try")
    if grid.size > MOST_POINTS:
        raise InputError("over", f"{grid.size:,} combinations, {MOST_POINTS:,} are the most")
    processes = min(processes or cpu_count() or 1, -(-grid.size // CHUNK))
    if processes <= 1:
        yield from map(render, answers(load(), grid, range(grid.size)))
        return
    chunks = (range(start, min(start + CHUNK, grid.size)) for start in range(0, grid.size, CHUNK))
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _open, (grid, render))
    try:
        ahead = deque((pool.submit(_chunk, each), len(each)) for each in islice(chunks, processes * AHEAD))
        while ahead:
            answered, count = ahead.popleft()
            yield from from_columns(answered.result(), count)
            ahead.extend((pool.submit(_chunk, each), len(each)) for each in islice(chunks, 1))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_work: list[tuple[Grid, Callable[[Point], Any], Catalog]] = []
"""What a process of the pool works on: set once, when it begins."""


def _open(grid: Grid, render: Callable[[Point], object]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the reader's, who ends the pool
    _work.append((grid, render, load()))
    gc.disable()  # answers hold no circles but those of refusals, which each chunk ends with
    gc.freeze()


def _chunk(indices: range) -> Column:
    grid, render, catalog = _work[0]
    answered = to_columns(list(map(render, answers(catalog, grid, indices))))
    gc.collect()  # when the records are gone: columns are few
    return answered


def answers(catalog: Catalog, grid: Grid, indices: range) -> Iterator[Point]:
    """The points of a grid at some indices. Neighbours share what their equal axes make of the scenario, and a model
    and its drafter that are named alike.
    """
    order = sorted(grid.axes, key=lambda name: name not in FIRST)
    steps: list[tuple[str, object, Scenario]] = []
    names, model = tuple[str | None, ...](), None
    for index in indices:
        values = grid.values(index)
        kept = 0
        while kept < len(steps) and steps[kept][1] == values[order[kept]]:
            kept += 1
        del steps[kept:]
        try:
            for name in order[kept:]:
                before = steps[-1][2] if steps else grid.base
                steps.append((name, values[name], grid.change(catalog, before, name, values[name])))
            asked = steps[-1][2] if steps else grid.base
            if model is None or names != (asked.model, asked.workload.draft_model):
                model = questions.read_for(catalog, asked)
                names = asked.model, asked.workload.draft_model
            yield Point(values, rank(*questions.ask_of(model, catalog, asked)).rows[0])
        except InputError as error:
            yield Point(values, None, str(error))
