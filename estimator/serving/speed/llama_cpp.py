"""Operators of llama.cpp: layers in turn over the devices, one fixed time a layer, whole-model bandwidth fractions."""

from estimator.layouts.rank_work import Plan
from estimator.serving.deployment import Deployment
from estimator.serving.speed.operators import DecodeAttention, Experts, Gemm, Operators, PrefillAttention, StateUpdate
from estimator.units import MICROSECOND


def llama_cpp_operators(parts: Plan, deployment: Deployment) -> Operators:
    """Operators of the whole model on devices that take turns."""
    weights, cache, device = deployment.weights, deployment.cache, deployment.device
    constants = deployment.efficiency.llama_cpp
    known = constants.kernels[constants.key(device)]
    quantised = weights.bits < 16
    peak = device.matrix_flops * (2 if device.id in constants.fp16_accumulate else 1)
    memory = device.bandwidth_bytes_per_s * (known.memory_quantised if quantised else known.memory)
    compute = peak * (known.compute_quantised if quantised else known.compute)
    size = weights.bits / 8

    def product(name: str, elements: float, layer_us: float) -> Gemm:
        return Gemm(name, 1, layer_us * MICROSECOND, 2 * elements, elements * size, 0.0, compute, memory)

    linear = sum(count * each.outputs * each.inputs for each, count in parts.products)
    experts = (
        Experts(
            "experts", count, known.layer_us * MICROSECOND, bank.experts, bank.per_token, 1, 1, 1.0, 0.0, 1.0,
            2 * bank.parameters, bank.parameters * size, 0.0, 0.0, 0.0, compute, memory, memory,
        )
        for bank, count in parts.banks
    )  # fmt: skip
    cached = [(mixer, count) for mixer, count in parts.mixers if mixer.growing_width or mixer.window_width]
    return Operators(
        (product("layers", linear, parts.layers * known.layer_us), *experts),
        product("LM head", parts.head.outputs * parts.head.inputs, 0.0),
        tuple(
            DecodeAttention(
                "attention", count, 0.0,
                mixer.growing_width * cache.bits / 8, 0, mixer.window_width * cache.bits / 8, mixer.window, 0.0,
                mixer.decode_flops, 1.0,
                peak * known.compute, device.bandwidth_bytes_per_s * constants.cache_memory,
            )
            for mixer, count in cached
        ),
        tuple(
            PrefillAttention(
                "attention", count, max(constants.prefill_layer_us - known.layer_us, 0.0) * MICROSECOND,
                mixer.attention_flops, 1.0, 0.0, peak * known.attention,
            )
            for mixer, count in cached
        ),
        tuple(
            StateUpdate(
                "state", count, 0.0, mixer.state_elements * 4, device.bandwidth_bytes_per_s * constants.cache_memory,
                mixer.attention_flops(1), peak * known.attention,
            )
            for mixer, count in parts.mixers
            if mixer.state_elements
        ),
    )  # fmt: skip
