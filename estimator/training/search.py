"""The settings that make a run fit with the least loss of speed, and how far a fitting run can be stretched."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from estimator.architecture import Architecture
from estimator.hardware import Accelerator
from estimator.training import memory, speed
from estimator.training.constants import TrainingConstants
from estimator.training.memory import Stack
from estimator.training.network import Links
from estimator.training.setup import TrainingSetup
from estimator.training.workload import TrainingWorkload

ZERO_STACKS = ("hf", "deepspeed")
SPLITS = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (4, 1), (8, 1))
"""(tensor, context) parallel degrees, tried in turn until something fits."""
NEURON_TP = {"trainium1": (1, 2, 8, 32), "trainium2": (1, 4, 8, 16, 32, 64), "trainium3": (1, 4, 8, 16, 32, 64)}
"""Tensor-parallel degrees over cores that the compiler takes."""
HOST_SHARE = 0.9
"""Of the host's memory, for offloaded states."""


class Bed(NamedTuple):
    """Where a run would lie: equal machines, each with `devices` devices."""

    device: Accelerator
    devices: int
    machines: int
    links: Links
    host_bytes: float
    """Host memory of one machine; 0 where unknown."""

    @property
    def total(self) -> int:
        return self.devices * self.machines


class Found(NamedTuple):
    """One way to lay a run out, its peak, and its speed where it fits."""

    setup: TrainingSetup
    peak: memory.Peak
    step: speed.Step | None

    @property
    def tokens_per_s(self) -> float:
        return self.step.tokens * self.setup.devices / self.step.seconds if self.step else 0.0


class Run(NamedTuple):
    """What is trained, and with what."""

    architecture: Architecture
    workload: TrainingWorkload
    stack: Stack
    constants: TrainingConstants


def best(run: Run, bed: Bed, offloads: Sequence[str] | None = None) -> Found:
    """The fastest setup that fits; where none does, the one with the lowest peak.

    `offloads` are tried in turn, by default what the run leaves open; and for each, splits of the model and of the
    sequence. The first of these rungs with anything that fits is the answer: each costs more speed than the last.
    """
    least: Found | None = None
    for offload in offloads or offloads_of(run):
        for tp, cp in _splits(run, bed):
            rung = list(_rung(run, bed, tp, cp, offload))
            fitting = [_timed(run, bed, found) for found in rung if _fits(run, bed, found)]
            if fitting:
                return max(fitting, key=lambda each: each.tokens_per_s)
            least = min([*rung, *([least] if least else [])], key=lambda each: each.peak.device, default=None)
    assert least is not None
    return least


def offloads_of(run: Run) -> tuple[str, ...]:
    """What may be moved to the host, least loss of speed first."""
    return (run.workload.offload,) if run.workload.offload else ("none", "optimizer", "parameters")


def _rung(run: Run, bed: Bed, tp: int, cp: int, offload: str) -> Iterator[Found]:
    """Every sharding and checkpointing of one split, each with the largest micro-batch that fits."""
    architecture, workload, stack = run.architecture, run.workload, run.stack
    asked = workload.micro_batch or 1
    dp = _ranks(bed.total // (tp * cp), max(workload.global_batch // asked, 1))
    plain = TrainingSetup(tp, 1, cp, dp, micro_batch=asked, accumulation=-(-workload.global_batch // (asked * dp)))
    tokens = workload.sequence_length / cp
    logits = tokens * memory.logit_bytes_per_token(architecture, workload, plain, stack)
    kept = {
        each: tokens
        * memory.activation_bytes_per_token(architecture, workload, plain._replace(checkpointing=each), stack)
        for each in _checkpointing(run, offload)
    }
    budget = run.constants.memory.budget * bed.device.memory_usable_bytes
    for sharding in _shardings(run, bed, tp * cp, offload):
        group = bed.devices // (tp * cp) if sharding == "hybrid" else 0
        setup = plain._replace(sharding=sharding, offload=offload, shard_group=group * cp if 0 < group < dp else 0)
        states = memory.state_peak(architecture, workload, setup, stack)
        for checkpointing, activations in kept.items():
            micro = asked
            if workload.micro_batch is None:
                room = (budget - states.device) / max(activations + logits, 1.0)
                while micro * 2 <= min(room, max(workload.global_batch // dp, 1)):
                    micro *= 2
            yield Found(
                setup._replace(
                    checkpointing=checkpointing,
                    micro_batch=micro,
                    accumulation=-(-workload.global_batch // (micro * dp)),
                ),
                states._replace(activations=micro * activations, logits=micro * logits),
                None,
            )


def _fits(run: Run, bed: Bed, found: Found) -> bool:
    on_host = found.peak.host * min(bed.devices, found.setup.devices)
    return memory.fits(found.peak.device, bed.device, run.constants.memory) and (
        not bed.host_bytes or on_host <= HOST_SHARE * bed.host_bytes
    )


def _timed(run: Run, bed: Bed, found: Found) -> Found:
    framework, rules = run.stack.framework, run.constants.speed
    step = speed.step(run.architecture, run.workload, found.setup, framework, bed.device, bed.links, rules)
    return found._replace(step=step)


def _splits(run: Run, bed: Bed) -> Iterator[tuple[int, int]]:
    if bed.device.kind == "neuron":
        legal = NEURON_TP.get(bed.device.id, (1,))
        yield from ((tp, 1) for tp in legal if tp <= bed.devices)
        return
    yield from ((tp, cp) for tp, cp in SPLITS if tp * cp <= bed.devices and bed.devices % (tp * cp) == 0)


def _shardings(run: Run, bed: Bed, ranks: int, offload: str) -> tuple[str, ...]:
    if run.workload.sharding:
        return (run.workload.sharding,)
    if bed.total <= ranks:
        return ("none",)
    if bed.device.kind == "neuron":
        return ("zero1",)
    whole = ("zero3",) if run.stack.framework.stack in ZERO_STACKS else ("fsdp",)
    if offload != "none":
        return whole
    spread = ("hybrid",) if bed.machines > 1 else ()
    return ("none", "zero2", *whole, *spread)


def _checkpointing(run: Run, offload: str) -> tuple[str, ...]:
    if run.workload.checkpointing:
        return (run.workload.checkpointing,)
    return ("none", "selective", "full") if offload == "none" else ("full", "offloaded")


def _ranks(available: int, sequences: int) -> int:
    """Data-parallel ranks: all that are there, fewer where a step has fewer sequences."""
    ranks = available
    while ranks > sequences:
        ranks //= 2
    return max(ranks, 1)


def _room(run: Run, bed: Bed, setup: TrainingSetup) -> float:
    """Sequences per micro-batch that fit beside everything that does not grow with them."""
    states = memory.state_peak(run.architecture, run.workload, setup, run.stack)
    free = run.constants.memory.budget * bed.device.memory_usable_bytes - states.device
    return free / max(_bytes_per_token(run, setup) * run.workload.sequence_length / setup.cp, 1.0)


def _bytes_per_token(run: Run, setup: TrainingSetup) -> float:
    kept = memory.activation_bytes_per_token(run.architecture, run.workload, setup, run.stack)
    return kept + memory.logit_bytes_per_token(run.architecture, run.workload, setup, run.stack)


def longest_sequence(run: Run, bed: Bed, setup: TrainingSetup) -> int:
    """Tokens of the longest sequence that fits with this setup and micro-batch; 0 where not even one token does."""
    states = memory.state_peak(run.architecture, run.workload, setup, run.stack)
    free = run.constants.memory.budget * bed.device.memory_usable_bytes - states.device
    per_token = _bytes_per_token(run, setup) * setup.micro_batch / setup.cp
    return max(int(free / per_token), 0) if per_token else run.architecture.max_context


def largest_batch(run: Run, bed: Bed, setup: TrainingSetup) -> int:
    """Sequences of the largest micro-batch that fits with this setup; 0 where not even one does."""
    return max(int(_room(run, bed, setup)), 0)


def without(run: Run, **changes: object) -> Run:
    """The same run with other settings."""
    return run._replace(workload=replace(run.workload, **changes))  # type: ignore[arg-type]
