"""Operators of weights in host memory: run there, or copied to the device for steps with many tokens."""

from dataclasses import replace
from typing import Any, NamedTuple

from estimator.hardware.devices import Fabric
from estimator.serving.speed.ggml_product import GgmlProduct
from estimator.serving.speed.operators import Detail, Experts, Gemm, RowOperator
from estimator.units import GB

COPIED_FROM_ROWS = 32
"""Tokens of a step from which llama.cpp copies weights to the device rather than computing on the CPU (ggml-cuda:
offload_op, min_batch_size)."""
HOST_LINK_BYTES_PER_S = 31.5 * GB
"""Link between host and device where the machine's fabric is another one: PCIe 4 x16."""
COPY_EFFICIENCY = 0.8
"""Share of that link which large copies reach (bandwidthTest over PCIe 4 x16: 25 of 31.5 GB/s)."""


def host_link_bytes_per_s(fabric: Fabric) -> float:
    """Bytes per second of large copies between host and one device."""
    link = fabric.link_bytes_per_s if fabric.id.startswith("pcie") else HOST_LINK_BYTES_PER_S
    return link * COPY_EFFICIENCY


class HostOperator(NamedTuple):
    """Weights in host memory: the CPU computes few rows, the device many, for which the weights are copied to it."""

    cpu: RowOperator
    device: RowOperator
    copy_s: float
    """Seconds of copying the weights once."""

    @property
    def name(self) -> str:
        return f"{self.cpu.name} on the host"

    def copies(self, rows: float) -> bool:
        """Whether the weights cross to the device for that many rows."""
        return rows >= COPIED_FROM_ROWS and self.device.seconds(rows) + self.copy_s < self.cpu.seconds(rows)

    def seconds(self, rows: float) -> float:
        return self.device.seconds(rows) + self.copy_s if self.copies(rows) else self.cpu.seconds(rows)

    def detail(self, rows: float) -> Detail:
        if not self.copies(rows):
            return self.name, *self.cpu.detail(rows)[1:]
        _, seconds, bound, flops, moved = self.device.detail(rows)
        return self.name, seconds + self.copy_s, "network" if self.copy_s > seconds else bound, flops, moved


class HostCopy(NamedTuple):
    """Weights that cross from the host to the device in every step, whatever its tokens."""

    bytes: float
    bytes_per_s: float

    @property
    def name(self) -> str:
        return "weights from the host"

    def seconds(self, rows: float) -> float:
        return self.bytes / self.bytes_per_s

    def detail(self, rows: float) -> Detail:
        return self.name, self.seconds(rows), "network", 0.0, self.bytes


def host_operator(cpu: RowOperator, device: RowOperator, fraction: float, link_bytes_per_s: float) -> HostOperator:
    """An operator of which the host keeps `fraction` of the layers, as it then runs."""
    cpu, device = scaled(cpu, fraction), scaled(device, fraction)
    return HostOperator(cpu, device, stored_bytes(device) / link_bytes_per_s)


def stored_bytes(operator: RowOperator) -> float:
    """Bytes of the weights behind an operator, of all its layers."""
    if isinstance(operator, Experts):
        return operator.times * operator.experts * operator.expert_bytes
    return operator.times * operator.weight_bytes if isinstance(operator, Gemm | GgmlProduct) else 0.0


def scaled(operator: Any, share: float) -> Any:
    """An operator for a share of its layers."""
    return replace(operator, times=operator.times * share)
