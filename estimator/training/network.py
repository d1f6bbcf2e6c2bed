"""What the ranks of a run exchange in a step, over the links that they really have."""

from typing import NamedTuple

from estimator.engines.training_constants import SpeedRules
from estimator.hardware.devices import Fabric, Machine
from estimator.training.run import Run

WIRE_BYTES = 2.0
"""Bytes of an exchanged element: every stack gathers and reduces in 16 bits."""


class Links(NamedTuple):
    """Bus bandwidth between devices of one machine, and of a machine to the others."""

    devices_per_machine: int
    inside_bytes_per_s: float
    outside_bytes_per_s: float
    vcpus: int
    """vCPUs of the host, which step an offloaded optimizer."""


def links_of(machine: Machine, fabric: Fabric, rules: SpeedRules) -> Links:
    """The measured collectives of the fabric, and the machine's network as far as collectives reach it.

    A host whose network is not known is taken to stand in a cluster like the published ones.
    """
    count = max(int(machine.count), 1)
    measured = [each.bandwidth_bytes_per_s for ranks, each in sorted(fabric.all_reduce.items()) if ranks <= count]
    inside = measured[-1] if measured else fabric.link_bytes_per_s
    network = machine.network_bytes_per_s or rules.reference_network_bytes_per_s
    return Links(
        devices_per_machine=count,
        inside_bytes_per_s=inside or float("inf"),
        outside_bytes_per_s=network * rules.network_efficiency,
        vcpus=machine.vcpus,
    )


class CommunicationTime(NamedTuple):
    """Seconds of communication in a step."""

    overlappable_s: float
    """May hide behind matrix products: gathered weights, reduced gradients."""
    exposed_s: float
    """Stands between dependent products: tensor parallelism over slow links."""


def communication_time(run: Run, links: Links) -> CommunicationTime:
    """Seconds that the collectives of one optimizer step take: bytes over bus bandwidth of the slowest link."""
    architecture, workload, setup = run.architecture, run.workload, run.setup
    if setup.devices == 1:
        return CommunicationTime(0.0, 0.0)
    dense = architecture.active_parameters  # on every rank; the others
    experts = architecture.text_parameters - dense  # are divided over expert-parallel ranks
    weights = WIRE_BYTES * (dense + experts / setup.ep) / (setup.tp * setup.pp)
    gradients = 0.0 if workload.adapters else weights
    ranks = setup.dp * setup.cp
    inside = setup.tp * setup.cp * setup.dp <= links.devices_per_machine
    slowest = links.inside_bytes_per_s if inside else min(links.inside_bytes_per_s, links.outside_bytes_per_s)
    slowest = max(slowest, 1.0)
    share = (ranks - 1) / ranks
    micro_batches = setup.accumulation
    if setup.sharding in ("zero3", "fsdp"):
        seconds = micro_batches * (2 * weights + gradients) * share / slowest
    elif setup.sharding == "hybrid":
        group = min(setup.shards, links.devices_per_machine)
        seconds = micro_batches * (2 * weights + gradients) * (group - 1) / group / links.inside_bytes_per_s
        seconds += 2 * gradients * share / slowest / group * (0.0 if inside else 1.0)
    else:
        seconds = 2 * gradients * share / slowest
    sequences = micro_batches * setup.micro_batch
    if setup.cp > 1:  # keys and values go around the ring: once forward, and with their gradients backward
        cache = WIRE_BYTES * architecture.cache_elements(workload.sequence_length) / setup.tp
        seconds += 3 * sequences * cache * (setup.cp - 1) / setup.cp / slowest
    return CommunicationTime(seconds, _tensor_parallel_s_per_sequence(run, links) * sequences)


def _tensor_parallel_s_per_sequence(run: Run, links: Links) -> float:
    """Seconds that four all-reduces a layer take beyond the links that the speed factors were measured on."""
    architecture, setup = run.architecture, run.setup
    if setup.tp == 1:
        return 0.0
    slowest = links.inside_bytes_per_s if setup.tp <= links.devices_per_machine else links.outside_bytes_per_s
    tokens = run.workload.sequence_length / setup.cp
    volume = 8 * (setup.tp - 1) / setup.tp * architecture.layers * tokens * architecture.hidden * WIRE_BYTES
    return volume * max(1 / max(slowest, 1.0) - 1 / run.speed_rules.reference_link_bytes_per_s, 0.0)
