"""Operators of a GPU engine: kernel by kernel, at the rates that one device reaches."""

from collections.abc import Iterator
from typing import NamedTuple

from estimator.engines.speed_constants import Kernels
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.layouts.rank_work import ExpertBank, Plan
from estimator.models.formats import WeightFormat
from estimator.models.mixers import Attention, CompressedSparseAttention, LatentAttention, Mixer
from estimator.models.tensors import Role
from estimator.serving.deployment import Deployment
from estimator.serving.speed.collectives import collectives, stripe_exchanges
from estimator.serving.speed.operators import (
    DecodeAttention,
    Elementwise,
    Experts,
    Gemm,
    Operators,
    PrefillAttention,
    StateUpdate,
)
from estimator.units import MICROSECOND

MEMORY_CEILING = 0.95
"""No kernel reads faster than this fraction of the datasheet's bandwidth."""
ELEMENTWISE_MEMORY = 0.7
ELEMENTWISE_LAUNCH_US = 9.0
"""Six small kernels a layer of 1.5 µs each."""
ELEMENTWISE_PASSES = 8
"""Hidden-wide vectors that norms, residuals and activations of a layer read or write for each token."""
STATE_BYTES = 2
"""Recurrent states are kept in 16 bit."""
STATE_COMPUTE = 0.3
"""Fraction of the 16-bit peak that chunked scans reach."""

ACTIVATION_BYTES = {"fp8": 1.0, "int8": 1.0, "fp4": 0.5625}
"""Of an activation quantised for products in that format; 2 elsewhere."""


class Reach(NamedTuple):
    """What products of one storage format reach on the device."""

    kernel: str
    """Key of the constants."""
    size: float
    """Bytes of a weight."""
    activation: float
    """Bytes of an activation that goes in."""
    peak: float
    """FLOP/s."""


class Rates:
    """What one device reaches under one engine, kernel by kernel."""

    __slots__ = (
        "cache",
        "device",
        "efficiency",
        "kernels",
        "narrow",
        "narrow_gemm",
        "plain",
        "plain_gemm",
        "speed",
        "weights",
    )

    def __init__(self, deployment: Deployment) -> None:
        self.weights, self.cache, self.device = deployment.weights, deployment.cache, deployment.device
        self.speed, self.efficiency = deployment.speed, deployment.efficiency
        weights, device = self.weights, self.device
        self.kernels: Kernels = self.efficiency.kernels_of(device)
        self.narrow = _narrow(weights, device)
        self.plain = Reach("16", weights.rest_bits / 8, 2.0, device.matrix_flops)
        self.narrow_gemm = self._gemm_rates(self.narrow)
        self.plain_gemm = self._gemm_rates(self.plain)

    def format_factor(self, key: str) -> float:
        return {"8": self.speed.fp8_compute, "8t": self.speed.fp8_compute, "4": self.speed.fp4_compute}.get(key, 1.0)

    def _gemm_rates(self, reach: Reach) -> tuple[float, float, float, float, float]:
        """Weight and activation bytes, latency, FLOP/s and bytes/s."""
        key, size, activation, peak = reach
        kernel = self.kernels.gemm.get(key) or self.kernels.gemm["16"]
        compute = kernel.compute
        if key in ("i4", "i8"):  # widened in the kernel, at a fraction of the 16-bit product's rate
            compute *= self.kernels.gemm["16"].compute
        return (
            size,
            activation,
            kernel.latency_us * MICROSECOND * self.speed.latency,
            peak * min(compute * self.speed.compute * self.format_factor(key), 1.0),
            self.device.bandwidth_bytes_per_s * min(kernel.memory * self.speed.bandwidth, MEMORY_CEILING),
        )

    def gemm(self, name: str, count: float, outputs: float, inputs: float, role: Role) -> Gemm:
        rates = self.narrow_gemm if role in self.weights.quantises else self.plain_gemm
        size, activation, latency_s, flops_per_s, bytes_per_s = rates
        elements = outputs * inputs
        moved = inputs * activation + outputs * 2
        return Gemm(name, count, latency_s, 2 * elements, elements * size, moved, flops_per_s, bytes_per_s)

    def experts(self, bank: ExpertBank, count: float, layout: Layout) -> Experts:
        key, size, activation, peak = self.narrow if "expert" in self.weights.quantises else self.plain
        kernel = self.kernels.experts[key]
        speed = self.speed
        latency = kernel.latency_us * MICROSECOND * speed.expert_latency
        if key == "8":
            latency *= speed.block_expert_latency
        return Experts(
            "experts",
            count,
            latency,
            bank.experts,
            bank.per_token,
            bank.ranks,
            layout.dp,
            speed.expert_imbalance,
            self.efficiency.expert_skew,
            self.efficiency.routing_entropy,
            2 * bank.parameters,
            bank.parameters * size,
            bank.token_elements * activation,
            bank.routing_elements * 2,
            kernel.ramp_rows,
            peak * min(kernel.compute * speed.expert_compute * self.format_factor(key), 1.0),
            self.device.bandwidth_bytes_per_s * min(kernel.memory * speed.expert_bandwidth, MEMORY_CEILING),
            self.device.bandwidth_bytes_per_s * ELEMENTWISE_MEMORY,
        )

    def elementwise(self, parts: Plan) -> Elementwise:
        return Elementwise(
            "elementwise",
            parts.layers,
            ELEMENTWISE_LAUNCH_US * MICROSECOND * self.speed.latency,
            ELEMENTWISE_PASSES * parts.hidden * 2,
            ELEMENTWISE_MEMORY * self.device.bandwidth_bytes_per_s,
        )

    def decode_attention(self, mixer: Mixer, count: float, tp: int, dcp: int) -> Iterator[DecodeAttention]:
        grown, windowed = mixer.growing_width, mixer.window_width
        if isinstance(mixer, Attention) and not mixer.stores_cache:  # it reads an earlier layer's cache
            width = mixer.kv_heads * (mixer.head_dim + mixer.v_dim)
            grown, windowed = (0.0, width) if mixer.window else (width, 0.0)
        if not grown and not windowed:
            return
        kernel, speed, device = self.kernels.attention, self.speed, self.device
        latent = not isinstance(mixer, Attention)
        if latent:
            memory = kernel.latent
        elif self.cache.bits <= 8:
            memory = kernel.decode_fp8 * speed.fp8_cache
        else:
            memory = kernel.decode
        size = self.cache.bits / 8 / min(mixer.cache_ways, tp)
        yield DecodeAttention(
            "attention",
            count,
            (kernel.latency_us + (self.efficiency.sparse_index_us if mixer.index_width else 0.0))
            * MICROSECOND
            * speed.latency,
            grown * size / dcp,
            _top_k(mixer),
            windowed * size,
            mixer.window,
            mixer.index_width,
            mixer.decode_flops,
            1 / tp,
            device.matrix_flops * kernel.latent_compute,
            device.bandwidth_bytes_per_s * min(memory * speed.attention_bandwidth, MEMORY_CEILING),
        )

    def prefill_attention(self, mixer: Mixer, count: float, tp: int) -> Iterator[PrefillAttention]:
        if mixer.state_elements:
            return
        kernel, speed = self.kernels.attention, self.speed
        yield PrefillAttention(
            "attention",
            count,
            kernel.latency_us * MICROSECOND * speed.latency,
            mixer.attention_flops,
            1 / tp,
            kernel.ramp_tokens,
            self.device.matrix_flops * min(kernel.prefill * speed.compute, 1.0),
        )

    def states(self, mixer: Mixer, count: float, tp: int) -> Iterator[StateUpdate]:
        elements = mixer.state_elements + mixer.conv_state_elements
        if not elements:
            return
        yield StateUpdate(
            "state",
            count,
            self.speed.state_us * MICROSECOND,
            elements * STATE_BYTES / tp,
            self.device.bandwidth_bytes_per_s * ELEMENTWISE_MEMORY,
            mixer.attention_flops(1) / tp,
            self.device.matrix_flops * STATE_COMPUTE,
        )


def _top_k(mixer: Mixer) -> int:
    if isinstance(mixer, LatentAttention):
        return mixer.sparse_top_k
    if isinstance(mixer, CompressedSparseAttention) and mixer.indexer:
        return mixer.indexer.top_k * mixer.ratio
    return 0


def gpu_operators(parts: Plan, layout: Layout, deployment: Deployment) -> Operators:
    """Operators of one rank on a GPU."""
    rates, dcp = Rates(deployment), deployment.settings.dcp
    return Operators(
        (
            *(rates.gemm(each.name, count, each.outputs, each.inputs, each.role) for each, count in parts.products),
            *(rates.experts(bank, count, layout) for bank, count in parts.banks),
            rates.elementwise(parts),
            *collectives(parts, layout, deployment),
        ),
        rates.gemm(parts.head.name, 1, parts.head.outputs, parts.head.inputs, "head"),
        tuple(each for mixer, count in parts.mixers for each in rates.decode_attention(mixer, count, layout.tp, dcp)),
        tuple(each for mixer, count in parts.mixers for each in rates.prefill_attention(mixer, count, layout.tp)),
        tuple(each for mixer, count in parts.mixers for each in rates.states(mixer, count, layout.tp)),
        tuple(stripe_exchanges(parts, layout, deployment)),
    )


def peak_flops(weights: WeightFormat, device: Accelerator) -> float:
    """Dense, for the weight format; the 16-bit one where the device does not multiply in it."""
    return _native_flops(weights, device) or device.matrix_flops


def _narrow(weights: WeightFormat, device: Accelerator) -> Reach:
    """The weight format's own kernels, or weight-only ones where the device does not multiply in it."""
    size, native = weights.bits / 8, _native_flops(weights, device)
    if weights.kernel == "mx":
        if device.fp8_flops and device.compute_capability >= 10:
            return Reach("mx8", size, 1.0, device.fp8_flops)
        return Reach("mx", size, 2.0, device.matrix_flops)
    if not native:
        return Reach("i8" if weights.bits >= 8 else "i4", size, 2.0, device.matrix_flops)
    return Reach(weights.kernel, size, ACTIVATION_BYTES.get(weights.compute, 2.0), native)


def _native_flops(weights: WeightFormat, device: Accelerator) -> float:
    """0 where the device does not multiply in the weight format."""
    if weights.compute == "bf16":
        return device.matrix_flops
    return float(getattr(device, f"{weights.compute}_flops"))
