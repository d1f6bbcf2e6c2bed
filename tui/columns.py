"""The leaderboard's columns: how each reads off an evaluation, as a figure to sort by and as text to look at."""

from collections.abc import Callable
from typing import NamedTuple

from estimator.evaluation import Band, Evaluation
from estimator.inventory import Inventory
from tui.draw.figures import NOTHING, duration, percent, significant
from tui.draw.table import Column

Figure = float | str | None


class Reading(NamedTuple):
    """One column: `figure` orders the rows, `text` fills the cell."""

    column: Column
    figure: Callable[[Evaluation], Figure]
    text: Callable[[Evaluation], str]
    changes: bool = False
    """A figure that an edit moves: its cell shows how."""
    descending: bool = False
    """More is better: sorting puts the largest on top."""


def instance(row: Evaluation) -> str:
    """The machine, and how many where one is not enough."""
    many = f"{row.candidate.machines}x" if row.candidate.machines > 1 else ""
    return many + row.candidate.machine


def devices(row: Evaluation, inventory: Inventory) -> str:
    """`4xL40S`; a share of a device keeps its fraction."""
    device = inventory.accelerators.get(row.candidate.accelerator)
    return f"{row.candidate.accelerators:g}x{device.label if device else row.candidate.accelerator}"


def layout(row: Evaluation) -> str:
    """One engine's layout, times the replicas."""
    return f"{row.candidate.layout}" + (f"x{row.candidate.replicas}" if row.candidate.replicas > 1 else "")


def price(row: Evaluation) -> float | None:
    return row.cost.price_usd_per_hour


def output_cost(row: Evaluation) -> float | None:
    band = row.cost.usd_per_1m_output_tokens
    return band.typical if band else None


def ttft(row: Evaluation) -> float | None:
    return row.performance.ttft_s.typical if row.performance else None


def tpot(row: Evaluation) -> float | None:
    return row.performance.tpot_s.typical if row.performance else None


def throughput(row: Evaluation) -> float | None:
    return row.performance.output_tokens_per_s.typical if row.performance else None


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


def banded(band: Band | None) -> str:
    """`3.9±28`: the typical figure and half its band in per cent."""
    if band is None:
        return NOTHING
    half = f"±{50 * (band.high - band.low) / band.typical:.0f}" if band.typical > 0 else ""
    return (f"{band.typical:.1f}" if 0.95 <= band.typical < 99.5 else significant(band.typical, 2)) + half


def seconds(value: float | None) -> str:
    """Milliseconds below one second, in at most five cells."""
    if value is None or value >= 99.5:
        return duration(value)
    if value >= 0.995:
        return f"{value:.1f}s"
    return f"{value * 1000:.0f}ms" if value >= 0.00995 else f"{value * 1000:.1f}ms"


def wait(value: float | None) -> str:
    """Seconds to a tenth, in at most four cells below 100 s; a user feels no finer."""
    return f"{value:.1f}s" if value is not None and 0.0995 <= value < 99.5 else seconds(value)


def whole(value: float | None) -> str:
    """A count in at most four cells: 861, 9999, 12k, 3M."""
    if value is None:
        return NOTHING
    for least, unit, letter in ((9.5e5, 1e6, "M"), (9999.5, 1e3, "k")):
        if value >= least:
            return f"{value / unit:.0f}{letter}"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _device(row: Evaluation) -> str:
    return f"{row.candidate.accelerator} {row.candidate.accelerators:>6g}"


def _priced(row: Evaluation) -> str:
    value = price(row)
    return NOTHING if value is None else f"{value:.2f}" if value < 999.5 else f"{value:.0f}"


READINGS = (
    Reading(Column("instance", "instance", 16, 0, "left", most=20), instance, instance),
    Reading(Column("devices", "devices", 12, 4, "left", most=16), _device, _device),
    Reading(Column("layout", "layout", 6, 3, "left", most=9), layout, layout),
    Reading(Column("price", "$/h", 7, 0, most=12), price, _priced, changes=True),
    Reading(
        Column("output", "$/Mout", 7, 1, most=13),
        output_cost,
        lambda row: banded(row.cost.usd_per_1m_output_tokens),
        changes=True,
    ),
    Reading(Column("ttft", "TTFT", 5, 5, most=9), ttft, lambda row: wait(ttft(row)), changes=True),
    Reading(Column("tpot", "TPOT", 6, 2, most=10), tpot, lambda row: seconds(tpot(row)), changes=True),
    Reading(
        Column("users", "users", 5, 6, most=9), users, lambda row: whole(users(row)), changes=True, descending=True
    ),
    Reading(Column("mem", "mem", 4, 7, most=8), used, lambda row: percent(used(row)), changes=True),
    Reading(
        Column("speed", "tok/s", 6, 9, most=10),
        throughput,
        lambda row: whole(throughput(row)),
        changes=True,
        descending=True,
    ),
    Reading(Column("class", "class", 5, 8, "left"), lambda row: row.confidence, lambda row: row.confidence),
)
BY_KEY = {reading.column.key: reading for reading in READINGS}
SORTABLE = tuple(key for key in BY_KEY if key != "layout")
