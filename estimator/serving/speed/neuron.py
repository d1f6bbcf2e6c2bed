"""Operators of AWS Neuron: weights at a bandwidth fraction, and a collective of fixed time in every layer."""

from math import ceil

from estimator.hardware.devices import AllReduce
from estimator.layout import Layout
from estimator.layouts.rank_work import ExpertBank, Product, RankWork
from estimator.models.mixers import Mixer
from estimator.serving.deployment import Deployment
from estimator.serving.speed.operators import Collective, DecodeAttention, Experts, Gemm, Operators, PrefillAttention
from estimator.units import MICROSECOND


class NeuronOperators:
    """Makes the operators of one NeuronCore at the rates that it reaches; a chip's peaks are shared by its
    `device.cores`.
    """

    __slots__ = ("bandwidth", "cache", "compute", "constants", "deployment", "memory", "tp")

    def __init__(self, layout: Layout, deployment: Deployment) -> None:
        self.deployment, self.tp = deployment, layout.tp
        self.constants = deployment.efficiency.neuron
        self.bandwidth = deployment.device.bandwidth_bytes_per_s / deployment.device.cores
        self.memory = self.bandwidth * self.constants.memory
        self.compute = deployment.device.matrix_flops / deployment.device.cores * self.constants.compute
        self.cache = deployment.cache.bits / 8

    def product(self, product: Product, times: float) -> Gemm:
        """The operator of a matrix product in `times` layers; activations stay on the chip."""
        weights, elements = self.deployment.weights, product.outputs * product.inputs
        bits = weights.kind_bits(product.role)
        return Gemm(
            name=product.name,
            times=times,
            latency_s=0.0,
            flops=2 * elements,
            weight_bytes=elements * (bits / 8),
            row_bytes=0.0,
            flops_per_s=self.compute,
            bytes_per_s=self.memory,
        )

    def experts(self, bank: ExpertBank, times: float, attention_replicas: int) -> Experts:
        """The operator of the routed experts of `times` layers."""
        efficiency = self.deployment.efficiency
        return Experts(
            name="experts",
            times=times,
            latency_s=0.0,
            experts=bank.experts,
            experts_per_token=bank.experts_per_token,
            ranks=bank.ranks,
            attention_replicas=attention_replicas,
            imbalance=1.0,
            skew=efficiency.expert_skew,
            entropy=efficiency.routing_entropy,
            flops=2 * bank.parameters,
            expert_bytes=bank.parameters * self.deployment.weights.kind_bits("expert") / 8,
            token_bytes=0.0,
            routing_bytes=0.0,
            ramp_rows=0.0,
            flops_per_s=self.compute,
            bytes_per_s=self.memory,
            routing_bytes_per_s=self.bandwidth,
        )

    def all_reduce(self, work: RankWork) -> Collective:
        """The two collectives of the hidden state in every layer."""
        constants, device = self.constants, self.deployment.device
        on_chip = self.tp <= device.cores  # through the memory that its cores share
        link = self.bandwidth if on_chip else self.deployment.fabric.link_bytes_per_s or self.bandwidth
        return Collective(
            name="all-reduce",
            times=2 * work.layers,
            link=AllReduce(constants.layer_us * MICROSECOND / 2, link * constants.all_reduce, 1.0),
            wire=2 * (self.tp - 1) / self.tp,
            row_bytes=2 * work.hidden,
        )

    def decode_attention(self, mixer: Mixer, times: float) -> DecodeAttention:
        """The operator of attention of one new token per sequence in `times` layers: each of a core's query heads,
        padded to as many on every core, reads the head that it attends to.
        """
        ways = min(mixer.cache_ways, self.tp)
        heads = ceil(mixer.query_heads / self.tp)
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
            flops_per_s=self.compute,
            bytes_per_s=self.bandwidth * self.constants.cache_memory,
            passes=max(heads * ways / max(mixer.key_value_heads, 1), 1.0),
        )

    def prefill_attention(self, mixer: Mixer, times: float) -> PrefillAttention:
        """The operator of attention of prompts in `times` layers."""
        return PrefillAttention(
            name="attention",
            times=times,
            latency_s=0.0,
            flops=mixer.attention_flops,
            share=1 / self.tp,
            ramp_tokens=0.0,
            flops_per_s=self.compute,
        )


def neuron_operators(work: RankWork, layout: Layout, deployment: Deployment) -> Operators:
    """Every operator of one NeuronCore; `layout.tp` counts cores."""
    of = NeuronOperators(layout, deployment)
    return Operators(
        rows=(
            *(of.product(product, times) for product, times in work.products),
            *(of.experts(bank, times, layout.dp) for bank, times in work.banks),
            of.all_reduce(work),
        ),
        head=of.product(work.head, 1),
        decode_attention=tuple(of.decode_attention(mixer, times) for mixer, times in work.mixers),
        prefill_attention=tuple(of.prefill_attention(mixer, times) for mixer, times in work.mixers),
    )
