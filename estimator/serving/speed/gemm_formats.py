"""How a device multiplies in a weight format: by which kernels, at which peak, with inputs of how many bytes."""

from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.models.formats import WeightFormat

ACTIVATION_BYTES = {"fp8": 1.0, "int8": 1.0, "fp4": 0.5625}
"""Bytes of an activation quantised for products in that format (fp4: a scale for every 16); 2 elsewhere."""


class GemmFormat(NamedTuple):
    """Properties of matrix products with one weight format on a device: kernels, peak and bytes."""

    kernel_key: str
    """Key of the kernel constants."""
    input_bytes: float
    """Bytes of one activation that goes in."""
    peak_flops_per_s: float
    """Dense datasheet peak of the multiplication."""


def peak_flops(weights: WeightFormat, device: Accelerator) -> float:
    """Dense datasheet peak [FLOP/s] for a weight format; the 16-bit one where the device does not multiply in it."""
    return _native_flops(weights, device) or device.matrix_flops


def quantised_format(weights: WeightFormat, device: Accelerator) -> GemmFormat:
    """How a device multiplies in a weight format: by the format's own kernels, else by weight-only ones."""
    native = _native_flops(weights, device)
    if weights.kernel == "mx":
        if device.fp8_flops and device.compute_capability >= 10:
            return GemmFormat(kernel_key="mx8", input_bytes=1.0, peak_flops_per_s=device.fp8_flops)
        return GemmFormat(kernel_key="mx", input_bytes=2.0, peak_flops_per_s=device.matrix_flops)
    if not native:
        key = "i8" if weights.bits >= 8 else "i4"
        return GemmFormat(kernel_key=key, input_bytes=2.0, peak_flops_per_s=device.matrix_flops)
    return GemmFormat(
        kernel_key=weights.kernel,
        input_bytes=ACTIVATION_BYTES.get(weights.compute, 2.0),
        peak_flops_per_s=native,
    )


def _native_flops(weights: WeightFormat, device: Accelerator) -> float:
    """Peak [FLOP/s] of products in the weight format; 0 where the device does not multiply in it."""
    if weights.compute == "bf16":
        return device.matrix_flops
    return float(getattr(device, f"{weights.compute}_flops"))
