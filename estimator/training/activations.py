"""Activation memory: what the forward pass keeps for the backward pass, in bytes per token.

Source: Korthikanti et al., arXiv:2205.05198, for a stack with flash attention, which keeps no score matrix. A block
keeps the inputs of its matrix products, what its non-linearities need, and the residual stream around them.
"""

from functools import lru_cache
from typing import NamedTuple

from estimator.layout import TrainingSetup
from estimator.models.architecture import Architecture, Layer
from estimator.models.mlps import Mlp
from estimator.training.lora import adapted_matrices
from estimator.training.run import Run

BYTES_PER_ELEMENT = 2
"""Bytes of a kept element: activations are 16-bit in every stack."""


def layer_elements(layer: Layer, hidden: int, frozen: bool) -> float:
    """Elements per token that one layer keeps without checkpointing; `frozen` where only adapters are trained.

    A gated, grouped-query block keeps (16 h + 4 h_kv + 8 f) / 2: 6 h of residual stream, 2 h of query and attention
    output, 2 h_kv of key and value, 4 f of the gated MLP. Checked against DeepSpeed ZeRO-2 at 8B: 188 KB a token and
    layer measured, 184 KB by this sum (stas00/ml-engineering).
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
    return stream + mixer + (_mlp_elements(layer.mlp, hidden) if layer.mlp else 0.0)


def _mlp_elements(mlp: Mlp, hidden: int) -> float:
    elements = 0.0
    if mlp.dense:
        elements += (4.0 if mlp.dense.gated else 2.0) * mlp.dense.intermediate
    if mlp.routed:
        experts, width = mlp.routed, mlp.routed.expert_hidden or hidden
        one = (4.0 if experts.gated else 2.0) * experts.intermediate + 2.0 * width  # dispatched and combined
        elements += experts.per_token * one
    return elements


class StackActivations(NamedTuple):
    """Activations that the layers of one architecture keep for the backward pass, in bytes per token before any
    sharding.
    """

    all_layers_bytes: float
    """Sum over all layers with nothing recomputed."""
    largest_layer_bytes: float
    """The one layer that keeps most: live while it is recomputed."""
    boundaries_bytes: float
    """One residual vector a layer: what full checkpointing keeps."""


@lru_cache(maxsize=256)
def stack_activations(architecture: Architecture, frozen: bool) -> StackActivations:
    """Activations kept by all layers of an architecture, in bytes per token; `frozen` where only adapters are
    trained.
    """
    total = largest = 0.0
    for group in (*architecture.groups, *architecture.encoder):
        layer_bytes = BYTES_PER_ELEMENT * layer_elements(group.layer, architecture.hidden, frozen)
        total += group.count * layer_bytes
        largest = max(largest, layer_bytes)
    return StackActivations(total, largest, BYTES_PER_ELEMENT * architecture.hidden * architecture.layers)


def bytes_per_token(run: Run) -> float:
    """Activation bytes per token of a micro-batch on one device, under the run's checkpointing and splits."""
    if run.framework.memory_model == "rule-of-thumb":
        return 0.0
    setup, rules = run.setup, run.memory_rules
    stack = stack_activations(run.architecture, run.workload.adapters)
    adapters = _adapter_bytes_per_token(run) if run.workload.adapters else 0.0
    factor = run.framework.activation_factor
    if run.workload.compute not in ("bf16", "fp32"):
        factor *= run.framework.low_precision_activation_factor
    unsaved = stack.all_layers_bytes * factor + adapters
    boundaries = stack.boundaries_bytes
    if run.workload.adapters and setup.sharding in ("fsdp", "hybrid") and setup.shards > 1:
        boundaries *= run.framework.sharded_adapter_boundary_factor
    live = stack.largest_layer_bytes * factor * run.framework.recompute_factor + adapters / run.architecture.layers
    total = {
        "none": unsaved,
        "selective": rules.selective_factor * unsaved,
        "full": min(boundaries + live, unsaved),
        "offloaded": min(live * rules.offloaded_factor, boundaries + live, unsaved),
    }[setup.checkpointing]
    if setup.cp > 1:
        total *= rules.context_parallel_factor
    unsplit = rules.tensor_parallel_elements * BYTES_PER_ELEMENT * run.architecture.hidden if setup.tp > 1 else 0.0
    return total / setup.tp * _first_stage_share(setup) + unsplit


def _first_stage_share(setup: TrainingSetup) -> float:
    """Share of the stack's activations on the first stage under 1F1B: 1/pp of the layers, min(pp, n) micro-batches."""
    return min(setup.pp, max(setup.accumulation, 1)) / setup.pp


def _adapter_bytes_per_token(run: Run) -> float:
    visited, inputs, outputs = _adapter_flows(run.architecture, run.workload.lora_targets)
    total = BYTES_PER_ELEMENT * run.workload.lora_rank * visited + run.framework.adapter_input_bytes * inputs
    return total + (run.memory_rules.dora_output_bytes * outputs if run.workload.method == "dora" else 0.0)


@lru_cache(maxsize=1024)
def _adapter_flows(architecture: Architecture, targets: str) -> tuple[float, float, float]:
    """Adapted matrices that a token visits, the elements that enter them, and the elements that leave them."""
    visited = outputs = 0.0
    inputs: dict[tuple[str, str], float] = {}  # q, k and v share theirs, and so do gate and up
    for matrices, fraction, tensor in adapted_matrices(architecture, targets):
        visited += matrices * fraction
        outputs += matrices * fraction * tensor.outputs
        sharing = (tensor.role, tensor.split)
        inputs[sharing] = max(inputs.get(sharing, 0.0), matrices * fraction * tensor.inputs)
    return visited, sum(inputs.values()), outputs


def logit_bytes_per_token(run: Run) -> float:
    """Bytes per token of logits, their gradient and the copies that the loss makes, on one device.

    Bytes per logit are measured, by stack and loss path; see `bytes_per_logit` in catalog/data/training.yaml.
    """
    if run.framework.memory_model == "rule-of-thumb":
        return 0.0
    rules, framework = run.memory_rules, run.framework
    plain = framework.bytes_per_logit
    if run.workload.method == "qlora" and framework.bytes_per_logit_quantised is not None:
        plain = framework.bytes_per_logit_quantised
    bytes_per_logit = {
        "fused": rules.fused_bytes_per_logit,
        "chunked": rules.chunked_bytes_per_logit,
        "plain": plain,
        "upcast": max(rules.upcast_bytes_per_logit, plain),
    }[run.loss]
    return run.architecture.vocabulary * bytes_per_logit / run.setup.tp
