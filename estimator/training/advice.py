"""What a row says beside its figures: what was tried, what would fit, and how far the run can be stretched."""

from dataclasses import replace
from typing import Any

from estimator.hardware import Accelerator
from estimator.training import memory, speed
from estimator.training.memory import Peak
from estimator.training.run import Run
from estimator.training.search import Bed, Search, largest_batch, longest_sequence
from estimator.training.setup import TrainingSetup


def savers(setup: TrainingSetup) -> str:
    savers = [f"{setup.sharding} over {setup.shards}"] if setup.sharding != "none" and setup.shards > 1 else []
    savers += setup.savers
    savers += [f"TP{setup.tp}"] if setup.tp > 1 else []
    return ", ".join(savers) or "a micro-batch of one"


def suggestion(run: Run, bed: Bed) -> str | None:
    """The smallest change of the run itself that would fit on the same machines."""
    changes: list[tuple[str, dict[str, Any]]] = []
    if run.workload.loss in ("plain", "upcast"):
        changes.append(("fused loss", {"loss": "fused"}))
    if run.workload.checkpointing in ("none", "selective"):
        changes.append(("full checkpointing", {"checkpointing": "full"}))
    if run.workload.micro_batch and run.workload.micro_batch > 1:
        changes.append(("a micro-batch of 1", {"micro_batch": 1}))
    if run.workload.method == "full":
        changes += [("8-bit AdamW", {"optimizer": "adamw-8bit"}), ("LoRA", {"method": "lora"})]
    if run.workload.method != "qlora":
        changes.append(("QLoRA", {"method": "qlora"}))
    for title, change in changes:
        if Search(run._replace(workload=replace(run.workload, **change))).best(bed).step:
            return f"{title} fits"
    single = run.at(run.setup._replace(micro_batch=1))
    longest = longest_sequence(single, memory.peak(single), bed.device)
    return f"sequences of {longest:,} tokens fit" if 128 <= longest < run.workload.sequence_length else None


def notes(run: Run, at: Peak, device: Accelerator) -> tuple[str, ...]:
    longest, largest = longest_sequence(run, at, device), largest_batch(run, at, device)
    notes = [
        f"longest sequence at this micro-batch: {longest:,} tokens",
        f"largest micro-batch at this length: {largest:,} sequences",
    ]
    if not run.workload.packing:
        useful = speed.padding(run.workload, run.setup.micro_batch).useful
        notes.append(f"not packed: {useful:.0%} of the computed positions hold tokens")
    return tuple(notes)
