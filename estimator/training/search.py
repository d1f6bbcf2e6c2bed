"""The settings that make a run fit with the least loss of speed, and how far a fitting run can be stretched."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import MOST_SEQUENCES
from estimator.training import memory, speed
from estimator.training.activations import bytes_per_token, logit_bytes_per_token
from estimator.training.memory import PeakMemory
from estimator.training.network import Links
from estimator.training.resident import resident_memory
from estimator.training.run import Run

SPLITS = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (4, 1), (8, 1))
"""(tensor, context) parallel degrees, tried in turn until something fits."""
HOST_FRACTION = 0.9
"""Share of the host's memory that offloaded states may take; engineering guess, the rest is the data loader's."""


class Cluster(NamedTuple):
    """Identical machines that a training run could use, each with `devices` devices."""

    device: Accelerator
    devices: int
    machines: int
    links: Links
    host_bytes: float
    """Host memory of one machine; 0 where unknown."""

    @property
    def total_devices(self) -> int:
        """Number of devices of all machines of the cluster."""
        return self.devices * self.machines


class SetupTrial(NamedTuple):
    """One setup of a training run on a cluster: its peak memory, and its speed where it fits."""

    setup: TrainingSetup
    peak: PeakMemory
    step: speed.TrainingStep | None

    @property
    def tokens_per_s(self) -> float:
        """Useful tokens per second of the whole cluster; 0 where the setup does not fit."""
        return self.step.tokens * self.setup.devices / self.step.seconds if self.step else 0.0


class SequenceMemory(NamedTuple):
    """Memory that one sequence of a micro-batch takes, the same on every kind of device [bytes]."""

    logits_bytes: float
    activations_bytes: dict[str, float]
    """Bytes by kind of checkpointing."""


class Search:
    """Searches setups of one training run over many clusters; what does not depend on the cluster is worked out
    once.
    """

    def __init__(self, run: Run, tp: int | None = None, pp: int = 1, ep: int = 1) -> None:
        """`tp` None leaves tensor parallelism to the search."""
        self.run = run
        self.tp, self.pp, self.ep = tp, pp, ep
        self._per_sequence: dict[tuple[object, ...], SequenceMemory] = {}

    def best(self, cluster: Cluster, offloads: Sequence[str] | None = None) -> SetupTrial:
        """The fastest setup of the run that fits on a cluster; where none does, the one with the lowest peak.

        `offloads` are tried in turn, by default what `offloads_on` allows; and for each, splits of the model and of the
        sequence. The first of these rungs with anything that fits is the answer: each costs more speed than the last.
        Raises InputError where the asked tensor parallelism does not divide the devices.
        """
        least: SetupTrial | None = None
        for offload in offloads or offloads_on(self.run, cluster.host_bytes):
            for tp, cp in self._splits(cluster):
                rung = list(self._rung(cluster, tp, cp, offload))
                fitting = [_with_speed(self.run, cluster, trial) for trial in rung if _fits(self.run, cluster, trial)]
                if fitting:
                    return max(fitting, key=lambda trial: trial.tokens_per_s)
                least = min([*rung, *([least] if least else [])], key=lambda trial: trial.peak.device_bytes)
        assert least is not None
        return least

    def _rung(self, cluster: Cluster, tp: int, cp: int, offload: str) -> Iterator[SetupTrial]:
        """Every sharding of one split with every checkpointing that leaves room, and the largest micro-batch there."""
        run, workload = self.run, self.run.workload
        smallest = workload.micro_batch or 1
        ranks = tp * cp * self.pp
        dp = _data_parallel_ranks(cluster.total_devices // ranks, max(workload.global_batch // smallest, 1))
        most = smallest if workload.micro_batch else max(workload.global_batch // dp, 1)
        unsharded = TrainingSetup(
            tp=tp,
            pp=self.pp,
            cp=cp,
            dp=dp,
            ep=min(self.ep, dp),
            accumulation=-(-workload.global_batch // (smallest * dp)),
            offload=offload,
        )
        budget = memory.budget_bytes(run, cluster.device)
        for sharding in _shardings(run, cluster, ranks, offload):
            group = cluster.devices // ranks if sharding == "hybrid" else 0
            setup = unsharded._replace(sharding=sharding, shard_group=group * cp if 0 < group < dp else 0)
            resident, sequence = resident_memory(run.with_setup(setup)), self._sequence_memory(setup)
            room = budget - resident.device_bytes
            least = min(sequence.activations_bytes, key=sequence.activations_bytes.__getitem__)
            for checkpointing, activations in sequence.activations_bytes.items():
                per_sequence = activations + sequence.logits_bytes
                if smallest * per_sequence > room and checkpointing != least:
                    continue
                micro = smallest
                while micro * 2 <= most and micro * 2 * per_sequence <= room:
                    micro *= 2
                accumulation = -(-workload.global_batch // (micro * dp))
                batched = setup._replace(checkpointing=checkpointing, micro_batch=micro, accumulation=accumulation)
                kept_bytes = self._sequence_memory(batched).activations_bytes[checkpointing]
                peak = PeakMemory(resident, micro * kept_bytes, micro * sequence.logits_bytes)
                yield SetupTrial(batched, peak, None)

    def _splits(self, cluster: Cluster) -> Iterator[tuple[int, int]]:
        """(tensor, context) parallel degrees, least loss of speed first. Raises InputError for one that can not be."""
        if self.tp and cluster.total_devices % (self.tp * self.pp):
            raise InputError("tp", f"{self.tp} x {self.pp} stages do not divide {cluster.total_devices} devices")
        splits = list(self._offered_splits(cluster))
        if self.tp:
            splits = [(self.tp, cp) for tp, cp in splits if tp == 1] or [(self.tp, 1)]
        yield from (split for split in splits if split[0] * split[1] * self.pp <= cluster.total_devices)

    def _offered_splits(self, cluster: Cluster) -> Iterator[tuple[int, int]]:
        """(tensor, context) parallel degrees that the stack runs on this device."""
        degrees = self.run.constants.tensor_parallel_degrees(cluster.device)
        if degrees:
            yield from ((tp, 1) for tp in degrees)
            return
        runs = self.run.framework.splits
        for tp, cp in SPLITS:
            if cluster.devices % (tp * cp) == 0 and (tp == 1 or "tp" in runs) and (cp == 1 or "cp" in runs):
                yield tp, cp

    def _sequence_memory(self, setup: TrainingSetup) -> SequenceMemory:
        """What a sequence takes under every checkpointing: shards and the micro-batches under way on stages tell."""
        under_way = min(setup.pp, setup.accumulation)
        key = setup.tp, setup.cp, setup.offload, setup.sharding, setup.shards > 1, under_way
        memory_of_one = self._per_sequence.get(key)
        if memory_of_one is None:
            run, tokens = self.run, self.run.workload.sequence_length / setup.cp
            memory_of_one = self._per_sequence[key] = SequenceMemory(
                tokens * logit_bytes_per_token(run.with_setup(setup)),
                {
                    kind: tokens * bytes_per_token(run.with_setup(setup._replace(checkpointing=kind)))
                    for kind in _checkpointing(run, setup.offload)
                },
            )
        return memory_of_one


def offloads_on(run: Run, host_bytes: float) -> tuple[str, ...]:
    """What a run may move to a host's memory, least loss of speed first.

    Nothing, unless it is asked for by name, where the host is not known: devices that were named without a machine.
    """
    if run.workload.offload:
        return (run.workload.offload,)
    return ("none", *run.framework.offloads) if host_bytes else ("none",)


def _fits(run: Run, cluster: Cluster, trial: SetupTrial) -> bool:
    on_host = trial.peak.resident.host_bytes * min(cluster.devices, trial.setup.devices)
    room = not cluster.host_bytes or on_host <= HOST_FRACTION * cluster.host_bytes
    return room and memory.fits(run, trial.peak, cluster.device)


def _with_speed(run: Run, cluster: Cluster, trial: SetupTrial) -> SetupTrial:
    return trial._replace(step=speed.training_step(run.with_setup(trial.setup), cluster.device, cluster.links))


def _shardings(run: Run, cluster: Cluster, ranks: int, offload: str) -> tuple[str, ...]:
    if run.workload.sharding:
        return (run.workload.sharding,)
    if cluster.total_devices <= ranks:
        return ("none",)
    framework = run.framework
    if offload != "none":
        return (framework.weight_sharding,)
    spread = "hybrid" if cluster.machines > 1 else "none"
    states = "zero2" if "zero2" in framework.shardings else "zero1"
    shardings = dict.fromkeys(("none", states, framework.weight_sharding, spread))
    return tuple(each for each in shardings if each in framework.shardings) or framework.shardings


def _checkpointing(run: Run, offload: str) -> tuple[str, ...]:
    if run.workload.checkpointing:
        return (run.workload.checkpointing,)
    tried = ("none", "selective", "full") if offload == "none" else ("full", "offloaded")
    return tuple(each for each in tried if each in run.framework.checkpointings) or run.framework.checkpointings


def _data_parallel_ranks(available: int, sequences: int) -> int:
    """Data-parallel ranks: all that are there, fewer where a step has fewer sequences."""
    ranks = available
    while ranks > sequences:
        ranks //= 2
    return max(ranks, 1)


def longest_sequence(run: Run, peak: PeakMemory, device: Accelerator) -> int:
    """The longest sequence that fits with a run's setup and micro-batch [tokens]; 0 where not even one token does."""
    per_token = memory.passing(run, peak).growing_bytes / run.workload.sequence_length
    return max(int(_room_bytes(run, peak, device) / per_token), 0) if per_token else run.architecture.max_context


def largest_micro_batch(run: Run, peak: PeakMemory, device: Accelerator) -> int:
    """The largest micro-batch that fits with a run's setup [sequences], up to the most that can be asked.

    0 where not even one sequence fits.
    """
    per_sequence = memory.passing(run, peak).growing_bytes / run.setup.micro_batch
    if not per_sequence:
        return MOST_SEQUENCES
    return min(max(int(_room_bytes(run, peak, device) / per_sequence), 0), MOST_SEQUENCES)


def _room_bytes(run: Run, peak: PeakMemory, device: Accelerator) -> float:
    """Bytes for what grows with the micro-batch; none where not even the optimizer's step fits."""
    budget = memory.budget_bytes(run, device)
    if memory.stepping(peak).device_bytes > budget:
        return 0.0
    return budget - memory.passing(run, peak).resident.device_bytes
