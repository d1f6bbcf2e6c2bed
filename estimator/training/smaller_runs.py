"""Notes to a training row's figures: what was tried, what would fit, and how far the run can be stretched."""

from collections.abc import Iterator
from dataclasses import replace

from estimator.engines.training_constants import Framework
from estimator.hardware.devices import Accelerator
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import memory, speed
from estimator.training.memory import PeakMemory
from estimator.training.run import Run, precision_of
from estimator.training.search import Cluster, Search, largest_micro_batch, longest_sequence
from estimator.training.states import state_bytes
from estimator.units import quantity


def describe_savers(setup: TrainingSetup) -> str:
    """The memory savers of a training setup in words."""
    savers = [f"{setup.sharding} over {setup.shards}"] if setup.sharding != "none" and setup.shards > 1 else []
    savers += setup.savers
    savers += [f"TP{setup.tp}"] if setup.tp > 1 else []
    return ", ".join(savers) or "a micro-batch of one"


def suggest(run: Run, cluster: Cluster) -> str | None:
    """The smallest single change of a training run that would fit on the same machines, in words; None where
    none does.
    """
    for title, smaller in smaller_runs(run.workload, run.framework):
        if Search(run._replace(workload=smaller)).best(cluster).step:
            return f"{title} fits"
    single = run.with_setup(run.setup._replace(micro_batch=1))
    longest = longest_sequence(single, memory.peak_memory(single), cluster.device)
    return f"sequences of {longest:,} tokens fit" if 128 <= longest < run.workload.sequence_length else None


def smaller_runs(run: TrainingWorkload, framework: Framework) -> Iterator[tuple[str, TrainingWorkload]]:
    """Single changes of a run under one stack that take less memory, least harm to the result first."""
    if (run.loss or framework.loss) in ("plain", "upcast"):
        yield "fused loss", replace(run, loss="fused")
    if run.checkpointing in ("none", "selective"):
        yield "full checkpointing", replace(run, checkpointing="full")
    if run.micro_batch and run.micro_batch > 1:
        yield "a micro-batch of 1", replace(run, micro_batch=1)
    if run.method == "full":
        narrow = replace(run, optimizer="adamw-8bit")
        precision = precision_of(run, framework)
        if state_bytes(precision, narrow.optimizer).moments < state_bytes(precision, run.optimizer).moments:
            yield "8-bit AdamW", narrow
        if "lora" in framework.methods:
            yield "LoRA", replace(run, method="lora")
    if run.method != "qlora" and "qlora" in framework.methods:
        yield "QLoRA", replace(run, method="qlora")


def notes(run: Run, peak: PeakMemory, device: Accelerator) -> tuple[str, ...]:
    """How far a training run that fits can be stretched, and what its unpacked samples waste, in words."""
    notes = []
    if peak.growing_bytes:  # a rule of thumb without activations knows no limit
        longest, largest = longest_sequence(run, peak, device), largest_micro_batch(run, peak, device)
        notes.append(f"longest sequence at this micro-batch: {longest:,} tokens")
        notes.append(f"largest micro-batch at this length: {quantity(largest, 'sequence')}")
    if not run.workload.packing:
        useful = speed.padding(run.workload, run.setup.micro_batch).useful
        notes.append(f"not packed: {useful:.0%} of the computed positions hold tokens")
    return tuple(notes)
