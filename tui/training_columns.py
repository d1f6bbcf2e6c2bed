"""The leaderboard's columns where the question is a training run."""

from estimator.evaluation import Evaluation
from estimator.units import SECONDS_PER_HOUR
from tui.columns import BY_KEY as SERVING
from tui.columns import Reading, banded, whole
from tui.draw.figures import NOTHING, duration, percent
from tui.draw.table import Column


def setup(row: Evaluation) -> str:
    """How the run is laid out, and what it saves memory by."""
    return f"{row.training.setup} {row.training.setup.savers}" if row.training else NOTHING


def run_cost(row: Evaluation) -> float | None:
    return row.training.usd.typical if row.training and row.training.usd else None


def hours(row: Evaluation) -> float | None:
    return row.training.hours.typical if row.training else None


def throughput(row: Evaluation) -> float | None:
    return row.training.tokens_per_s.typical if row.training else None


def used(row: Evaluation) -> float | None:
    """Share of a device's usable memory at the peak of a step."""
    memory = row.training.memory if row.training else None
    return memory.peak_bytes.typical / memory.usable_bytes if memory and memory.usable_bytes else None


def _time(row: Evaluation) -> str:
    value = hours(row)
    return NOTHING if value is None else duration(value * SECONDS_PER_HOUR)


READINGS = (
    SERVING["instance"],
    SERVING["devices"],
    Reading(Column("setup", "setup", 14, 3, "left", most=30), setup, setup),
    SERVING["price"],
    Reading(
        Column("run", "$/run", 8, 1, most=13),
        run_cost,
        lambda row: banded(row.training.usd if row.training else None),
        changes=True,
    ),
    Reading(Column("hours", "time", 7, 2, most=10), hours, _time, changes=True),
    Reading(Column("peak", "mem", 4, 5, most=8), used, lambda row: percent(used(row)), changes=True),
    Reading(
        Column("rate", "tok/s", 6, 6, most=10),
        throughput,
        lambda row: whole(throughput(row)),
        changes=True,
        descending=True,
    ),
    SERVING["class"],
)
BY_KEY = SERVING | {reading.column.key: reading for reading in READINGS}
"""Every column of either question."""
