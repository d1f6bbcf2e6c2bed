"""What the forward pass keeps for the backward pass: bytes per token (Korthikanti et al., arXiv:2205.05198).

With flash attention no score matrix is kept. A block keeps the inputs of its matrix products, what its
non-linearities need, and the residual stream around them.
"""

from functools import lru_cache
from typing import NamedTuple

from estimator.layout import TrainingSetup
from estimator.models.architecture import Architecture, Layer
from estimator.models.mlps import DenseMlp, MixtureOfExperts
from estimator.training import heuristic
from estimator.training.lora import adapted
from estimator.training.run import Run

KEPT = 2
"""Bytes of a kept element: 16 bits."""


def layer_elements(layer: Layer, hidden: int, frozen: bool) -> float:
    """Elements per token of one layer without any checkpointing; `frozen` where only adapters are trained.

    For a gated, grouped-query block this is (16 h + 4 h_kv + 8 f) / 2 elements, 16-bit: 6 h of stream, q and attention
    output 2 h, k and v 2 h_kv, and 4 f of the gated MLP.
    """
    blocks = (layer.mixer is not None) + (layer.mlp is not None)
    gated = layer.mlp.gated if layer.mlp else True
    # RMSNorm, which comes with gated MLPs, keeps the residual, its fp32 input and its output; fused LayerNorm its
    # input, and its output for the weight gradient alone.
    stream = (3.0 if gated else 1.0 if frozen else 2.0) * hidden * blocks
    mixer = 0.0
    if layer.mixer:
        for tensor in layer.mixer.tensors:
            if tensor.role == "attention":
                mixer += tensor.inputs if tensor.split == "rows" else tensor.outputs
    return stream + mixer + (_mlp(layer.mlp, hidden) if layer.mlp else 0.0)


def _mlp(mlp: DenseMlp | MixtureOfExperts, hidden: int) -> float:
    if isinstance(mlp, DenseMlp):
        return (4.0 if mlp.gated else 2.0) * mlp.intermediate
    width = mlp.expert_hidden or hidden
    routed = mlp.per_token * ((4.0 if mlp.gated else 2.0) * mlp.intermediate + 2.0 * width)  # dispatched and combined
    return routed + (_mlp(mlp.shared, hidden) if mlp.shared else 0.0)


class StackActivations(NamedTuple):
    """Bytes per token over the whole stack, before any sharding."""

    every: float
    """All layers, nothing recomputed."""
    widest: float
    """The one layer that keeps most: live while it is recomputed."""
    boundaries: float
    """One residual vector a layer: what full checkpointing keeps."""


@lru_cache(maxsize=256)
def stack_activations(architecture: Architecture, frozen: bool) -> StackActivations:
    """Sums over the layers of one architecture."""
    every = widest = 0.0
    for group in (*architecture.groups, *architecture.encoder):
        kept = KEPT * layer_elements(group.layer, architecture.hidden, frozen)
        every += group.count * kept
        widest = max(widest, kept)
    return StackActivations(every, widest, KEPT * architecture.hidden * architecture.layers)


def bytes_per_token(run: Run) -> float:
    """Kept for the backward pass, per token of a micro-batch on one device."""
    if run.framework.id == heuristic.ID:
        return 0.0
    setup, rules = run.setup, run.memory_rules
    kept = stack_activations(run.architecture, run.workload.adapters)
    beside = _adapter_activations(run) if run.workload.adapters else 0.0
    factor = run.framework.activation_factor
    if run.workload.compute not in ("bf16", "fp32"):
        factor *= run.framework.low_precision_activation_factor
    every = kept.every * factor + beside
    live = kept.widest * factor * run.framework.recompute_factor + beside / run.architecture.layers
    total = {
        "none": every,
        "selective": rules.selective_factor * every,
        "full": min(kept.boundaries + live, every),
        "offloaded": min(live * rules.offloaded_factor, kept.boundaries + live, every),
    }[setup.checkpointing]
    if setup.cp > 1:
        total *= rules.context_parallel_factor
    whole = rules.tensor_parallel_elements * KEPT * run.architecture.hidden if setup.tp > 1 else 0.0
    return total / setup.tp * _in_flight(setup) + whole


def _in_flight(setup: TrainingSetup) -> float:
    """Share of the stack's activations on the first stage under 1F1B: 1/pp of the layers, min(pp, n) micro-batches."""
    return min(setup.pp, max(setup.accumulation, 1)) / setup.pp


def _adapter_activations(run: Run) -> float:
    visited, entering = _adapter_inputs(run.architecture, run.workload.lora_targets)
    return KEPT * run.workload.lora_rank * visited + run.framework.adapter_input_bytes * entering


@lru_cache(maxsize=1024)
def _adapter_inputs(architecture: Architecture, targets: str) -> tuple[float, float]:
    """Adapted matrices that a token visits, and the elements that enter them."""
    visited = 0.0
    inputs: dict[tuple[str, str], float] = {}  # q, k and v share theirs, and so do gate and up
    for matrices, fraction, tensor in adapted(architecture, targets):
        visited += matrices * fraction
        shared = (tensor.role, tensor.split)
        inputs[shared] = max(inputs.get(shared, 0.0), matrices * fraction * tensor.inputs)
    return visited, sum(inputs.values())


def logit_bytes_per_token(run: Run) -> float:
    """Logits, their gradient and the copies that the loss makes."""
    if run.framework.id == heuristic.ID:
        return 0.0
    rules, framework = run.memory_rules, run.framework
    plain = framework.bytes_per_logit
    if run.workload.method == "qlora" and framework.bytes_per_logit_quantised is not None:
        plain = framework.bytes_per_logit_quantised
    each = {
        "fused": rules.fused_bytes_per_logit,
        "chunked": rules.chunked_bytes_per_logit,
        "plain": plain,
        "upcast": max(rules.upcast_bytes_per_logit, plain),
    }[run.workload.loss]
    return run.architecture.vocabulary * each / run.setup.tp
