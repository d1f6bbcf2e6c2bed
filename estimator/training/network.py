"""What the ranks of a run exchange in a step, over the links that they really have."""

from typing import NamedTuple

from estimator.engines.training_constants import SpeedRules
from estimator.hardware.devices import Fabric, Machine
from estimator.training.run import Run

WIRE = 2.0
"""Bytes of an exchanged element: 16 bits."""


class Links(NamedTuple):
    """Bus bandwidth between devices of one machine, and of a machine to the others."""

    devices_per_machine: int
    inside_bytes_per_s: float
    outside_bytes_per_s: float
    vcpus: int
    """Of the host: what steps an offloaded optimizer."""


def links_of(machine: Machine, fabric: Fabric, rules: SpeedRules) -> Links:
    """The measured collectives of the fabric, and the machine's network as far as collectives reach it.

    A host whose network is not known is taken to stand in a cluster like the published ones.
    """
    count = max(int(machine.count), 1)
    measured = [each.bandwidth_bytes_per_s for ranks, each in sorted(fabric.all_reduce.items()) if ranks <= count]
    inside = measured[-1] if measured else fabric.link_bytes_per_s
    network = machine.network_bytes_per_s or rules.reference_network_bytes_per_s
    return Links(count, inside or float("inf"), network * rules.network_efficiency, machine.vcpus)


class Exchange(NamedTuple):
    """Seconds of communication in a step."""

    hidden: float
    """May overlap with products: gathered weights, reduced gradients."""
    exposed: float
    """Between dependent products: tensor parallelism over slow links."""


def communication_s(run: Run, links: Links) -> Exchange:
    """Seconds that one step's collectives take."""
    architecture, workload, setup = run.architecture, run.workload, run.setup
    if setup.devices == 1:
        return Exchange(0.0, 0.0)
    held = architecture.active_parameters  # every rank's, or
    experts = architecture.text_parameters - held  # divided over expert-parallel ranks
    weights = WIRE * (held + experts / setup.ep) / (setup.tp * setup.pp)
    gradients = 0.0 if workload.adapters else weights
    ranks = setup.dp * setup.cp
    inside = setup.tp * setup.cp * setup.dp <= links.devices_per_machine
    slow = links.inside_bytes_per_s if inside else min(links.inside_bytes_per_s, links.outside_bytes_per_s)
    slow = max(slow, 1.0)
    share = (ranks - 1) / ranks
    micro = setup.accumulation
    if setup.sharding in ("zero3", "fsdp"):
        seconds = micro * (2 * weights + gradients) * share / slow
    elif setup.sharding == "hybrid":
        group = min(setup.shards, links.devices_per_machine)
        seconds = micro * (2 * weights + gradients) * (group - 1) / group / links.inside_bytes_per_s
        seconds += 2 * gradients * share / slow / group * (0.0 if inside else 1.0)
    else:
        seconds = 2 * gradients * share / slow
    sequences = micro * setup.micro_batch
    if setup.cp > 1:  # keys and values go around the ring: once forward, and with their gradients backward
        cache = WIRE * architecture.cache_elements(workload.sequence_length) / setup.tp
        seconds += 3 * sequences * cache * (setup.cp - 1) / setup.cp / slow
    return Exchange(seconds, _tensor_parallel_s(run, links) * sequences)


def _tensor_parallel_s(run: Run, links: Links) -> float:
    """Per sequence, what four all-reduces a layer take beyond the links that the factors were measured on."""
    architecture, setup = run.architecture, run.setup
    if setup.tp == 1:
        return 0.0
    slow = links.inside_bytes_per_s if setup.tp <= links.devices_per_machine else links.outside_bytes_per_s
    tokens = run.workload.sequence_length / setup.cp
    volume = 8 * (setup.tp - 1) / setup.tp * architecture.layers * tokens * architecture.hidden * WIRE
    return volume * max(1 / max(slow, 1.0) - 1 / run.speed_rules.reference_link_bytes_per_s, 0.0)
