"""Peak memory of a training step on the device that holds most.

peak = weights + gradients + optimizer states, each over its shards, + adapters + gathered layers and buckets
       + overhead + tokens x (activations + logits)
"""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.results import Band, Part, TrainingMemory
from estimator.training.activations import bytes_per_token, logit_bytes_per_token
from estimator.training.resident import Resident, resident
from estimator.training.run import Run
from estimator.training.states import shares, state_bytes
from estimator.training.weights import trainable, weights
from estimator.units import GIB, KIB


class Peak(NamedTuple):
    """Bytes per device."""

    resident: Resident
    activations: float
    logits: float

    @property
    def growing(self) -> float:
        """What grows with the micro-batch and with its sequences."""
        return self.activations + self.logits

    @property
    def device(self) -> float:
        return self.resident.device + self.growing


def peak(run: Run) -> Peak:
    """Bytes at the peak of one step."""
    return Peak(resident(run), run.tokens * bytes_per_token(run), run.tokens * logit_bytes_per_token(run))


def budget(run: Run, device: Accelerator) -> float:
    """Bytes of a device that may be planned to; fragmentation needs the rest."""
    return run.memory_rules.budget * device.memory_usable_bytes


def fits(run: Run, at: Peak, device: Accelerator) -> bool:
    return at.device <= budget(run, device)


def report(run: Run, at: Peak, device: Accelerator) -> TrainingMemory:
    """The peak with its band, parts and workings."""
    held, total = at.resident, at.device
    low, high = run.memory_rules.known_band
    return TrainingMemory(
        device_bytes=round(device.memory_sold_gb * GIB),
        usable_bytes=device.memory_usable_bytes,
        budget_bytes=budget(run, device),
        peak_bytes=Band(total * low, total, total * high),
        weights_bytes=held.weights,
        gradients_bytes=held.gradients,
        optimizer_bytes=held.optimizer,
        adapters_bytes=held.adapters,
        activations_bytes=at.activations,
        logits_bytes=at.logits,
        gathered_bytes=held.gathered,
        overhead_bytes=held.overhead,
        host_bytes=held.host,
        parts=tuple(part for part in _parts(run, at) if part.value > 0),
    )


def _parts(run: Run, at: Peak) -> tuple[Part, ...]:
    workload, setup, held = run.workload, run.setup, at.resident
    mine = weights(run.architecture, setup.tp, setup.pp, setup.ep)
    each = state_bytes(workload.precision, workload.optimizer, mine.linear / mine.total)
    count = f"{mine.total / 1e9:,.2f} B parameters"
    over = [
        f" over {setup.shards} ({setup.sharding})" if share < 1 else ""
        for share in shares(setup.sharding, setup.shards)
    ]
    frozen = workload.base if workload.method == "qlora" else "16-bit"
    base = f"{count}, frozen, {frozen}" if workload.adapters else f"{count} x {each.weights:g} B"
    tokens = f"{run.tokens:,.0f} tokens x"
    kept = at.activations / run.tokens / KIB
    logit = at.logits / run.tokens / run.architecture.vocabulary
    gathered = "communication buckets" if setup.sharding in ("zero1", "zero2") else "layers gathered ahead"
    trained = f"{trainable(run.architecture, workload):,} trained, with gradients and states"
    states = f"{count} x {each.master + each.moments:g} B {workload.optimizer}"
    return (
        Part("weights", held.weights, base + over[0]),
        Part("gradients", held.gradients, f"{count} x {each.gradients:g} B{over[1]}"),
        Part("optimizer", held.optimizer, states + over[2]),
        Part("adapters", held.adapters, trained),
        Part("activations", at.activations, f"{tokens} {kept:,.0f} KiB, checkpointing {setup.checkpointing}"),
        Part("logits", at.logits, f"{tokens} {run.architecture.vocabulary:,} x {logit:.2g} B, {workload.loss} loss"),
        Part("gathered", held.gathered, gathered),
        Part("overhead", held.overhead, "CUDA context and libraries" + (", NCCL" if setup.devices > 1 else "")),
    )
