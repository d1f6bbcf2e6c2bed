"""Case files that hold no figures of this world are answered, never an error: low <= predicted <= high, all finite."""

import csv
import math
from collections.abc import Iterator

import pytest

from catalog.cache import DATA
from catalog.load import Catalog
from estimator.accuracy import memory
from estimator.accuracy.score import Context, Score

with (DATA / "evidence" / "memory.csv").open(newline="") as lines:
    ROW = next(iter(csv.DictReader(lines)))
NUMBERS = ("gpu_mem_gib", "kv_tokens", "max_model_len", "max_num_seqs", "gpu_memory_utilization", "tp", "pp")


def extremes(catalog: Catalog) -> Iterator[Score]:
    context = Context(catalog.inventory, catalog.model)
    for column in NUMBERS:
        for value in ("1e308", "1e30", "-1", "0", "nan", "inf", "9" * 400):
            yield from memory.score(ROW | {column: value}, context)


def test_no_extreme_figure_of_a_row_gives_one_of_ours(catalog: Catalog) -> None:
    for score in extremes(catalog):
        if score.status == "scored":
            assert score.low is not None
            assert score.predicted is not None
            assert score.high is not None
            assert 0 <= score.low <= score.predicted <= score.high < math.inf
        else:
            assert score.reason


@pytest.mark.parametrize("printed", ["-1", "0", "1e9"])
def test_a_device_of_no_possible_memory_is_refused_by_its_column(catalog: Catalog, printed: str) -> None:
    scores = memory.score(ROW | {"gpu_mem_gib": printed}, Context(catalog.inventory, catalog.model))
    assert {score.status for score in scores} == {"unsupported"}
    assert all((score.reason or "").startswith("gpu_mem_gib: ") for score in scores)


def test_more_pipeline_stages_than_layers_are_refused(catalog: Catalog) -> None:
    scores = memory.score(ROW | {"pp": "33"}, Context(catalog.inventory, catalog.model))
    assert {score.reason for score in scores} == {"pp: 33 stages for 32 layers"}
