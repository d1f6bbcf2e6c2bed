"""The leaderboard's columns: how each reads off an evaluation, as a figure to sort by and as a cell to look at."""

from collections.abc import Callable
from typing import NamedTuple

from estimator.evaluation import Band, Evaluation
from tui.draw.figures import NOTHING, count, duration, percent, significant
from tui.draw.table import Column

Figure = float | str | None


class Reading(NamedTuple):
    """One column: `figure` orders the rows, `text` fills the cell; `marked` cells show how an edit changed them."""

    column: Column
    figure: Callable[[Evaluation], Figure]
    text: Callable[[Evaluation], str]
    marked: bool = False
    descending: bool = False
    """More is better: the first sort puts the largest on top."""


def price(row: Evaluation) -> float | None:
    return row.cost.price_usd_per_hour


def output_cost(row: Evaluation) -> float | None:
    band = row.cost.usd_per_1m_output_tokens
    return band.typical if band else None


def users(row: Evaluation) -> float | None:
    """Sequences of the asked length that the whole candidate holds at once."""
    return row.memory.max_concurrency * row.candidate.replicas if row.memory else None


def used(row: Evaluation) -> float | None:
    """Share of a device's memory that the asked load uses: everything but the idle part of the KV pool."""
    memory, performance = row.memory, row.performance
    if memory is None or performance is None or memory.usable_bytes <= 0 or memory.max_concurrency <= 0:
        return None
    pool = memory.kv_cache_bytes * min(1.0, performance.concurrency / memory.max_concurrency)
    fixed = memory.weights_bytes + memory.activation_bytes + memory.runtime_bytes + memory.cuda_graph_bytes
    return (fixed + pool) / memory.usable_bytes


def ttft(row: Evaluation) -> float | None:
    return row.performance.ttft_s.typical if row.performance else None


def tpot(row: Evaluation) -> float | None:
    return row.performance.tpot_s.typical if row.performance else None


def throughput(row: Evaluation) -> float | None:
    return row.performance.output_tokens_per_s.typical if row.performance else None


def devices(row: Evaluation) -> str:
    """`4xL40S`; a fraction of a device keeps its decimals."""
    return f"{row.candidate.accelerators:g}x{row.candidate.accelerator}"


def instance(row: Evaluation) -> str:
    """The machine, and how many where one is not enough."""
    many = f"{row.candidate.machines}x" if row.candidate.machines > 1 else ""
    return many + row.candidate.machine


def layout(row: Evaluation) -> str:
    """One engine's layout, times the replicas."""
    return f"{row.candidate.layout}" + (f"x{row.candidate.replicas}" if row.candidate.replicas > 1 else "")


def _banded(band: Band | None) -> str:
    """`3.9±28`: the typical figure and half its band in per cent."""
    if band is None:
        return NOTHING
    half = f"±{50 * (band.high - band.low) / band.typical:.0f}" if band.typical > 0 else ""
    return significant(band.typical, 2 if band.typical < 10 else 3) + half


def _seconds(value: float | None) -> str:
    if value is not None and value < 0.995:
        return f"{value * 1000:.0f}ms" if value >= 0.00995 else f"{value * 1000:.1f}ms"
    if value is not None and value < 99.5:
        return f"{value:.1f}s"
    return duration(value)


READINGS = (
    Reading(Column("instance", "instance", 15, 0, "left", most=20), instance, instance),
    Reading(Column("devices", "devices", 13, 4, "left", most=20), devices, devices),
    Reading(Column("layout", "layout", 7, 3, "left", most=10), layout, layout),
    Reading(
        Column("price", "$/h", 7, 0),
        price,
        lambda row: f"{value:,.2f}" if (value := price(row)) is not None else NOTHING,
        True,
    ),
    Reading(
        Column("output", "$/Mout", 8, 1), output_cost, lambda row: _banded(row.cost.usd_per_1m_output_tokens), True
    ),
    Reading(Column("ttft", "TTFT", 6, 5), ttft, lambda row: _seconds(ttft(row)), True),
    Reading(Column("tpot", "TPOT", 6, 2), tpot, lambda row: _seconds(tpot(row)), True),
    Reading(Column("users", "users", 6, 6), users, lambda row: count(users(row)), True, True),
    Reading(Column("mem", "mem", 4, 7), used, lambda row: percent(used(row)), True),
    Reading(Column("speed", "tok/s", 7, 9), throughput, lambda row: count(throughput(row)), True, True),
    Reading(Column("class", "", 1, 8, "left"), lambda row: row.confidence, lambda row: row.confidence),
)
BY_KEY = {reading.column.key: reading for reading in READINGS}
SORTABLE = tuple(key for key in BY_KEY if key != "layout")
