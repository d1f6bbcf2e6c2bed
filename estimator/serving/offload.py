"""llama.cpp on a device too small for the model: some layers stay in host memory, where the CPU runs them."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from estimator.engines.profiles import EngineProfile
from estimator.engines.speed_constants import EngineSpeed
from estimator.hardware.devices import Accelerator, Machine
from estimator.layout import Layout
from estimator.models.formats import CacheFormat, WeightFormat
from estimator.models.model import Model
from estimator.scenario.inventory import Inventory
from estimator.scenario.rigs import Rig, host_device
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.serving.speed.step import Step, compile_step
from estimator.units import GIB

HOST_RESERVE_BYTES = 2 * GIB
"""Of the host's RAM, for everything else that runs there."""


class Offloaded(NamedTuple):
    """Layers over devices and host, and how many sequences both memories hold."""

    layout: Layout
    memory: ServingMemory
    max_concurrency: float


def offload(
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    here: Rig,
    engine: EngineProfile,
    settings: EngineSettings,
    tokens: int,
) -> Offloaded | None:
    """The fewest layers on the host with which one sequence of `tokens` fits; None where the host is too small.

    One layer's weights and cache are the same everywhere, so the count on the devices is one division.
    """
    layers = model.architecture.layers

    def held(host: int) -> ServingMemory:
        return compile_memory(model, weights, cache, Layout(pp=here.devices, host=host), here.device, engine, settings)

    if here.devices >= layers:
        return None
    probe = held(1)
    kept = probe.tightest.layers * layers
    layer_bytes = (probe.tightest.weights + probe.sequence_bytes(tokens)) / kept
    on_devices = int((probe.tightest.weights + probe.pool_bytes) / layer_bytes) * here.devices
    host = max(layers - on_devices, 1)
    while host <= layers - here.devices and held(host).shortfall(tokens) > 0:
        host += 1
    if host > layers - here.devices:
        return None
    memory = held(host)
    whole = compile_memory(model, weights, cache, Layout(), here.device, engine, settings)
    host_share = host / layers
    resident = whole.tightest.weights - sum(rank.weights for rank in memory.laid.ranks)
    room = here.machine.memory_bytes - HOST_RESERVE_BYTES - resident
    held_by_host = room / (whole.sequence_bytes(tokens) * host_share)
    most = min(memory.max_sequences(tokens), held_by_host)
    return Offloaded(memory.layout, memory, most) if most >= 1 else None


def step_with_host(
    step: Step,
    model: Model,
    weights: WeightFormat,
    cache: CacheFormat,
    here: Rig,
    host_layers: int,
    speed: EngineSpeed,
    inventory: Inventory,
) -> Step:
    """The devices' step with the host's layers in turn."""
    cpu = host_of(here.machine, inventory)
    if cpu is None:
        return step
    alone = compile_step(model, weights, cache, Layout(), cpu, here.fabric, speed, inventory.efficiency)
    return step.beside(alone, host_layers / model.architecture.layers)


@lru_cache(maxsize=1024)
def host_of(machine: Machine, inventory: Inventory) -> Accelerator | None:
    """The CPU beside the accelerators: its vCPUs as slow as the slowest catalogued host's of that architecture."""
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
