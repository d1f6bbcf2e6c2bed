"""What the ranks of a run exchange in a step, over the links that they really have."""

from typing import NamedTuple

from estimator.engines.training_constants import SpeedRules
from estimator.hardware.devices import Fabric, Machine
from estimator.training.resident import frozen_base_bytes
from estimator.training.run import Run
from estimator.training.weights import rank_parameters

WIRE_BYTES = 2.0
"""Bytes of an exchanged element: every stack gathers and reduces in 16 bits."""
MEASURED_PCIE_DEVICES = 2
"""Most devices without links of their own over which a training speed was published (AnswerDotAI/fsdp_qlora)."""


class Links(NamedTuple):
    """Links of a training cluster: bus bandwidth between devices of one machine, and of a machine to the others
    [byte/s].
    """

    devices_per_machine: int
    inside_bytes_per_s: float
    outside_bytes_per_s: float
    vcpus: int
    """vCPUs of the host, which step an offloaded optimizer."""
    host_bytes_per_s: float
    """Between each device and its host, for offloaded parameters."""
    inside_latency_s: float = 0.0
    """Seconds that a collective inside a machine takes whatever its size."""
    inside_measured: bool = True
    """Whether training runs over such links were published; else their bandwidth is reckoned from the PCIe link."""


def links_of(machine: Machine, fabric: Fabric, own_fabric: Fabric, rules: SpeedRules) -> Links:
    """Links of a machine in training: the measured collectives of its fabric, and its network as far as they reach it.

    The fabric's tables are of the messages of a serving step. What a training step gathers and reduces is hundreds of
    MB at a time: devices without links of their own then reach a share of their PCIe link, staged through the host. A
    host whose network is not known is taken to stand in a cluster like the published ones. `own_fabric` is the one that
    the device is built for: its link leads to the host where a machine holds a single device.
    """
    count = max(int(machine.count), 1)
    measured = [each for ranks, each in sorted(fabric.all_reduce.items()) if ranks <= count]
    inside = measured[-1].bandwidth_bytes_per_s if measured else fabric.link_bytes_per_s
    staged = [share for ranks, share in sorted(rules.host_staged_fractions.items()) if ranks <= count]
    through_host = staged[-1] * fabric.link_bytes_per_s if staged else 0.0
    link = own_fabric.link_bytes_per_s or rules.host_link_bytes_per_s
    host = rules.host_link_efficiency * (fabric.link_bytes_per_s or link)
    network = machine.network_bytes_per_s or rules.reference_network_bytes_per_s
    return Links(
        devices_per_machine=count,
        inside_bytes_per_s=max(inside, through_host) or float("inf"),
        outside_bytes_per_s=network * rules.network_efficiency,
        vcpus=machine.vcpus,
        host_bytes_per_s=min(rules.host_link_bytes_per_s, host),
        inside_latency_s=measured[-1].alpha_s if measured else 0.0,
        inside_measured=through_host <= inside or count <= MEASURED_PCIE_DEVICES,
    )


def frozen_bytes_on(run: Run) -> float:
    """Bytes of the frozen base that one tensor- and pipeline-parallel rank exchanges or streams: as they are stored.

    A quantised base travels packed (FSDP-QLoRA, AnswerDotAI/fsdp_qlora), any other in 16 bits.
    """
    setup = run.setup
    parameters = rank_parameters(run.architecture, setup.tp, setup.pp, setup.ep)
    return frozen_base_bytes(run, parameters) if run.workload.method == "qlora" else WIRE_BYTES * parameters.total


class CommunicationTime(NamedTuple):
    """Time that a training step spends in communication, by kind [s]."""

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
    if workload.method == "qlora":
        weights = frozen_bytes_on(run)
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
    latency = 4 * architecture.layers * links.inside_latency_s / setup.micro_batch
    return latency + volume * max(1 / max(slowest, 1.0) - 1 / run.speed_rules.reference_link_bytes_per_s, 0.0)
