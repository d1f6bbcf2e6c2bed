"""Peak memory of a training step on the device that holds most.

peak = weights + gradients + optimizer states, each over its shards, + adapters + gathered layers and buckets
       + overhead + tokens x (activations + logits)

as a device with room shows it; what is live at once is less where a step follows the pass.
"""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.results import Band, Part, TrainingMemory
from estimator.training.activations import bytes_per_token, logit_bytes_per_token
from estimator.training.resident import ResidentMemory, resident_memory
from estimator.training.run import Run
from estimator.training.states import shard_fractions, state_bytes
from estimator.training.weights import count_trainable, rank_parameters
from estimator.units import GIB, KIB


class PeakMemory(NamedTuple):
    """Memory on one device at the peak of a training step, in bytes."""

    resident: ResidentMemory
    activations_bytes: float
    logits_bytes: float

    @property
    def growing_bytes(self) -> float:
        """The part of the peak that grows with the micro-batch and with its sequences [bytes]."""
        return self.activations_bytes + self.logits_bytes

    @property
    def device_bytes(self) -> float:
        """Everything that lies on the device at the peak of a step [bytes]."""
        return self.resident.device_bytes + self.growing_bytes


def peak_memory(run: Run) -> PeakMemory:
    """Memory at the peak of one training step: what stays resident, and tokens times activations and logits."""
    tokens = run.tokens_per_micro_batch
    return PeakMemory(resident_memory(run), tokens * bytes_per_token(run), tokens * logit_bytes_per_token(run))


def passing(run: Run, peak: PeakMemory) -> PeakMemory:
    """What is live at once while micro-batches pass the layers; all of a peak, of a stack where that was not told apart
    from the blocks that PyTorch's allocator keeps.
    """
    framework, resident = run.framework, peak.resident
    freed = framework.frees_gradients and run.setup.accumulation == 1
    gradients_bytes = 0.0 if freed else resident.gradients_bytes
    return PeakMemory(
        resident._replace(gradients_bytes=gradients_bytes, copies_bytes=0.0),
        peak.activations_bytes * framework.live_activations,
        peak.logits_bytes * framework.live_logits,
    )


def stepping(peak: PeakMemory) -> PeakMemory:
    """What is live at once while the optimizer steps."""
    return PeakMemory(peak.resident._replace(gathered_bytes=0.0), 0.0, 0.0)


def live_peak(run: Run, peak: PeakMemory) -> PeakMemory:
    """What must be there at once: the more of the pass through the layers and the optimizer's step. The allocator keeps
    the blocks of the one for the other while the device has room, and gives them back where it has not.
    """
    return max(passing(run, peak), stepping(peak), key=lambda phase: phase.device_bytes)


def budget_bytes(run: Run, device: Accelerator) -> float:
    """Memory of a device that a training run may plan to use [bytes]; fragmentation needs the rest."""
    return (run.framework.budget or run.memory_rules.budget) * device.memory_usable_bytes


def fits(run: Run, peak: PeakMemory, device: Accelerator) -> bool:
    """Whether what a run must have at once stays within the memory of a device that it may plan to use."""
    return live_peak(run, peak).device_bytes <= budget_bytes(run, device)


def shown_peak(run: Run, peak: PeakMemory, device: Accelerator) -> tuple[PeakMemory, float]:
    """The peak that a device shows, and the blocks beyond it that the allocator still keeps [bytes]: all of it where
    there is room, else what is live, and kept blocks in the rest of what may be planned to.
    """
    budget = budget_bytes(run, device)
    if peak.device_bytes <= budget:
        return peak, 0.0
    live = live_peak(run, peak)
    return live, max(min(peak.device_bytes, budget) - live.device_bytes, 0.0)


def report_memory(run: Run, peak: PeakMemory, device: Accelerator) -> TrainingMemory:
    """The report of a training peak: its band, and its parts with their workings."""
    shown, kept_bytes = shown_peak(run, peak, device)
    resident, total = shown.resident, shown.device_bytes + kept_bytes
    low, high = run.memory_rules.known_band
    return TrainingMemory(
        device_bytes=round(device.memory_sold_gb * GIB),
        usable_bytes=device.memory_usable_bytes,
        budget_bytes=budget_bytes(run, device),
        peak_bytes=Band(total * low, total, total * high),
        weights_bytes=resident.weights_bytes,
        gradients_bytes=resident.gradients_bytes,
        optimizer_bytes=resident.optimizer_bytes + resident.copies_bytes,
        adapters_bytes=resident.adapters_bytes,
        activations_bytes=shown.activations_bytes,
        logits_bytes=shown.logits_bytes,
        gathered_bytes=resident.gathered_bytes,
        overhead_bytes=resident.overhead_bytes,
        kept_bytes=kept_bytes,
        host_bytes=resident.host_bytes,
        parts=tuple(part for part in _parts(run, shown, kept_bytes) if part.value > 0),
    )


def _parts(run: Run, peak: PeakMemory, kept_bytes: float) -> tuple[Part, ...]:
    freed = "of copies and gradients" if peak.growing_bytes else "of activations and logits, which the step follows"
    kept = Part("kept blocks", kept_bytes, f"{freed}: freed, and given back where memory is short")
    return *_state_parts(run, peak.resident), *_growing_parts(run, peak), *_runtime_parts(run, peak.resident), kept


def _state_parts(run: Run, resident: ResidentMemory) -> tuple[Part, ...]:
    workload, setup = run.workload, run.setup
    parameters = rank_parameters(run.architecture, setup.tp, setup.pp, setup.ep)
    state = state_bytes(run.precision, workload.optimizer, parameters.linear / parameters.total)
    count = f"{parameters.total / 1e9:,.2f} B parameters"
    over = [
        f" over {setup.shards} ({setup.sharding})" if fraction < 1 else ""
        for fraction in shard_fractions(setup.sharding, setup.shards)
    ]
    frozen = workload.base if workload.method == "qlora" else "16-bit"
    base = f"{count}, frozen, {frozen}" if workload.adapters else f"{count} x {state.weights:g} B"
    companions = "gradients" if run.setup.offload == "optimizer" else "gradients and states"
    trained = f"{count_trainable(run.architecture, workload):,} trained, with {companions}"
    step = f", {run.framework.step_copies * state.weights:g} B while it steps" if resident.copies_bytes else ""
    states = f"{count} x {state.master + state.moments:g} B {workload.optimizer}{step}"
    return (
        Part("weights", resident.weights_bytes, base + over[0]),
        Part("gradients", resident.gradients_bytes, f"{count} x {state.gradients:g} B{over[1]}"),
        Part("optimizer", resident.optimizer_bytes + resident.copies_bytes, states + over[2]),
        Part("adapters", resident.adapters_bytes, trained),
    )


def _growing_parts(run: Run, peak: PeakMemory) -> tuple[Part, ...]:
    vocabulary, tokens = run.architecture.vocabulary, f"{run.tokens_per_micro_batch:,.0f} tokens x"
    kib = peak.activations_bytes / run.tokens_per_micro_batch / KIB
    logit = peak.logits_bytes / run.tokens_per_micro_batch / vocabulary
    activations = f"{tokens} {kib:,.0f} KiB, checkpointing {run.setup.checkpointing}"
    return (
        Part("activations", peak.activations_bytes, activations),
        Part("logits", peak.logits_bytes, f"{tokens} {vocabulary:,} x {logit:.3g} B, {run.loss} loss"),
    )


def _runtime_parts(run: Run, resident: ResidentMemory) -> tuple[Part, ...]:
    gathered = "communication buckets" if run.setup.sharding in ("zero1", "zero2") else "layers gathered ahead"
    libraries = "CUDA context and libraries" + (", NCCL" if run.setup.devices > 1 else "")
    return (
        Part("gathered", resident.gathered_bytes, gathered),
        Part("overhead", resident.overhead_bytes, libraries),
    )
