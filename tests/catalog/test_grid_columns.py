"""What crosses between processes in columns comes out as it went in: values, types and order."""

import pickle
from math import inf
from typing import Any

import pytest

from catalog.columns import from_columns, to_columns
from catalog.grid import Grid, Point, answers, by_keyword
from catalog.load import Catalog
from catalog.questions import scenario
from estimator.results import Band, Part

MIXED: tuple[list[Any], ...] = (
    [],
    [1.5, -0.0, inf],
    [1, True, 1.0],
    [None, None],
    [Band(1.0, 2.0, 3.0), None],
    [Band(1.0, 2.0, 3.0), (1.0, 2.0, 3.0)],
    [Part("a", 1.0), Part("b", 2), Part("b", 3.0, "x")],
    [("a", 1.0), ("b", 2.0)],
    [{"concurrency": 1}, {"concurrency": 2}],
    [Point({"tp": 1}, None, "no"), Point({"tp": 2}, None, "no")],
)


def crossed(values: list[Any]) -> list[Any]:
    return list(from_columns(pickle.loads(pickle.dumps(to_columns(values))), len(values)))


@pytest.mark.parametrize("values", MIXED, ids=str)
def test_values_come_out_as_they_went_in(values: list[Any]) -> None:
    assert repr(crossed(values)) == repr(values)  # by text: 1, 1.0 and True are equal, and are not the same


def test_answers_come_out_as_they_went_in_at_a_fraction_of_the_bytes(catalog: Catalog) -> None:
    base = scenario(catalog, model="Qwen/Qwen3-8B", instance="g6e.xlarge")
    grid = Grid(base, {"weights": ("bf16", "fp99"), "input_tokens": range(100, 20_100, 100)}, by_keyword)
    for indices in (range(grid.size // 2), range(grid.size)):  # the second half is refused
        points = list(answers(catalog, grid, indices))
        assert crossed(points) == points
    alike = list(answers(catalog, grid, range(grid.size // 2)))
    assert len(pickle.dumps(to_columns(alike))) < 0.8 * len(pickle.dumps(alike))
