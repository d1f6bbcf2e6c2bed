"""Judged candidates beside each other: one figure a line, with its ratio to the first candidate's."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from estimator.documents import flat
from estimator.results import Evaluation

TYPICAL = "_typical"


class Figure(NamedTuple):
    """One figure of several candidates, with its ratio to the first one's."""

    name: str
    """Section, figure and unit as in the headless contract: `performance_tpot_s`; of a band its typical value."""
    values: tuple[float | None, ...]
    """One a candidate, in the order given; None where a candidate has none."""
    ratios: tuple[float | None, ...]
    """Each value over the first one; None where either is absent or the first is 0."""


def side_by_side(rows: Sequence[Evaluation]) -> tuple[Figure, ...]:
    """Every numeric figure that any of several rows has, in the contract's order; of a band the typical value alone."""
    pages = [dict(_numbers(row)) for row in rows]
    names = dict.fromkeys(name for page in pages for name in page)
    return tuple(_figure(name, tuple(page.get(name) for page in pages)) for name in names)


def _numbers(row: Evaluation) -> Iterator[tuple[str, float]]:
    for name, value in flat(row).items():
        if isinstance(value, int | float) and not isinstance(value, bool) and not name.endswith(("_low", "_high")):
            yield name.removesuffix(TYPICAL), value


def _figure(name: str, values: tuple[float | None, ...]) -> Figure:
    first = values[0]
    return Figure(name, values, tuple(value / first if value is not None and first else None for value in values))
