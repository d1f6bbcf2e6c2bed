"""Operators of AWS Neuron: weights at a bandwidth fraction, and a collective of fixed time in every layer."""

from estimator.hardware.devices import AllReduce
from estimator.layout import Layout
from estimator.layouts.rank_work import Plan
from estimator.models.tensors import Role
from estimator.serving.deployment import Deployment
from estimator.serving.speed.operators import Collective, DecodeAttention, Experts, Gemm, Operators, PrefillAttention
from estimator.units import GB, MICROSECOND


def neuron_operators(parts: Plan, layout: Layout, deployment: Deployment) -> Operators:
    """Operators of one NeuronCore; `layout.tp` counts cores, of which a device has `device.cores`."""
    weights, cache, device, efficiency = deployment.weights, deployment.cache, deployment.device, deployment.efficiency
    constants = efficiency.neuron
    bandwidth = device.bandwidth_bytes_per_s / device.cores
    compute = device.matrix_flops / device.cores * constants.prefill

    def product(name: str, count: float, outputs: float, inputs: float, role: Role) -> Gemm:
        size = (weights.bits if role in weights.quantises else weights.rest_bits) / 8
        return Gemm(
            name, count, 0.0, 2 * outputs * inputs, outputs * inputs * size, 0.0, compute, bandwidth * constants.memory
        )

    experts = (
        Experts(
            "experts", count, 0.0, bank.experts, bank.per_token, bank.ranks, layout.dp, 1.0,
            efficiency.expert_skew, efficiency.routing_entropy, 2 * bank.parameters,
            bank.parameters * weights.bits / 8, 0.0, 0.0, 0.0, compute, bandwidth * constants.memory, bandwidth,
        )
        for bank, count in parts.banks
    )  # fmt: skip
    link = AllReduce(constants.layer_us * MICROSECOND / 2, constants.all_reduce_gb_s * GB, 1.0)
    wire = 2 * (layout.tp - 1) / layout.tp
    return Operators(
        (
            *(product(each.name, count, each.outputs, each.inputs, each.role) for each, count in parts.products),
            *experts,
            Collective("all-reduce", 2 * parts.layers, link, wire, 2 * parts.hidden),
        ),
        product(parts.head.name, 1, parts.head.outputs, parts.head.inputs, "head"),
        tuple(
            DecodeAttention(
                "attention", count, 0.0, mixer.growing_width * cache.bits / 8 / min(mixer.cache_ways, layout.tp), 0,
                mixer.window_width * cache.bits / 8 / min(mixer.cache_ways, layout.tp), mixer.window, 0.0,
                mixer.decode_flops, 1 / layout.tp,
                compute, bandwidth * constants.cache_memory,
            )
            for mixer, count in parts.mixers
        ),
        tuple(
            PrefillAttention("attention", count, 0.0, mixer.attention_flops, 1 / layout.tp, 0.0, compute)
            for mixer, count in parts.mixers
        ),
    )  # fmt: skip
