"""What is tried: a machine as an engine sees it, and every way to lay a model out on one or several of them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from estimator.engines.profiles import EngineProfile
from estimator.hardware.devices import Accelerator, Fabric, Machine
from estimator.hardware.power import under_limit
from estimator.layout import Layout
from estimator.layouts.legal import legal_layouts
from estimator.models.model import Model
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.unlike_cards import mean_card
from estimator.units import GIB

ANYWHERE = Placement()
MOST_MACHINES = 8
"""Largest cluster that is tried for a model too big for one machine."""
DESKTOP_CPU = "cpu-desktop"
"""The CPU of a machine of which nothing is known but its RAM."""
CLUSTER_NETWORK_BYTES_PER_S = 100e9 / 8
"""Slowest network over which one model is worth spreading."""


class Node(NamedTuple):
    """A machine as an engine sees it: whole devices and the links between them."""

    machine: Machine
    device: Accelerator
    fabric: Fabric
    devices: int


def node_of(machine: Machine, inventory: Inventory, placement: Placement = ANYWHERE) -> Node:
    """A machine as an engine sees it, with the memory of device and host that the placement states."""
    return _node(machine, inventory, placement.usable_memory_gib or 0.0, placement.host_memory_gib or 0.0)


@lru_cache(maxsize=4096)
def _node(machine: Machine, inventory: Inventory, usable_gib: float, host_gib: float) -> Node:
    """A NeuronCore is a device, a fractional share is one smaller device, and a CPU host is one device with the host's
    RAM; 0 leaves a memory as catalogued. Unlike cards are as many of their mean."""
    if host_gib:
        machine = with_host_memory(machine, host_gib)
    device = inventory.accelerators[machine.accelerator]
    if machine.cards:
        device = mean_card(machine.cards, inventory)
    elif machine.kind == "host":
        device = host_device(device, machine)
    elif machine.count < 1:
        device = share_of(device, machine.count)
    elif device.cores > 1:
        device = core_of(device)
    if usable_gib:
        device = with_usable_memory(device, usable_gib)
    cores = inventory.accelerators[machine.accelerator].cores
    return Node(
        machine=machine,
        device=device,
        fabric=inventory.fabrics[machine.fabric],
        devices=max(1, int(machine.count * cores)),
    )


@lru_cache(maxsize=256)
def share_of(device: Accelerator, share: float) -> Accelerator:
    """A time- and memory-sliced part of a device (g6f: one eighth to one half of an L4)."""
    return replace(
        device,
        memory_sold_gb=device.memory_sold_gb * share,
        memory_usable_bytes=int(device.memory_usable_bytes * share),
        bandwidth_bytes_per_s=device.bandwidth_bytes_per_s * share,
        **{name: getattr(device, name) * share for name in PEAKS},
    )


@lru_cache(maxsize=256)
def with_usable_memory(device: Accelerator, gib: float) -> Accelerator:
    """A device whose driver reports `gib` GiB: another size of it, or another limit of unified memory."""
    return replace(device, memory_sold_gb=max(device.memory_sold_gb, gib), memory_usable_bytes=int(gib * GIB))


@lru_cache(maxsize=1024)
def with_host_memory(machine: Machine, gib: float) -> Machine:
    """A machine with `gib` GiB of RAM."""
    return replace(machine, memory_bytes=int(gib * GIB))


@lru_cache(maxsize=256)
def core_of(chip: Accelerator) -> Accelerator:
    """One core of a chip whose cores are the ranks of tensor parallelism (Neuron)."""
    return replace(share_of(chip, 1 / chip.cores), cores=1)


@lru_cache(maxsize=1024)
def host_device(socket: Accelerator, machine: Machine) -> Accelerator:
    """A CPU host as a device: its RAM, and its share of the socket's bandwidth and FLOP/s."""
    bandwidth = machine.memory_bandwidth_bytes_per_s or socket.bandwidth_bytes_per_s
    share = min(bandwidth / socket.bandwidth_bytes_per_s, machine.count)
    return replace(
        socket,
        memory_sold_gb=machine.memory_bytes / GIB,
        memory_usable_bytes=machine.memory_bytes,
        bandwidth_bytes_per_s=bandwidth,
        **{name: getattr(socket, name) * share for name in PEAKS},
    )


@lru_cache(maxsize=1024)
def host_cpu(machine: Machine, inventory: Inventory) -> Accelerator | None:
    """The CPU beside a machine's accelerators: its vCPUs as slow as the slowest catalogued host's of that architecture.

    A machine of one's own, whose RAM alone is stated, has a desktop's CPU. Unified memory leaves no other beside it.
    """
    if "unified-memory" in inventory.accelerators[machine.accelerator].tags:
        return None
    if machine.kind == "device" and machine.memory_bytes and DESKTOP_CPU in inventory.accelerators:
        return replace(inventory.accelerators[DESKTOP_CPU], memory_usable_bytes=machine.memory_bytes)
    hosts = [
        each
        for each in inventory.machines.values()
        if each.kind == "host" and each.cpu_architecture == machine.cpu_architecture
    ]
    if not hosts or not machine.vcpus:
        return None
    slowest = min(hosts, key=_bandwidth_per_vcpu)
    socket = inventory.accelerators[slowest.accelerator]
    bandwidth = _bandwidth_per_vcpu(slowest) * machine.vcpus
    alike = replace(
        slowest,
        count=bandwidth / socket.bandwidth_bytes_per_s,
        memory_bytes=machine.memory_bytes,
        memory_bandwidth_bytes_per_s=bandwidth,
    )
    return host_device(socket, alike)


def _bandwidth_per_vcpu(host: Machine) -> float:
    return host.memory_bandwidth_bytes_per_s / host.vcpus


def node_for(machine: Machine, scenario: Scenario, inventory: Inventory) -> Node:
    """A machine as the scenario has it: devices that the scenario does not rent run under its power limit."""
    node, watts = node_of(machine, inventory, scenario.placement), scenario.ownership.power_limit_watts
    if machine.kind != "device" or watts is None or inventory.power is None:
        return node
    return node._replace(device=under_limit(node.device, watts, inventory.power))


PEAKS = ("fp32_flops", "fp16_flops", "bf16_flops", "fp8_flops", "int8_flops", "fp4_flops")


@lru_cache(maxsize=1024)
def engine_on(device: Accelerator, engine: EngineProfile, inventory: Inventory) -> EngineProfile:
    """The engine that answers for this kind of device: vLLM hands Neuron chips to its Neuron plugin, and what GPU
    engines can not drive (Apple silicon, CPUs) is what llama.cpp is for. One that was made for them answers itself."""
    if device.kind in engine.device_kinds and "gpu" not in engine.device_kinds:
        return engine
    other = inventory.stand_in_engine(device.kind)
    return other if other and other.id != engine.id else engine


def clusters(node: Node, model: Model, engine: EngineProfile) -> Iterator[tuple[int, Layout]]:
    """(machines, layout) of one engine over several machines: tensor parallel inside, pipeline parallel across."""
    networked = node.machine.efa and node.machine.network_bytes_per_s >= CLUSTER_NETWORK_BYTES_PER_S
    if not networked or not engine.pipeline:
        return
    inside = [layout for layout in legal_layouts(model, node.devices, engine, node.device) if layout.pp == 1]
    widest = max((layout for layout in inside if layout.dp == 1), key=lambda layout: layout.tp, default=None)
    if widest is None:
        return
    for machines in range(2, MOST_MACHINES + 1):
        if machines <= model.architecture.layers:
            yield machines, widest._replace(pp=machines)
