"""The leaderboard's columns for training runs."""

import pytest

from catalog.load import load
from estimator.ranking import rank
from estimator.scenario import Scenario
from estimator.training.workload import PRESETS
from tui.training_columns import BY_KEY, READINGS

MODEL = "meta-llama/Llama-3.1-8B"


@pytest.fixture(scope="module")
def rows():
    catalog = load()
    scenario = Scenario(model=MODEL, training=PRESETS["lora-8b-24gb"])
    return rank(catalog.model(MODEL), scenario, catalog.inventory, catalog.prices("us-east-1")).rows


def test_a_run_that_fits_fills_every_column(rows):
    assert [reading.column.title for reading in READINGS] == [
        "instance", "devices", "setup", "$/h", "$/run", "time", "mem", "tok/s", "class",
    ]  # fmt: skip
    assert all(reading.text(rows[0]) not in ("", "–") for reading in READINGS)
    assert BY_KEY["setup"].text(rows[0]) == "1 device mb1 full"


def test_rows_without_a_run_have_no_figures(rows):
    without = next(row for row in rows if row.training is None)
    assert [BY_KEY[key].figure(without) for key in ("run", "hours", "peak", "rate")] == [None] * 4
