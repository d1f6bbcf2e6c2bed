"""Measured constants of kernels and links, for every engine. Values are data; see catalog/data/efficiency.yaml.

Fractions are of the accelerator's dense peak or of its memory bandwidth, as the catalogue states them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from estimator.hardware.devices import Accelerator
from estimator.records import record


class GemmKernel(NamedTuple):
    """Matrix products in one weight format: latency + hypot(FLOPs / (peak x compute), bytes / (bandwidth x memory)).

    Fitted to kernel tables of M x N x K shapes; `source` of the generation names them.
    """

    compute: float
    """Fraction of the format's dense peak that large products reach."""
    memory: float
    """Fraction of the memory bandwidth that small batches reach."""
    latency_us: float
    """Fixed time of one product."""


class ExpertKernel(NamedTuple):
    """Constants of grouped products over routed experts in one weight format."""

    compute: float
    """Fraction of the format's dense peak at many rows per expert."""
    memory: float
    """Fraction of the memory bandwidth at few rows per expert."""
    latency_us: float
    """Fixed time of one layer's experts."""
    ramp_rows: float
    """Rows per expert at which half of `compute` is reached: what a tile pads and a launch wastes."""


class AttentionKernel(NamedTuple):
    """Constants of attention: prompts against the 16-bit peak, decoding against the memory bandwidth."""

    prefill_compute: float
    """Fraction of the 16-bit peak that long prompts reach."""
    ramp_tokens: float
    """Tokens of a prompt at which half of `prefill_compute` is reached."""
    latency_us: float
    """Fixed time of one layer's attention."""
    decode: float
    """Fraction of the memory bandwidth at which a 16-bit cache is read."""
    decode_fp8: float
    """Fraction of the memory bandwidth at which an 8-bit cache is read."""
    latent: float
    """Fraction of the memory bandwidth of latent attention in its absorbed form."""
    latent_compute: float
    """Fraction of the 16-bit peak of latent attention in its absorbed form."""


@record(frozen=True, slots=True, eq=False)
class Kernels:
    """Kernel constants of one accelerator generation; products stand by the kernel key of their weight format."""

    gemm: Mapping[str, GemmKernel]
    experts: Mapping[str, ExpertKernel]
    attention: AttentionKernel
    source: str = ""
    flops_per_joule: float = 0.0
    """16-bit FLOPs of large products per joule of board power on the part that was measured; 0 is no limit."""

    def sustained(self, device: Accelerator) -> float:
        """Share of the kernel class's FLOP/s that the board power of a device feeds, without unit.

        Tensor cores clock down to what the power limit allows, so that a part with fewer watts per FLOP of its peak
        than the measured one reaches a smaller share of it.
        """
        if not self.flops_per_joule or not device.tdp_watts:
            return 1.0
        fed = self.flops_per_joule * device.tdp_watts
        return min(fed / (self.gemm["16"].compute * device.matrix_flops), 1.0)


class LlamaCppKernels(NamedTuple):
    """llama.cpp's kernels on one generation, as fractions of its memory bandwidth and of its 16-bit peak."""

    memory: float
    """Share of the bandwidth, with 16-bit weights and with blocks of 32 that share one scale."""
    memory_quantised: float
    """Share of the bandwidth, with super-blocks, whose scales are packed themselves."""
    compute: float
    """Share of the 16-bit peak, with 16-bit weights."""
    compute_quantised: float
    """Share of the 16-bit peak, with quantised weights."""
    attention: float
    """Share of the 16-bit peak: prompts' attention without flash attention."""
    layer_us: float
    """Fixed time of a layer: launching its kernels one by one, which long ones hide; nothing under CUDA graphs."""
    expert_layer_us: float
    """Fixed time that a layer's routed experts add: router, choice, sorting, adding up."""
    start_us: float = 0.0
    """Fixed time of a product of a layer on the device under CUDA graphs: its kernels start, fill it and drain."""
    expert_start_us: float = 0.0
    """Fixed time of a layer's routed experts on the device under CUDA graphs."""
    compute_integer: float = 0.0
    """Share of the 16-bit peak, with quantised weights on integer tensor cores; 0 where there are none."""
    vector_compute: float = 0.0
    """Share of the FP32 peak that the kernels for a few rows of quantised weights reach; 0 is what CUDA's reach."""
    vector_rows: int = 0
    """Rows up to which those kernels are taken where others would be faster."""
    expert_tile_rows: float = 0.0
    """Rows of the widest tile of routed experts' products; 0 is that of CUDA's."""


@record(frozen=True, slots=True, eq=False)
class LlamaCpp:
    """Speed constants of llama.cpp: kernels by generation, and what every step costs besides."""

    kernels: Mapping[str, LlamaCppKernels]
    devices: Mapping[str, str]
    """Accelerators that were measured, with the kernels they take."""
    cache_memory: float
    """Fraction of the memory bandwidth at which the cache is read."""
    device_us: float
    """Hand-over to each device of a layer split."""
    pipeline: float
    """Relative cost of running the layer split as a pipeline over prompts."""
    reduce_us: float
    """Fixed time of adding up the devices' shares of a tensor split, twice a layer."""
    vector_compute: float
    """Share of the FP32 peak that CUDA's kernels for a few rows of quantised weights reach."""
    tile_rows: float
    """Rows that the smallest tile of the kernels for many rows computes."""
    expert_tile_rows: float
    """Rows of the widest tile of CUDA's products of routed experts."""
    source: str = ""

    def key(self, device: Accelerator) -> str:
        """Key of the llama.cpp constants of a device: its own, its kind's, its kernel class's, or `generic`."""
        names = (self.devices.get(device.id, ""), device.kind, device.kernels)
        return next((name for name in names if name in self.kernels), "generic")


class NeuronSpeed(NamedTuple):
    """Speed constants of Neuron: weights and cache at fractions of the bandwidth, collectives at a fixed time per
    layer.
    """

    memory: float
    """Fraction of the memory bandwidth at which weights are read."""
    cache_memory: float
    """Fraction of the memory bandwidth at which each query head reads its cache."""
    layer_us: float
    """Fixed time of the two collectives of a layer."""
    compute: float
    """Fraction of the 16-bit peak."""
    all_reduce: float
    """Fraction of the links' bandwidth that a collective reaches; on one chip, of a core's memory bandwidth."""
    source: str = ""


class Network(NamedTuple):
    """Constants of an all-reduce between machines: a fixed time, and the bandwidth of one machine's link."""

    latency_us: float
    bandwidth_gb_s: float
    source: str = ""
