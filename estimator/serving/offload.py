"""Offload to host memory, for devices too small for the model: layers, their experts or their weights stay there."""

from collections.abc import Iterator
from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.layout import HostPart, Layout
from estimator.layouts.legal import legal_tensor_parallel
from estimator.serving.deployment import Deployment
from estimator.serving.memory import ServingMemory, compile_memory, host_weights_bytes
from estimator.serving.memory.host_cache import HOST_RESERVE_BYTES


class HostSplit(NamedTuple):
    """A division of layers between devices and host, and how many sequences both memories hold."""

    layout: Layout
    memory: ServingMemory
    host_bytes: float
    """Weights that the host keeps."""
    max_concurrency: float


def offloads(deployment: Deployment, tokens: int) -> Iterator[HostSplit]:
    """For each part that the engine can keep on the host, the split with the fewest layers there that fits a sequence
    of `tokens`.
    """
    if deployment.host is None:
        return
    for part in deployment.engine.program.offloads:
        split = offload(deployment, deployment.host, part, tokens)
        if split:
            yield split


def offload(deployment: Deployment, host: Accelerator, part: HostPart, tokens: int) -> HostSplit | None:
    """The split with the fewest layers whose `part` stays on the host; None where devices or host are too small for the
    rest.

    Memory on the devices falls as layers leave them, so their number is found by bisection.
    """
    architecture = deployment.model.architecture
    layers = architecture.expert_layers if part == "experts" else architecture.layers
    on_devices = _devices_layout(deployment, part)
    most = layers - on_devices.pp if part == "layers" else layers
    if most < 1:
        return None

    def memory_with(host_layers: int) -> ServingMemory:
        return compile_memory(deployment, on_devices._replace(host=host_layers, host_part=part))

    def fits(host_layers: int) -> bool:
        report = memory_with(host_layers).report(tokens)
        return report.shortfall_bytes <= 0 and report.max_concurrency >= 1

    if not fits(most):
        return None
    low, high = 0, most  # `high` fits; what fits entirely still asks for the least
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    memory = memory_with(high)
    kept = host_weights_bytes(deployment, memory.layout, memory.plan)
    room = host.memory_usable_bytes - HOST_RESERVE_BYTES - kept
    sequences = memory.max_sequences(tokens)
    if part == "layers" and memory.host_cache_bytes is None:
        cache = compile_memory(deployment, Layout()).sequence_bytes(tokens) * memory.layout.host / layers
        sequences = min(sequences, room / cache if cache else sequences)
    if room < 0 or sequences < 1:
        return None
    return HostSplit(layout=memory.layout, memory=memory, host_bytes=kept, max_concurrency=sequences)


def _devices_layout(deployment: Deployment, part: HostPart) -> Layout:
    """All devices of the machine: in turn where the CPU runs what it keeps, side by side where weights are copied."""
    devices = max(deployment.machine_devices, 1)
    if part != "weights":
        return Layout(pp=devices)
    return Layout(tp=legal_tensor_parallel(deployment.model, deployment.engine, devices, deployment.device)[-1])
