"""The leaderboard's columns: how each reads off an evaluation, as a figure to sort by and as text to look at."""

from collections.abc import Callable
from typing import NamedTuple

from estimator.printable import without_controls
from estimator.results import Band, Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel
from tui.draw.figures import NOTHING, bound, percent, significant
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
    return f"{row.candidate.accelerators:.3g}x{device.label if device else row.candidate.accelerator}"


def layout(row: Evaluation) -> str:
    """One engine's layout, times the replicas."""
    return f"{row.candidate.layout}" + (f"x{row.candidate.replicas}" if row.candidate.replicas > 1 else "")


def price(row: Evaluation) -> float | None:
    return row.cost.price_usd_per_hour


_UNPRICED = {
    "priced": ("", ""),
    "capacity_block_only": ("capacity block only", "block only"),
    "no_price": ("no price on these terms", "no price"),
    "not_offered": ("not offered in this region", "not offered"),
}


def missing_price(row: Evaluation) -> tuple[str, str]:
    """Why a row has no price, in full and in short; empty where it has one."""
    owned = row.candidate.machine.endswith(row.candidate.accelerator)
    if owned and row.cost.price_state == "no_price":
        return "no price: hardware-usd sets one", "no price"
    return _UNPRICED[row.cost.price_state]


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
    """Whole sequences of the asked length that the candidate's replicas hold at once."""
    return float(int(row.memory.max_concurrency) * row.candidate.replicas) if row.memory else None


def memory_share(row: Evaluation) -> float | None:
    """Share of a device's memory that the asked load uses: everything but the idle part of the KV pool."""
    memory, performance = row.memory, row.performance
    if memory is None or performance is None or memory.usable_bytes <= 0 or memory.max_concurrency <= 0:
        return None
    pool = memory.kv_cache_bytes * min(1.0, performance.concurrency / memory.max_concurrency)
    fixed = memory.weights_bytes + memory.activation_bytes + memory.runtime_bytes + memory.cuda_graph_bytes
    return (fixed + pool) / memory.usable_bytes


def run_cost(row: Evaluation) -> float | None:
    return row.training.usd.typical if row.training and row.training.usd else None


def run_hours(row: Evaluation) -> float | None:
    return row.training.hours.typical if row.training else None


def run_speed(row: Evaluation) -> float | None:
    return row.training.tokens_per_s.typical if row.training else None


def run_memory(row: Evaluation) -> float | None:
    """Share of a device's memory at the peak of a step."""
    memory = row.training.memory if row.training else None
    return memory.peak_bytes.typical / memory.usable_bytes if memory and memory.usable_bytes else None


def setup(row: Evaluation) -> str:
    """How a run is laid out, with its micro-batch: `FSDP8 x2`."""
    if row.training is None:
        return ""
    ranks = str(row.training.setup) if row.training.setup.devices > 1 else "single"
    return f"{ranks} x{row.training.setup.micro_batch}"


def refusal(row: Evaluation) -> str:
    """Why a row has no figures."""
    return without_controls(row.reason or row.verdict.replace("_", " "))


def shortcomings(row: Evaluation, scenario: Scenario) -> list[str]:
    """What a row that fits does not give of what is asked, in figures: `TTFT 2.5s > 1s`."""
    said = []
    if row.verdict == "fits" and row.performance and not row.meets_service_level:
        level = scenario.service_level
        times = (
            ("TTFT", wait(ttft(row)), ttft(row), level.ttft_s),
            ("TPOT", seconds(tpot(row)), tpot(row), level.tpot_s),
        )
        said += [
            f"{name} {shown} > {bound(most)}" for name, shown, value, most in times if most and (value or 0) > most
        ]
    if row.verdict == "fits" and not row.holds_load and row.reason:
        said.append(without_controls(row.reason.partition(";")[0]))
    return said


def level_bounds(level: ServiceLevel) -> list[str]:
    """Bounds on times as they were asked: `TTFT<1s`."""
    bounds = (("TTFT", level.ttft_s), ("TPOT", level.tpot_s))
    return [f"{name}<{bound(most)}" for name, most in bounds if most is not None]


def own_points(scenario: Scenario) -> str:
    """How many measurements of the user's own hold; empty where none does."""
    points = len(scenario.calibrations)
    return f"{points} own point{'s' if points > 1 else ''}" if points else ""


def layout_or_setup(row: Evaluation) -> str:
    """How the model lies on its devices, or the run."""
    return setup(row) if row.training else layout(row)


def band_text(band: Band | None) -> str:
    """`3.9±28`: the typical figure and half its band in per cent."""
    if band is None:
        return NOTHING
    half = f"±{50 * (band.high - band.low) / band.typical:.0f}" if band.typical > 0 else ""
    return (f"{band.typical:.1f}" if 0.95 <= band.typical < 99.5 else significant(band.typical, 2)) + half


def seconds(value: float | None) -> str:
    """Milliseconds below one second, in at most five cells."""
    if value is None:
        return NOTHING
    if value >= 99.5:
        return span(value / 3600)
    if value >= 0.995:
        return f"{value:.1f}s"
    return f"{value * 1000:.0f}ms" if value >= 0.00995 else f"{value * 1000:.1f}ms"


def span(hours: float | None) -> str:
    """A run's time in at most five cells: 45m, 9.5h, 120h, 30d."""
    if hours is None:
        return NOTHING
    if hours < 0.95:
        return f"{hours * 60:.0f}m"
    return f"{hours:.1f}h" if hours < 99.5 else f"{hours:.0f}h" if hours < 240 else f"{hours / 24:.0f}d"


def wait(value: float | None) -> str:
    """Seconds to a tenth, in at most four cells; a user feels no finer."""
    if value is None or not 0.0995 <= value < 99.5:
        return seconds(value)
    return f"{value:.1f}s" if value < 9.95 else f"{value:.0f}s"


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


_INSTANCE = Reading(Column("instance", "instance", 16, 0, "left", most=20), instance, instance)
_DEVICES = Reading(Column("devices", "devices", 12, 4, "left", most=16), _device, _device)
_PRICE = Reading(Column("price", "$/h", 7, 0, most=12), price, _priced, changes=True)
_CLASS = Reading(Column("class", "class", 5, 8, "left"), lambda row: row.confidence, lambda row: row.confidence)

SERVING = (
    _INSTANCE,
    _DEVICES,
    Reading(Column("layout", "layout", 6, 3, "left", most=9), layout, layout),
    _PRICE,
    Reading(
        Column("output", "$/Mout", 7, 1, most=13),
        output_cost,
        lambda row: band_text(row.cost.usd_per_1m_output_tokens),
        changes=True,
    ),
    Reading(Column("ttft", "TTFT", 5, 5, most=9), ttft, lambda row: wait(ttft(row)), changes=True),
    Reading(Column("tpot", "TPOT", 6, 2, most=10), tpot, lambda row: seconds(tpot(row)), changes=True),
    Reading(
        Column("users", "users", 5, 6, most=9), users, lambda row: whole(users(row)), changes=True, descending=True
    ),
    Reading(Column("mem", "mem", 4, 7, most=8), memory_share, lambda row: percent(memory_share(row)), changes=True),
    Reading(
        Column("speed", "tok/s", 6, 9, most=10),
        throughput,
        lambda row: whole(throughput(row)),
        changes=True,
        descending=True,
    ),
    _CLASS,
)
TRAINING = (
    _INSTANCE,
    _DEVICES,
    Reading(Column("setup", "setup", 9, 3, "left", most=16), setup, setup),
    _PRICE,
    Reading(
        Column("run", "$/run", 8, 1, most=13),
        run_cost,
        lambda row: band_text(row.training.usd if row.training else None),
        changes=True,
    ),
    Reading(Column("time", "time", 6, 2, most=10), run_hours, lambda row: span(run_hours(row)), changes=True),
    Reading(
        Column("pace", "tok/s", 6, 5, most=10),
        run_speed,
        lambda row: whole(run_speed(row)),
        changes=True,
        descending=True,
    ),
    Reading(Column("peak", "mem", 4, 6, most=8), run_memory, lambda row: percent(run_memory(row)), changes=True),
    Reading(
        Column("mfu", "MFU", 4, 7, most=8),
        lambda row: row.training.mfu if row.training else None,
        lambda row: percent(row.training.mfu if row.training else None),
        changes=True,
        descending=True,
    ),
    _CLASS,
)
BY_KEY = {reading.column.key: reading for reading in (*SERVING, *TRAINING)}


def readings(scenario: Scenario) -> tuple[Reading, ...]:
    """The columns of what is asked: a service or a training run."""
    return TRAINING if scenario.training else SERVING
