"""Operators of a GPU engine: kernel by kernel, at the rates that one device reaches."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from estimator.layout import Layout
from estimator.layouts.rank_work import ExpertBank, Product, RankWork
from estimator.models.architecture import INDEX_ELEMENT_BYTES
from estimator.models.mixers import Mixer
from estimator.models.tensors import Role
from estimator.serving.deployment import Deployment
from estimator.serving.speed.adapters import adapter_products
from estimator.serving.speed.collectives import collectives, dcp_exchanges
from estimator.serving.speed.gemm_formats import GemmFormat, quantised_format
from estimator.serving.speed.operators import (
    DecodeAttention,
    Elementwise,
    Experts,
    Gemm,
    Operators,
    PrefillAttention,
    StateUpdate,
)
from estimator.units import MICROSECOND, NANOSECOND

MEMORY_CEILING = 0.95
"""Fraction of the datasheet's bandwidth that no kernel passes (highest of the kernel tables)."""
ELEMENTWISE_MEMORY = 0.7
"""Fraction of the memory bandwidth of small kernels (engineering guess)."""
ELEMENTWISE_LAUNCH_US = 9.0
"""Fixed time of a layer's norms, residuals and activations: six small kernels of 1.5 µs (counted in traces)."""
ELEMENTWISE_PASSES = 8
"""Hidden-wide vectors that norms, residuals and activations of a layer read or write for each token (counted)."""
STATE_COMPUTE = 0.3
"""Fraction of the 16-bit peak that chunked scans reach (engineering guess)."""
DELTA_TOKEN_NS = 30.0
"""Least time of a token in a delta rule's chunks, which follow one another, in flash-linear-attention's Triton kernels:
65,536 tokens of 8 heads take 1.95 ms on H100, 1.86 on B200 (github.com/flashinfer-ai/flashinfer pulls 3866, 3902)."""
DELTA_HEAD_BYTES = 10_240
"""Bytes that they move for a token and head: eight prompts of 8,192 tokens, 8 heads, take 0.87 ms on B200 (pull 3902),
one of 32 heads some 20 ms on Strix Halo (github.com/ROCm/vllm pull 1075)."""
FUSED_DELTAS = frozenset({9})
"""Major compute capabilities on which vLLM runs FlashInfer's fused kernel instead, five times as fast (its pulls 40717
and 55715: first on Hopper; on B200 no faster for one prompt; on GB10 and RTX Blackwell not before September 2026)."""
SPARSE_HEADS = {9: 64, 10: 128}
"""Fewest query heads that a rank's sparse latent attention computes, by the major compute capability: kernels take
multiples of them, and what a rank has less is padded (vllm/v1/attention/backends/mla/flashmla_sparse.py; SGLang's
nsa_backend.py, github.com/sgl-project/sglang pull 13646; "avoid tp 8", github.com/vllm-project/recipes pull 234)."""
FLASH_ATTENTION_2 = frozenset({8, 12})
"""Major compute capabilities on which FlashAttention 2 is what attends (vllm/v1/attention/backends/fa_utils.py)."""
SINKS_COMPUTE = 0.27
"""Share of FlashAttention 2's FLOP/s that prompts with attention sinks reach: it has none, so that vLLM's Triton kernel
attends (gpt-oss-20b and -120b on A100, prompts of 32,000 tokens: 0.25 and 0.28; github.com/gpustack/gpustack
docs/performance-lab)."""
WEIGHT_ONLY = frozenset({"i4", "i8"})
"""Kernels that widen weights on the way: `compute` is a fraction of the 16-bit product's."""


class GemmRates(NamedTuple):
    """Rates that products of one weight format reach on a device under an engine [FLOP/s, byte/s]."""

    input_bytes: float
    latency_s: float
    flops_per_s: float
    bytes_per_s: float


class GpuKernels:
    """The kernels of one GPU under one engine, with the rates that they reach; it makes operators of a rank's work."""

    __slots__ = (
        "architecture",
        "attends_by_head",
        "attends_together",
        "bandwidth",
        "cache",
        "device",
        "efficiency",
        "factors",
        "fuses_deltas",
        "kernels",
        "quantised",
        "quantised_rates",
        "rates",
        "scans_choice",
        "sixteen_bit",
        "sixteen_bit_rates",
        "state_types",
        "state_us",
        "sustained",
        "weights",
    )

    def __init__(self, deployment: Deployment) -> None:
        self.weights, self.cache, self.device = deployment.weights, deployment.cache, deployment.device
        self.architecture = deployment.model.architecture
        self.factors, self.efficiency = deployment.speed.kernels, deployment.efficiency
        self.state_us = deployment.speed.state_us
        capability = int(deployment.device.compute_capability)
        self.scans_choice = deployment.speed.scans_choice and capability in SPARSE_HEADS
        self.attends_together = deployment.speed.attends_together and capability in FLASH_ATTENTION_2
        self.attends_by_head = deployment.speed.attends_by_head
        self.fuses_deltas = deployment.speed.fuses_deltas and capability in FUSED_DELTAS
        self.state_types = deployment.engine.states
        self.kernels = self.efficiency.kernels_of(self.device)
        self.sustained = self.kernels.sustained(self.device)
        reached = self.efficiency.bandwidth_of_parts.get(self.device.id, 1.0)
        self.bandwidth = self.device.bandwidth_bytes_per_s * reached
        self.quantised = quantised_format(self.weights, self.device)
        self.sixteen_bit = GemmFormat(
            kernel_key="16",
            input_bytes=2.0,
            peak_flops_per_s=self.device.matrix_flops,
        )
        self.quantised_rates = self._gemm_rates(self.quantised)
        self.sixteen_bit_rates = self._gemm_rates(self.sixteen_bit)
        self.rates: dict[Role, tuple[float, GemmRates]] = {}

    def format_factor(self, key: str) -> float:
        """The engine's factor on the FLOP/s of one kernel, besides its factor on all kernels."""
        factors = self.factors
        return {"8": factors.fp8_compute, "8t": factors.fp8_compute, "4": factors.fp4_compute}.get(key, 1.0)

    def _gemm_rates(self, form: GemmFormat) -> GemmRates:
        factors, key = self.factors, form.kernel_key
        kernel = self.kernels.gemm.get(key) or self.kernels.gemm["16"]
        compute = kernel.compute * (self.kernels.gemm["16"].compute if key in WEIGHT_ONLY else 1.0)
        return GemmRates(
            input_bytes=form.input_bytes,
            latency_s=kernel.latency_us * MICROSECOND * factors.latency,
            flops_per_s=form.peak_flops_per_s
            * self.sustained
            * min(compute * factors.compute * self.format_factor(key), 1.0),
            bytes_per_s=self.bandwidth * min(kernel.memory * factors.bandwidth, MEMORY_CEILING),
        )

    def gemm(self, product: Product, times: float) -> Gemm:
        """The operator of a matrix product in `times` layers; outputs are 16 bit."""
        bits, rates = self._role_rates(product.role)
        elements = product.outputs * product.inputs
        return Gemm(
            name=product.name,
            times=times,
            latency_s=rates.latency_s,
            flops=2 * elements,
            weight_bytes=elements * bits / 8,
            row_bytes=product.inputs * rates.input_bytes + product.outputs * 2,
            flops_per_s=rates.flops_per_s,
            bytes_per_s=rates.bytes_per_s,
        )

    def _role_rates(self, role: Role) -> tuple[float, GemmRates]:
        """Stored bits per weight of a kind of matrix, and what products with it reach."""
        if role not in self.rates:
            bits = self.weights.kind_bits(role)
            quantised = role in self.weights.quantises and bits < 16  # some uploads leave their attention wide
            self.rates[role] = bits, self.quantised_rates if quantised else self.sixteen_bit_rates
        return self.rates[role]

    def experts(self, bank: ExpertBank, times: float, layout: Layout) -> Experts:
        """The operator of the routed experts of `times` layers."""
        form = self.quantised if "expert" in self.weights.quantises else self.sixteen_bit
        key, factors = form.kernel_key, self.factors
        kernel = self.kernels.experts[key]
        latency = kernel.latency_us * MICROSECOND * factors.expert_latency
        if key == "8":
            latency *= factors.block_expert_latency
        reached = self.sustained * min(kernel.compute * factors.expert_compute * self.format_factor(key), 1.0)
        return Experts(
            name="experts",
            times=times,
            latency_s=latency,
            experts=bank.experts,
            experts_per_token=bank.experts_per_token,
            ranks=bank.ranks,
            attention_replicas=layout.dp,
            imbalance=factors.expert_imbalance,
            skew=self.efficiency.expert_skew,
            entropy=self.efficiency.routing_entropy,
            flops=2 * bank.parameters,
            expert_bytes=bank.parameters * self.weights.kind_bits("expert") / 8,
            token_bytes=bank.token_elements * form.input_bytes,
            routing_bytes=bank.routing_elements * 2,
            ramp_rows=kernel.ramp_rows,
            flops_per_s=form.peak_flops_per_s * reached,
            bytes_per_s=self.bandwidth * min(kernel.memory * factors.expert_bandwidth, MEMORY_CEILING),
            routing_bytes_per_s=self.bandwidth * ELEMENTWISE_MEMORY,
        )

    def elementwise(self, work: RankWork) -> Elementwise:
        """The operator of norms, residuals and activations of every layer, in 16 bit."""
        return Elementwise(
            name="elementwise",
            times=work.layers,
            latency_s=ELEMENTWISE_LAUNCH_US * MICROSECOND * self.factors.latency,
            row_bytes=ELEMENTWISE_PASSES * work.hidden * 2,
            bytes_per_s=ELEMENTWISE_MEMORY * self.bandwidth,
        )

    def decode_attention(self, mixer: Mixer, times: float, tp: int, dcp: int) -> DecodeAttention | None:
        """Attention of one new token per sequence in `times` layers; None where the mixer reads no cache."""
        growing, windowed = mixer.read_growing_width, mixer.read_window_width
        if not growing and not windowed:
            return None
        kernel, device = self.kernels.attention, self.device
        around_us = self.efficiency.sparse_index_us if mixer.index_width else 0.0
        if mixer.is_latent:
            around_us += self.factors.latent_us
        memory = self._cache_memory(mixer) * self.factors.attention_bandwidth
        element_bytes = self.cache.bits / 8 / min(mixer.cache_ways, tp)
        return DecodeAttention(
            name="attention",
            times=times,
            latency_s=(kernel.latency_us + around_us) * MICROSECOND * self.factors.latency,
            token_bytes=growing * element_bytes / dcp,
            limit=mixer.attended_tokens,
            window_bytes=windowed * element_bytes,
            window=mixer.window,
            index_bytes=mixer.index_width * INDEX_ELEMENT_BYTES,
            flops=self._absorbed_flops(mixer),
            share=self._heads_share(mixer, tp),
            flops_per_s=device.matrix_flops * self.sustained * kernel.latent_compute,
            bytes_per_s=self.bandwidth * min(memory, MEMORY_CEILING),
            passes=_queries_a_cached_head(mixer, tp) if self.attends_by_head else 1.0,
            readers=self._readers(mixer, tp),
            shared_bytes=device.l2_bytes * max(mixer.key_value_heads / tp, 1.0),
        )

    def _readers(self, mixer: Mixer, tp: int) -> float:
        """Query heads that read a cached head each for itself in a step that computes prompts as well.

        One call of FlashAttention 2 for prompts and decoding packs no heads of a group (github.com/vllm-project/vllm
        pull 58013); latent attention, an 8-bit cache and sinks have other kernels.
        """
        if not self.attends_together or not mixer.key_value_heads or mixer.has_sinks or self.cache.bits < 16:
            return 1.0
        return _queries_a_cached_head(mixer, tp)

    def _absorbed_flops(self, mixer: Mixer) -> Callable[[int, int], float]:
        """FLOPs of a mixer's attention as decoding runs it, those included that are spent on nothing."""
        if self.scans_choice and mixer.index_width:
            return lambda new, cached: mixer.decode_flops(new, cached) + mixer.unfilled_flops(new, cached)
        return mixer.decode_flops

    def _cache_memory(self, mixer: Mixer) -> float:
        """Fraction of the memory bandwidth at which decoding reads the cache of this mixer."""
        kernel = self.kernels.attention
        if mixer.is_latent:
            return kernel.latent
        return kernel.decode_fp8 * self.factors.fp8_cache if self.cache.bits <= 8 else kernel.decode

    def _heads_share(self, mixer: Mixer, tp: int) -> float:
        """Share of a mixer's query heads that one of `tp` ranks computes, those that only fill its kernel included."""
        if not mixer.index_width or not mixer.query_heads:
            return 1 / tp
        fewest = SPARSE_HEADS.get(int(self.device.compute_capability), 1)
        return max(1 / tp, min(fewest / mixer.query_heads, 1.0))

    def prefill_attention(self, mixer: Mixer, times: float, tp: int) -> PrefillAttention | None:
        """Attention of prompts in `times` layers; None where the mixer keeps a state instead of a cache.

        Where an indexer chooses tokens, a prompt's attention is absorbed, as decoding is: every token has its own.
        """
        if mixer.state_elements:
            return None
        kernel = self.kernels.attention
        rate = min(kernel.prefill_compute * self.factors.compute * self.factors.prompt_attention, 1.0)
        if mixer.has_sinks and self.attends_together:
            rate *= SINKS_COMPUTE
        return PrefillAttention(
            name="attention",
            times=times,
            latency_s=kernel.latency_us * MICROSECOND * self.factors.latency,
            flops=self._absorbed_flops(mixer) if mixer.index_width else mixer.attention_flops,
            share=self._heads_share(mixer, tp),
            ramp_tokens=0.0 if mixer.index_width else kernel.ramp_tokens,
            flops_per_s=self.device.matrix_flops * self.sustained * rate,
            own_bytes=mixer.read_growing_width * self.cache.bits / 8 if mixer.index_width and mixer.is_latent else 0.0,
            choice=mixer.attended_tokens,
            bytes_per_s=self.bandwidth * min(self._cache_memory(mixer), MEMORY_CEILING),
        )

    def state(self, mixer: Mixer, times: float, tp: int) -> StateUpdate | None:
        """The state operator of `times` layers; None where the mixer has none."""
        state_bytes = self.architecture.layer_state_bytes(mixer, self.state_types)
        if not state_bytes:
            return None
        return StateUpdate(
            name="state",
            times=times,
            latency_s=self.state_us * MICROSECOND,
            state_bytes=state_bytes / tp,
            bytes_per_s=self.bandwidth * ELEMENTWISE_MEMORY,
            flops=mixer.attention_flops(1) / tp,
            flops_per_s=self.device.matrix_flops * self.sustained * STATE_COMPUTE,
            scan_s=self._scan_s(mixer.delta_heads / tp),
        )

    def _scan_s(self, heads: float) -> float:
        """Seconds in which one token of a prompt passes the chunks of a delta rule with so many heads on this rank."""
        if not heads or self.fuses_deltas:
            return 0.0
        return max(DELTA_TOKEN_NS * NANOSECOND, heads * DELTA_HEAD_BYTES / self.bandwidth)


def _queries_a_cached_head(mixer: Mixer, tp: int) -> float:
    """Query heads on a rank that attend to one cached head; 1 where heads have no vectors of their own."""
    return mixer.query_heads / tp / max(mixer.key_value_heads / tp, 1.0) if mixer.key_value_heads else 1.0


@lru_cache(maxsize=1024)
def gpu_kernels(deployment: Deployment) -> GpuKernels:
    """The GPU kernels of a deployment, which all of its layouts share."""
    return GpuKernels(deployment)


def gpu_operators(work: RankWork, layout: Layout, deployment: Deployment) -> Operators:
    """Every operator of one rank on a GPU."""
    kernels, tp, dcp = gpu_kernels(deployment), layout.tp, deployment.settings.dcp
    decoding = [kernels.decode_attention(mixer, times, tp, dcp) for mixer, times in work.mixers]
    prompts = [kernels.prefill_attention(mixer, times, tp) for mixer, times in work.mixers]
    states = [kernels.state(mixer, times, tp) for mixer, times in work.mixers]
    return Operators(
        rows=(
            *[kernels.gemm(product, times) for product, times in work.products],
            *[kernels.experts(bank, times, layout) for bank, times in work.banks],
            kernels.elementwise(work),
            *collectives(work, layout, deployment),
            *adapter_products(deployment, layout, kernels.device.matrix_flops * kernels.sustained, kernels.bandwidth),
        ),
        head=kernels.gemm(work.head, 1),
        decode_attention=tuple([each for each in decoding if each]),
        prefill_attention=tuple([each for each in prompts if each]),
        states=tuple([each for each in states if each]),
        dcp_exchanges=tuple(dcp_exchanges(work, layout, deployment)) if dcp > 1 else (),
    )
