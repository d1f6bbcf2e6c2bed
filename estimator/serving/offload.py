"""llama.cpp on a device too small for the model: some layers stay in host memory, where the CPU runs them."""

from typing import NamedTuple

from estimator.layout import Layout
from estimator.serving.deployment import Deployment
from estimator.serving.memory import ServingMemory, memory_of
from estimator.units import GIB

HOST_RESERVE_BYTES = 2 * GIB
"""Of the host's RAM, for everything else that runs there."""


class Offloaded(NamedTuple):
    """Layers over devices and host, and how many sequences both memories hold."""

    layout: Layout
    memory: ServingMemory
    max_concurrency: float


def offload(deployment: Deployment, tokens: int) -> Offloaded | None:
    """The fewest layers on the host with which one sequence of `tokens` fits; None where the host is too small.

    One layer's weights and cache are the same everywhere, so the count on the devices is one division.
    """
    layers, devices = deployment.model.architecture.layers, deployment.machine_devices

    def held(host: int) -> ServingMemory:
        return memory_of(deployment, Layout(pp=devices, host=host))

    if deployment.host is None or devices >= layers:
        return None
    probe = held(1)
    kept = probe.tightest.layers * layers
    layer_bytes = (probe.tightest.weights + probe.sequence_bytes(tokens)) / kept
    on_devices = int((probe.tightest.weights + probe.pool_bytes) / layer_bytes) * devices
    host = max(layers - on_devices, 1)
    while host <= layers - devices and held(host).shortfall(tokens) > 0:
        host += 1
    if host > layers - devices:
        return None
    memory = held(host)
    whole = memory_of(deployment, Layout())
    host_share = host / layers
    resident = whole.tightest.weights - sum(rank.weights for rank in memory.laid.ranks)
    room = deployment.host.memory_usable_bytes - HOST_RESERVE_BYTES - resident
    held_by_host = room / (whole.sequence_bytes(tokens) * host_share)
    most = min(memory.max_sequences(tokens), held_by_host)
    return Offloaded(memory.layout, memory, most) if most >= 1 else None
