"""Operators of llama.cpp: one fixed time a layer, whole-model bandwidth fractions.

Over several devices layers take turns (`--split-mode layer`, pipeline stages here), or every device holds a slice of
each layer (`--split-mode tensor`, tensor-parallel ranks).
"""

from collections.abc import Iterable, Iterator

from estimator.hardware.devices import Accelerator, AllReduce
from estimator.layout import Layout
from estimator.layouts.rank_work import Product, RankWork
from estimator.models.formats.gguf import has_super_blocks
from estimator.models.mixers import Mixer
from estimator.serving.deployment import Deployment
from estimator.serving.speed.collectives import link
from estimator.serving.speed.ggml_experts import GgmlExperts
from estimator.serving.speed.ggml_product import GgmlProduct
from estimator.serving.speed.operators import (
    Collective,
    DecodeAttention,
    Operators,
    PrefillAttention,
    StateUpdate,
)
from estimator.units import MICROSECOND

SUM_BYTES = 4
"""Bytes of an element of a partial sum that devices add up: float32, as ggml's products come out."""

HALVED_PEAK = 2.5
"""INT8 rate over the catalogued FP16 rate from which the latter is the halved one with sums in 32 bit: 4 on GeForce
boards and GB10, 2 elsewhere."""
GRAPHS_FROM = 7.0
"""Compute capability from which steps are launched as CUDA graphs (Volta)."""


def sums_in_16_bit(device: Accelerator) -> bool:
    """Whether products gain by sums in 16 bit, which llama.cpp's cuBLAS calls ask for: twice the catalogued peak."""
    return device.int8_flops > HALVED_PEAK * device.fp16_flops > 0


class LlamaCppOperators:
    """Makes llama.cpp's operators on one device with one weight and cache format, at the rates that it reaches
    there.
    """

    __slots__ = (
        "architecture",
        "bandwidth",
        "cache",
        "cache_bandwidth",
        "compute",
        "constants",
        "entropy",
        "fabric",
        "factors",
        "graphs",
        "kernels",
        "memory",
        "peak",
        "state_us",
        "states",
        "tile_rows",
        "tp",
        "vector_compute",
        "weights",
    )

    def __init__(self, deployment: Deployment, layout: Layout) -> None:
        self.tp, self.fabric = layout.tp, deployment.fabric
        self.architecture, self.states = deployment.model.architecture, deployment.engine.states
        weights, device = deployment.weights, deployment.device
        self.constants, self.entropy = deployment.efficiency.llama_cpp, deployment.efficiency.routing_entropy
        self.kernels = self.constants.kernels[self.constants.key(device)]
        self.factors, self.state_us = deployment.speed.kernels, deployment.speed.state_us
        quantised = weights.bits < 16
        self.peak = device.matrix_flops * (2 if sums_in_16_bit(device) else 1)
        nvidia = device.vendor == "nvidia" and device.compute_capability >= GRAPHS_FROM
        self.graphs = deployment.speed.cuda_graphs and nvidia
        self.bandwidth = device.bandwidth_bytes_per_s
        unpacked = has_super_blocks(weights)
        memory = self.kernels.memory_quantised if unpacked else self.kernels.memory
        self.memory = self.bandwidth * memory * self.factors.bandwidth
        by_row = self.kernels.vector_compute or self.constants.vector_compute
        self.vector_compute = device.fp32_flops * by_row if quantised else 0.0
        self.tile_rows = self.constants.tile_rows if quantised else 0.0
        compute = self.kernels.compute
        if quantised:
            integer = self.graphs and device.int8_flops >= device.fp16_flops
            compute = (integer and self.kernels.compute_integer) or self.kernels.compute_quantised
        self.compute = self.peak * compute * self.factors.compute
        self.cache_bandwidth = self.bandwidth * self.constants.cache_memory * self.factors.attention_bandwidth
        self.weights, self.cache = weights, deployment.cache.bits / 8

    def product(self, name: str, products: Iterable[tuple[Product, int]], layers: int) -> GgmlProduct:
        """The operator of all matrices of `layers` layers, each kind in its own bits, with a fixed time of each
        layer.
        """
        products = tuple(products)
        elements = [(each.role, times * each.outputs * each.inputs) for each, times in products]
        return GgmlProduct(
            name=name,
            times=1,
            latency_s=0.0 if self.graphs else layers * self.kernels.layer_us * self.factors.latency * MICROSECOND,
            start_s=sum(times for _, times in products) * self.kernels.start_us * MICROSECOND if self.graphs else 0.0,
            flops=2 * sum(count for _, count in elements),
            weight_bytes=sum(count * self.weights.kind_bits(role) / 8 for role, count in elements),
            flops_per_s=self.compute,
            bytes_per_s=self.memory,
            vector_flops_per_s=self.vector_compute,
            tile_rows=self.tile_rows,
            vector_rows=self.kernels.vector_rows,
        )

    def experts(self, work: RankWork) -> Iterator[GgmlExperts]:
        """The operator of routed experts, or of a slice of each."""
        for bank, times in work.banks:
            yield GgmlExperts(
                name="experts",
                times=times,
                latency_s=0.0 if self.graphs else self.kernels.expert_layer_us * self.factors.latency * MICROSECOND,
                start_s=self.kernels.expert_start_us * MICROSECOND if self.graphs else 0.0,
                experts=bank.experts,
                experts_per_token=bank.experts_per_token,
                ranks=1,
                attention_replicas=1,
                imbalance=1.0,
                skew=0.0,
                entropy=self.entropy,
                flops=2 * bank.parameters,
                expert_bytes=bank.parameters * self.weights.kind_bits("expert") / 8,
                token_bytes=0.0,
                routing_bytes=0.0,
                ramp_rows=0.0,
                flops_per_s=self.compute,
                bytes_per_s=self.memory * self.factors.expert_bandwidth,
                routing_bytes_per_s=self.memory,
                vector_flops_per_s=self.vector_compute,
                tile_rows=self.kernels.expert_tile_rows or self.constants.expert_tile_rows,
            )

    def decode_attention(self, mixer: Mixer, times: int) -> DecodeAttention:
        """The operator of attention of one new token per sequence in `times` layers."""
        ways = min(mixer.cache_ways, self.tp)
        return DecodeAttention(
            name="attention",
            times=times,
            latency_s=0.0,
            token_bytes=mixer.growing_width * self.cache / ways,
            limit=0,
            window_bytes=mixer.window_width * self.cache / ways,
            window=mixer.window,
            index_bytes=0.0,
            flops=mixer.decode_flops,
            share=1 / self.tp,
            flops_per_s=self.peak * self.kernels.compute,
            bytes_per_s=self.cache_bandwidth,
        )

    def prefill_attention(self, mixer: Mixer, times: int) -> PrefillAttention:
        """The operator of attention of prompts in `times` layers, whose launches the layer's products hide."""
        return PrefillAttention(
            name="attention",
            times=times,
            latency_s=0.0,
            flops=mixer.attention_flops,
            share=1 / self.tp,
            ramp_tokens=0.0,
            flops_per_s=self.peak * self.kernels.attention * self.factors.prompt_attention,
        )

    def state(self, mixer: Mixer, times: int) -> StateUpdate:
        """The operator of the recurrent states of `times` layers."""
        return StateUpdate(
            name="state",
            times=times,
            latency_s=self.state_us * MICROSECOND,
            state_bytes=self.architecture.layer_state_bytes(mixer, self.states) / self.tp,
            bytes_per_s=self.cache_bandwidth,
            flops=mixer.attention_flops(1) / self.tp,
            flops_per_s=self.peak * self.kernels.attention,
        )

    def all_reduces(self, work: RankWork) -> Iterator[Collective]:
        """The sums of llama.cpp's tensor split, in 32 bit: the graph is cut at each, so that its fixed time is the
        host's.
        """
        if work.all_reduces:
            measured = link(self.fabric, self.tp)
            yield Collective(
                name="all-reduce",
                times=work.all_reduces,
                link=AllReduce(self.constants.reduce_us * MICROSECOND, measured.bandwidth_bytes_per_s, 1.0),
                wire=2 * (self.tp - 1) / self.tp,
                row_bytes=SUM_BYTES * work.hidden,
            )


def llama_cpp_operators(work: RankWork, layout: Layout, deployment: Deployment) -> Operators:
    """llama.cpp's operators of one rank: of the whole model on devices that take turns, or of a slice of each layer."""
    of = LlamaCppOperators(deployment, layout)
    cached = [(mixer, times) for mixer, times in work.mixers if mixer.growing_width or mixer.window_width]
    return Operators(
        rows=(of.product("layers", work.products, work.layers), *of.experts(work), *of.all_reduces(work)),
        head=of.product("LM head", [(work.head, 1)], 0),
        decode_attention=tuple(of.decode_attention(mixer, times) for mixer, times in cached),
        prefill_attention=tuple(of.prefill_attention(mixer, times) for mixer, times in cached),
        states=tuple(of.state(mixer, times) for mixer, times in work.mixers if mixer.state_elements),
    )
