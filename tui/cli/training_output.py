"""Training runs as plain text."""

from collections.abc import Callable

from estimator.results import Band, TrainingMemory, TrainingReport
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.draw import figures


def question(asked: Scenario, run: TrainingWorkload) -> str:
    """A training run in one line of text."""
    adapters = f" r{run.lora_rank} {run.lora_targets}" if run.adapters else f" {run.precision or ''}".rstrip()
    return (
        f"{asked.model} | {run.method}{adapters} {run.optimizer} | {figures.tokens(run.sequence_length)} tokens"
        f" x {run.global_batch} a step | {figures.count(run.dataset_tokens)} tokens x {run.epochs:g} epochs"
        f" | {run.framework} | {asked.region} {asked.price_terms}"
    )


def tables(run: TrainingReport) -> list[list[tuple[str, ...]]]:
    """One training run in full as tables: memory, speed, where a step and the whole run spend their time."""
    return [
        _memory(run.memory),
        [
            ("speed", "low", "typical", "high"),
            ("tokens/s per device", *_banded(run.tokens_per_s_per_device, figures.number)),
            ("tokens/s", *_banded(run.tokens_per_s, figures.number)),
            ("step", *_banded(run.step_s, figures.duration)),
            ("hours", *_banded(run.hours, figures.number)),
            ("$/run", *(_banded(run.usd, figures.usd) if run.usd else ("", figures.NOTHING, ""))),
            ("MFU", "", figures.percent(run.mfu), ""),
        ],
        [("of a step", "", ""), *((part.name, figures.duration(part.value), part.working) for part in run.step)],
        [("of the run", "", ""), *((part.name, figures.duration(part.value), part.working) for part in run.run)],
    ]


def _memory(memory: TrainingMemory) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [(part.name, f"{figures.gib(part.value)} GiB", part.working) for part in memory.parts]
    peak = f"{figures.gib(memory.peak_bytes.low)}-{figures.gib(memory.peak_bytes.high)} GiB"
    rows.append(("peak per device", f"{figures.gib(memory.peak_bytes.typical)} GiB", peak))
    rows.append(("may be planned to", f"{figures.gib(memory.budget_bytes)} GiB", "of the usable memory"))
    if memory.host_bytes:
        rows.append(("host memory per device", f"{figures.gib(memory.host_bytes)} GiB", "offloaded"))
    return rows


def _banded(band: Band, show: Callable[[float], str]) -> tuple[str, str, str]:
    return show(band.low), show(band.typical), show(band.high)
