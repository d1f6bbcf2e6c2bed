"""llama.cpp on a device too small for the model: some layers stay in host memory, where the CPU runs them."""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.serving.deployment import Deployment
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.units import GIB

HOST_RESERVE_BYTES = 2 * GIB
"""Share of the host's RAM kept for everything else that runs there; engineering guess."""


class OffloadedLayers(NamedTuple):
    """Layers over devices and host, and how many sequences both memories hold."""

    layout: Layout
    memory: ServingMemory
    max_concurrency: float


def offload(deployment: Deployment, tokens: int) -> OffloadedLayers | None:
    """The fewest layers on the host with which one sequence of `tokens` fits; None where the host is too small.

    One layer's weights and cache are the same everywhere, so the count on the devices is one division.
    """
    layers, devices = deployment.model.architecture.layers, deployment.machine_devices
    if deployment.host is None or devices >= layers:
        return None

    def memory_with(host_layers: int) -> ServingMemory:
        return compile_memory(deployment, Layout(pp=devices, host=host_layers))

    probe = memory_with(1)
    rank = probe.tightest_rank
    layer_bytes = (rank.weights_bytes + probe.sequence_bytes(tokens)) / (rank.cached_layer_fraction * layers)
    device_layers = int((rank.weights_bytes + probe.pool_bytes) / layer_bytes) * devices
    host_layers = max(layers - device_layers, 1)
    while host_layers <= layers - devices and memory_with(host_layers).shortfall_bytes(tokens) > 0:
        host_layers += 1
    if host_layers > layers - devices:
        return None
    memory = memory_with(host_layers)
    sequences = min(memory.max_sequences(tokens), _host_sequences(deployment, deployment.host, memory, tokens))
    return OffloadedLayers(memory.layout, memory, sequences) if sequences >= 1 else None


def _host_sequences(deployment: Deployment, host: Accelerator, memory: ServingMemory, tokens: int) -> float:
    """Sequences of that length whose cache of the host's layers its RAM holds beside their weights."""
    whole = compile_memory(deployment, Layout())
    host_fraction = memory.layout.host / deployment.model.architecture.layers
    host_weights = whole.tightest_rank.weights_bytes - sum(rank.weights_bytes for rank in memory.plan.ranks)
    room = host.memory_usable_bytes - HOST_RESERVE_BYTES - host_weights
    return room / (whole.sequence_bytes(tokens) * host_fraction)
