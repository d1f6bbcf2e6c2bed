"""Readings of an evaluation for the pages: figures in base units, and the words that go with them."""

from typing import TYPE_CHECKING

from estimator.printable import without_controls
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.units import quantity
from tui.draw.cells import seconds_cell, wait_cell
from tui.draw.figures import bound

if TYPE_CHECKING:
    from estimator.scenario.inventory import Inventory

Figure = float | str | None


def instance(row: Evaluation) -> str:
    """A row's machine, and how many where one is not enough: `2xp5.48xlarge`."""
    many = f"{row.candidate.machines}x" if row.candidate.machines > 1 else ""
    return many + row.candidate.machine


def devices(row: Evaluation, inventory: "Inventory") -> str:
    """A row's accelerators by their label, `4xL40S`; a share of a device keeps its fraction."""
    device = inventory.accelerators.get(row.candidate.accelerator)
    return f"{row.candidate.accelerators:.3g}x{device.label if device else row.candidate.accelerator}"


def layout(row: Evaluation) -> str:
    """A row's layout of one engine, times the replicas: `TP2x4`."""
    return f"{row.candidate.layout}" + (f"x{row.candidate.replicas}" if row.candidate.replicas > 1 else "")


def setup(row: Evaluation) -> str:
    """How a training row is spread: `ZeRO-2 x4`, and `FSDP x8 + host` where states lie in host memory."""
    return str(row.training.setup) if row.training else ""


def layout_or_setup(row: Evaluation) -> str:
    """How a served model is spread over its devices, or a training run, with its micro-batch."""
    return f"{setup(row)} · micro-batch {row.training.setup.micro_batch}" if row.training else layout(row)


def price(row: Evaluation) -> float | None:
    """Price of all machines of a row [USD/hour]."""
    return row.cost.price_usd_per_hour


def token_cost(row: Evaluation) -> float | None:
    """Typical cost of a million tokens of a row, input and output together in the asked mix [USD]."""
    band = row.cost.usd_per_1m_tokens
    return band.typical if band else None


def ttft(row: Evaluation) -> float | None:
    """Mean time to first token of a row [s]."""
    return row.performance.ttft_s.typical if row.performance else None


def tpot(row: Evaluation) -> float | None:
    """Mean time per output token of a row [s]."""
    return row.performance.tpot_s.typical if row.performance and not row.performance.one_pass else None


def throughput(row: Evaluation) -> float | None:
    """Output tokens/s of all replicas of a row; of a model that writes nothing, tokens read."""
    speed = row.performance
    if speed is None:
        return None
    return (speed.total_tokens_per_s if speed.one_pass else speed.output_tokens_per_s).typical


def users(row: Evaluation) -> float | None:
    """Whole sequences of the asked length that the candidate's replicas hold at once."""
    return float(row.max_users) if row.memory else None


def memory_share(row: Evaluation) -> float | None:
    """Share of a device's memory that the asked load uses: everything but the idle part of the KV pool."""
    memory, performance = row.memory, row.performance
    if memory is None or performance is None or memory.usable_bytes <= 0 or memory.max_concurrency <= 0:
        return None
    from estimator.serving.memory.shares import memory_shares  # the last frame is on the screen before

    return memory_shares(memory, performance.concurrency).used_bytes / memory.usable_bytes


def run_cost(row: Evaluation) -> float | None:
    """Cost of a whole training run [USD]."""
    return row.training.usd.typical if row.training and row.training.usd else None


def run_hours(row: Evaluation) -> float | None:
    """Length of a whole training run [hours]."""
    return row.training.hours.typical if row.training else None


def run_speed(row: Evaluation) -> float | None:
    """Tokens/s of a training run, all devices."""
    return row.training.tokens_per_s.typical if row.training else None


def run_mfu(row: Evaluation) -> float | None:
    """Model FLOP/s of a training run over the 16-bit peak of its devices."""
    return row.training.mfu if row.training else None


def run_memory_share(row: Evaluation) -> float | None:
    """Share of a device's memory at the peak of a training step."""
    memory = row.training.memory if row.training else None
    return memory.peak_bytes.typical / memory.usable_bytes if memory and memory.usable_bytes else None


def run_settings(row: Evaluation) -> str:
    """The micro-batch of a training run, and what it saves memory by: `micro-batch 2, full checkpointing`."""
    if row.training is None:
        return ""
    return ", ".join([f"micro-batch {row.training.setup.micro_batch}", *row.training.setup.savers])


_MISSING_PRICE = {
    "priced": ("", ""),
    "capacity_block_only": ("capacity block only", "capacity block"),
    "no_price": ("no price on these terms", "no price"),
    "not_offered": ("not offered in this region", "not offered"),
}


def is_owned(row: Evaluation) -> bool:
    """Whether the row is hardware of one's own, whose hour is its purchase written off with its power, and no rent."""
    return row.candidate.machine.endswith(row.candidate.accelerator)


def missing_price(row: Evaluation) -> tuple[str, str]:
    """Why a row has no price, in full and in short; empty where it has one."""
    if is_owned(row) and row.cost.price_state == "no_price":
        return "no price: hardware-usd sets one", "no price"
    return _MISSING_PRICE[row.cost.price_state]


def refusal(row: Evaluation) -> str:
    """Why a row has no figures, in words."""
    return without_controls(row.reason or row.verdict.replace("_", " "))


def shortcomings(row: Evaluation, scenario: Scenario) -> list[str]:
    """What a row that fits does not give of what is asked, in figures: `TTFT 2.5s > 1s`."""
    texts, times = [], row.level_times
    if row.verdict == "fits" and times and not row.meets_service_level:
        shown = (wait_cell(times.ttft_s), seconds_cell(times.tpot_s), wait_cell(times.latency_s))
        bounds = zip(level_parts(scenario.service_level), shown, times, strict=True)
        texts += [f"{name} {text} > {bound(most)}" for (name, most), text, time in bounds if most and time > most]
    if row.verdict == "fits" and row.shortage:
        texts.append(without_controls(row.shortage))
    return texts


def load(workload: ServingWorkload) -> str:
    """The number of a workload's requests in words: `x16` users, `5/s`, `200 at once`, `200 at 5/s`."""
    rate, steady = workload.requests_per_second, workload.steady
    if workload.kind == "burst":
        return f"{workload.requests or 0:,} at " + (f"{rate:g}/s" if rate else "once")
    if rate:
        return f"{rate:.4g}/s" if workload.kind == "trace" else f"{rate:g}/s"
    return f"x{steady.concurrency:,}"


def traffic(workload: ServingWorkload) -> list[str]:
    """How a workload's requests come, where its load does not say so: `200 requests`, `rag lengths`."""
    texts = []
    if workload.kind == "trace" and workload.trace:
        texts.append(f"trace {workload.trace.path.rpartition('/')[2]}")
    if workload.requests and workload.kind != "burst":
        texts.append(quantity(workload.requests, "request"))
    if workload.burstiness != 1:
        texts.append(f"burstiness {workload.burstiness:g}")
    if workload.lengths != "fixed":
        texts.append(f"{workload.lengths} lengths")
    return texts


def level_parts(level: ServiceLevel) -> list[tuple[str, float | None]]:
    """The bounds of a service level by the names of their percentiles: `TTFT p95`, 1.0."""
    parts = (
        ("TTFT", level.ttft_percentile, level.ttft_s),
        ("TPOT", level.tpot_percentile, level.tpot_s),
        ("request", level.latency_percentile, level.latency_s),
    )
    return [(f"{name} p{percentile}" if percentile else name, most) for name, percentile, most in parts]


def level_bounds(level: ServiceLevel) -> list[str]:
    """The bounds of a service level as they were asked: `TTFT<1s`, `TTFT p95<1s`."""
    return [f"{name}<{bound(most)}" for name, most in level_parts(level) if most is not None]


def own_points(scenario: Scenario) -> str:
    """How many of the user's own measurements a scenario applies: `2 own points`; empty where none."""
    points = len(scenario.calibrations)
    return quantity(points, "own point") if points else ""
