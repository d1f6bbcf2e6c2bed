"""The settings that make a run fit with the least loss of speed, and how far a fitting run can be stretched."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.layout import TrainingSetup
from estimator.training import memory, speed
from estimator.training.activations import bytes_per_token, logit_bytes_per_token
from estimator.training.memory import Peak
from estimator.training.network import Links
from estimator.training.resident import resident
from estimator.training.run import Run

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
    peak: Peak
    step: speed.Step | None

    @property
    def tokens_per_s(self) -> float:
        return self.step.tokens * self.setup.devices / self.step.seconds if self.step else 0.0


class PerSequence(NamedTuple):
    """Bytes that one sequence of a micro-batch takes, by checkpointing; the same on every kind of device."""

    logits: float
    activations: dict[str, float]


class Search:
    """One run over many beds: what does not depend on the bed is worked out once."""

    def __init__(self, run: Run, tp: int | None = None, pp: int = 1, ep: int = 1) -> None:
        """`tp` None leaves tensor parallelism to the search."""
        self.run = run
        self.tp, self.pp, self.ep = tp, pp, ep
        self._per_sequence: dict[tuple[int, int, str], PerSequence] = {}

    def best(self, bed: Bed, offloads: Sequence[str] | None = None) -> Found:
        """The fastest setup that fits; where none does, the one with the lowest peak.

        `offloads` are tried in turn, by default what the run leaves open; and for each, splits of the model and of the
        sequence. The first of these rungs with anything that fits is the answer: each costs more speed than the last.
        """
        least: Found | None = None
        for offload in offloads or offloads_of(self.run):
            for tp, cp in self._splits(bed):
                rung = list(self._rung(bed, tp, cp, offload))
                fitting = [_timed(self.run, bed, found) for found in rung if _fits(self.run, bed, found)]
                if fitting:
                    return max(fitting, key=lambda each: each.tokens_per_s)
                least = min([*rung, *([least] if least else [])], key=lambda each: each.peak.device)
        assert least is not None
        return least

    def _rung(self, bed: Bed, tp: int, cp: int, offload: str) -> Iterator[Found]:
        """Every sharding of one split with every checkpointing that leaves room, and the largest micro-batch there."""
        run, workload = self.run, self.run.workload
        asked = workload.micro_batch or 1
        ranks = tp * cp * self.pp
        dp = _ranks(bed.total // ranks, max(workload.global_batch // asked, 1))
        most = asked if workload.micro_batch else max(workload.global_batch // dp, 1)
        accumulation = -(-workload.global_batch // (asked * dp))
        plain = TrainingSetup(tp, self.pp, cp, dp, min(self.ep, dp), accumulation=accumulation, offload=offload)
        logits, kept = self._sequence_bytes(plain)
        least = min(kept, key=lambda each: kept[each])
        budget = memory.budget(run, bed.device)
        for sharding in _shardings(run, bed, ranks, offload):
            group = bed.devices // ranks if sharding == "hybrid" else 0
            setup = plain._replace(sharding=sharding, shard_group=group * cp if 0 < group < dp else 0)
            held = resident(run.at(setup))
            room = budget - held.device
            for checkpointing, activations in kept.items():
                if asked * (activations + logits) > room and checkpointing != least:
                    continue
                micro = asked
                while micro * 2 <= most and micro * 2 * (activations + logits) <= room:
                    micro *= 2
                accumulation = -(-workload.global_batch // (micro * dp))
                laid = setup._replace(checkpointing=checkpointing, micro_batch=micro, accumulation=accumulation)
                yield Found(laid, Peak(held, micro * activations, micro * logits), None)

    def _splits(self, bed: Bed) -> Iterator[tuple[int, int]]:
        """(tensor, context) parallel degrees, least loss of speed first. Raises InputError for one that can not be."""
        if self.tp and bed.total % (self.tp * self.pp):
            raise InputError("tp", f"{self.tp} x {self.pp} stages do not divide {bed.total} devices")
        if bed.device.kind == "neuron":
            splits = [(tp, 1) for tp in NEURON_TP.get(bed.device.id, (1,))]
        else:
            splits = [(tp, cp) for tp, cp in SPLITS if bed.devices % (tp * cp) == 0]
        if self.tp:
            splits = [(self.tp, cp) for tp, cp in splits if tp == 1] or [(self.tp, 1)]
        yield from (split for split in splits if split[0] * split[1] * self.pp <= bed.total)

    def _sequence_bytes(self, setup: TrainingSetup) -> PerSequence:
        key = setup.tp, setup.cp, setup.offload
        found = self._per_sequence.get(key)
        if found is None:
            run, tokens = self.run, self.run.workload.sequence_length / setup.cp
            found = self._per_sequence[key] = PerSequence(
                tokens * logit_bytes_per_token(run.at(setup)),
                {
                    each: tokens * bytes_per_token(run.at(setup._replace(checkpointing=each)))
                    for each in _checkpointing(run, setup.offload)
                },
            )
        return found


def offloads_of(run: Run) -> tuple[str, ...]:
    """What may be moved to the host, least loss of speed first."""
    return (run.workload.offload,) if run.workload.offload else ("none", "optimizer", "parameters")


def _fits(run: Run, bed: Bed, found: Found) -> bool:
    on_host = found.peak.resident.host * min(bed.devices, found.setup.devices)
    return memory.fits(run, found.peak, bed.device) and (not bed.host_bytes or on_host <= HOST_SHARE * bed.host_bytes)


def _timed(run: Run, bed: Bed, found: Found) -> Found:
    return found._replace(step=speed.step(run.at(found.setup), bed.device, bed.links))


def _shardings(run: Run, bed: Bed, ranks: int, offload: str) -> tuple[str, ...]:
    if run.workload.sharding:
        return (run.workload.sharding,)
    if bed.total <= ranks:
        return ("none",)
    if bed.device.kind == "neuron":
        return ("zero1",)
    whole = ("zero3",) if run.framework.stack in ZERO_STACKS else ("fsdp",)
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


def longest_sequence(run: Run, at: Peak, device: Accelerator) -> int:
    """Tokens of the longest sequence that fits with the run's setup and micro-batch; 0 where not even one does."""
    per_token = at.growing / run.workload.sequence_length
    return max(int(_free(run, at, device) / per_token), 0) if per_token else run.architecture.max_context


def largest_batch(run: Run, at: Peak, device: Accelerator) -> int:
    """Sequences of the largest micro-batch that fits with the run's setup; 0 where not even one does."""
    per_sequence = at.growing / run.setup.micro_batch
    return max(int(_free(run, at, device) / max(per_sequence, 1.0)), 0)


def _free(run: Run, at: Peak, device: Accelerator) -> float:
    """Bytes for what grows with the micro-batch."""
    return memory.budget(run, device) - at.resident.device
