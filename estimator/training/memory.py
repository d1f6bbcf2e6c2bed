"""Peak memory of a training step on the device that holds most.

peak = weights + gradients + optimizer states, each over its shards, + adapters + activations + logits
       + gathered layers and buckets + overhead
"""

from functools import lru_cache
from typing import NamedTuple

from estimator.architecture import Architecture
from estimator.evaluation import Band, Part, TrainingMemory
from estimator.formats import LINEAR, weight_format
from estimator.hardware import Accelerator
from estimator.tensors import Tensor, parameters
from estimator.training import heuristic
from estimator.training.activations import KEPT, stack_activations
from estimator.training.constants import Framework, MemoryRules
from estimator.training.lora import adapted, adapter_parameters
from estimator.training.setup import TrainingSetup
from estimator.training.states import StateBytes, shares, state_bytes
from estimator.training.workload import TrainingWorkload
from estimator.units import GIB


class Weights(NamedTuple):
    """Parameters on one tensor- and pipeline-parallel rank."""

    linear: float
    """Matrices of the layers: what is quantised."""
    rest: float
    """Embedding, head, norms, routers."""
    experts: float
    """Of the linear ones: divided over expert-parallel ranks before sharding divides them further."""
    layer: float
    """The largest layer, whole on each tensor-parallel rank: what is gathered at a time."""
    tables: float
    """Embedding and head."""

    @property
    def total(self) -> float:
        return self.linear + self.rest


@lru_cache(maxsize=4096)
def weights(architecture: Architecture, tp: int = 1, pp: int = 1, ep: int = 1) -> Weights:
    """Parameters of the fullest stage; a tied head is stored once."""
    linear = rest = experts = layer = 0.0
    for group in (*architecture.groups, *architecture.encoder):
        inner = outer = 0.0
        for tensor in group.layer.tensors:
            held = tensor.parameters * tensor.share(tp, ep)
            if tensor.role in LINEAR:
                inner += held
            else:
                outer += held
            if tensor.role == "expert":
                experts += group.count * held
        linear += group.count * inner
        rest += group.count * outer
        layer = max(layer, inner + outer)
    embedding = _held(architecture.embedding, tp)
    head = 0.0 if architecture.tied else _held(architecture.head, tp)
    tables = embedding + head if pp == 1 else max(embedding, head)
    return Weights(linear / pp, rest / pp + tables + parameters(architecture.final), experts / pp, layer, tables)


def _held(tensors: tuple[Tensor, ...], tp: int) -> float:
    return sum(tensor.parameters * tensor.share(tp) for tensor in tensors)


class Peak(NamedTuple):
    """Bytes by part; `activations` and `logits` grow with the micro-batch."""

    weights: float
    gradients: float
    optimizer: float
    adapters: float
    activations: float
    logits: float
    gathered: float
    overhead: float
    host: float

    @property
    def device(self) -> float:
        return sum(self) - self.host


_NOTHING = Peak(*[0.0] * len(Peak._fields))


class Stack(NamedTuple):
    """A training stack's constants with the rules that hold in all of them."""

    framework: Framework
    rules: MemoryRules


def peak(architecture: Architecture, workload: TrainingWorkload, setup: TrainingSetup, stack: Stack) -> Peak:
    """Bytes at the peak of one step."""
    states = state_peak(architecture, workload, setup, stack)
    per_token = activation_bytes_per_token(architecture, workload, setup, stack)
    tokens = setup.micro_batch * workload.sequence_length / setup.cp
    logits = tokens * logit_bytes_per_token(architecture, workload, setup, stack)
    return states._replace(activations=tokens * per_token, logits=logits)


def state_peak(architecture: Architecture, workload: TrainingWorkload, setup: TrainingSetup, stack: Stack) -> Peak:
    """Everything that does not grow with the micro-batch."""
    if stack.framework.id == heuristic.ID:
        return _NOTHING._replace(**heuristic.parts(architecture, workload, setup.devices))
    framework, rules = stack
    held = weights(architecture, setup.tp, setup.pp, setup.ep)
    weight_share, gradient_share, optimizer_share = _shares(held, setup)
    overhead = framework.overhead_bytes + (rules.multi_device_bytes if setup.devices > 1 else 0.0)
    gradients = optimizer = added = host = divided = unit_gradients = 0.0
    if workload.adapters:
        stored = frozen_bytes(held, workload, framework)
        added = adapter_bytes(architecture, workload, setup, stack) * weight_share
        if workload.train_embeddings:
            added += held.tables * rules.embedding_bytes_per_parameter * weight_share
    else:
        each = state_bytes(workload.precision, workload.optimizer, held.linear / held.total)
        stored = held.total * each.weights
        if framework.accumulates_whole_gradients and setup.accumulation > 1:
            gradient_share = 1.0
        gradients = held.total * _gradient_bytes(each, framework) * gradient_share
        if workload.optimizer_in_backward:
            gradients -= rules.in_backward_saving * max(gradients - held.layer * each.gradients, 0.0)
        unit_gradients = held.layer * _gradient_bytes(each, framework)
        whole = held.total * (each.master + each.moments)
        optimizer = whole * optimizer_share
        host = held.total * each.host_moments * optimizer_share
        divided = whole - optimizer + held.total * _gradient_bytes(each, framework) * (1.0 - gradient_share)
    resident = stored * weight_share
    gathered = _gathered(stored, held, divided, unit_gradients, weight_share, setup.sharding, stack)
    if setup.offload != "none":
        host += optimizer
        optimizer = 0.0
    if setup.offload == "parameters":
        host += resident + gradients
        in_use = (2.0 * held.layer + held.tables / 2) * stored / held.total + unit_gradients
        resident, gradients, gathered = 0.0, 0.0, min(in_use, resident + gathered)
    return Peak(resident, gradients, optimizer, added, 0.0, 0.0, gathered, overhead, host)


def _shares(held: Weights, setup: TrainingSetup) -> tuple[float, float, float]:
    """Fractions of what a rank would hold unsharded; experts have fewer ranks left to be sharded over."""
    plain = shares(setup.sharding, setup.shards)
    if setup.ep == 1 or not held.experts:
        return plain
    of_experts = shares(setup.sharding, max(setup.shards // setup.ep, 1))
    part = held.experts / held.total
    weights_, gradients, optimizer = (
        part * expert + (1 - part) * other for expert, other in zip(of_experts, plain, strict=True)
    )
    return weights_, gradients, optimizer


def _gradient_bytes(each: StateBytes, framework: Framework) -> float:
    return framework.gradient_bytes if each.master else each.gradients


def _gathered(
    stored: float,
    held: Weights,
    divided: float,
    unit_gradients: float,
    weight_share: float,
    sharding: str,
    stack: Stack,
) -> float:
    """Unsharded layers in flight, the gradients of one, and communication buckets; never more than what sharding
    took away."""
    framework, rules = stack
    away = stored * (1.0 - weight_share)
    if away > 0:
        if framework.loads_whole_weights:
            return stored
        bucket = _bucket(held.total, rules) if sharding == "zero3" else 0.0
        return min(2.0 * held.layer * stored / held.total + unit_gradients + bucket, away)
    return min(_bucket(held.total, rules), divided)


def _bucket(parameters_: float, rules: MemoryRules) -> float:
    return min(rules.bucket_bytes_per_parameter * parameters_, rules.bucket_bytes)


_FROZEN = {"bf16": 2.0, "bf16-master": 2.0, "bf16-mixed": 6.0, "fp32": 4.0}
"""Bytes per frozen parameter; autocast keeps a 16-bit copy beside fp32 weights."""


def frozen_bytes(held: Weights, workload: TrainingWorkload, framework: Framework) -> float:
    """The base under adapters: 16-bit, or quantised matrices beside wider tables."""
    if workload.method != "qlora":
        return held.total * _FROZEN[workload.precision]
    bits = weight_format(workload.base).bits
    quantised = held.linear * (bits / 8 + framework.quantised_extra_bytes)
    return quantised + held.rest * framework.quantised_rest_bytes


def adapter_bytes(architecture: Architecture, workload: TrainingWorkload, setup: TrainingSetup, stack: Stack) -> float:
    """Adapters with gradients and states, this rank's share of the layers."""
    each = state_bytes(stack.framework.adapter_precision, workload.optimizer)
    return adapters(architecture, workload) * each.total / (setup.tp * setup.pp)


def trainable(architecture: Architecture, workload: TrainingWorkload) -> int:
    """Parameters that are trained."""
    if not workload.adapters:
        return architecture.text_parameters
    tables = parameters(architecture.embedding) + (0 if architecture.tied else parameters(architecture.head))
    return adapters(architecture, workload) + (tables if workload.train_embeddings else 0)


def adapters(architecture: Architecture, workload: TrainingWorkload) -> int:
    """Parameters of the adapters alone."""
    return adapter_parameters(
        architecture, workload.lora_rank, workload.lora_targets, magnitudes=workload.method == "dora"
    )


def activation_bytes_per_token(
    architecture: Architecture, workload: TrainingWorkload, setup: TrainingSetup, stack: Stack
) -> float:
    """Kept for the backward pass, per token of a micro-batch on one device."""
    if stack.framework.id == heuristic.ID:
        return 0.0
    framework, rules = stack
    kept = stack_activations(architecture, workload.adapters)
    extra = _adapter_activations(architecture, workload, framework) if workload.adapters else 0.0
    factor = framework.activation_factor
    if workload.compute not in ("bf16", "fp32"):
        factor *= framework.low_precision_activation_factor
    every = kept.every * factor + extra
    live = kept.widest * factor * framework.recompute_factor + extra / architecture.layers
    if setup.checkpointing == "none":
        total = every
    elif setup.checkpointing == "selective":
        total = min(rules.selective_factor * every, every)
    elif setup.checkpointing == "full":
        total = min(kept.boundaries + live, every)
    else:
        total = min(live * rules.offloaded_factor, kept.boundaries + live, every)
    if setup.cp > 1:
        total *= rules.context_parallel_factor
    whole = rules.tensor_parallel_elements * KEPT * architecture.hidden if setup.tp > 1 else 0.0
    return total / setup.tp * _in_flight(setup) + whole


def _in_flight(setup: TrainingSetup) -> float:
    """Share of the stack's activations on the first stage under 1F1B: 1/pp of the layers, min(pp, n) micro-batches."""
    return min(setup.pp, max(setup.accumulation, 1)) / setup.pp


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


def _adapter_activations(architecture: Architecture, workload: TrainingWorkload, framework: Framework) -> float:
    visited, entering = _adapter_inputs(architecture, workload.lora_targets)
    return KEPT * workload.lora_rank * visited + framework.adapter_input_bytes * entering


def logit_bytes_per_token(
    architecture: Architecture, workload: TrainingWorkload, setup: TrainingSetup, stack: Stack
) -> float:
    """Logits, their gradient and the copies that the loss makes."""
    if stack.framework.id == heuristic.ID:
        return 0.0
    framework, rules = stack
    plain = framework.bytes_per_logit
    if workload.method == "qlora" and framework.bytes_per_logit_quantised is not None:
        plain = framework.bytes_per_logit_quantised
    each = {
        "fused": rules.fused_bytes_per_logit,
        "chunked": rules.chunked_bytes_per_logit,
        "plain": plain,
        "upcast": max(rules.upcast_bytes_per_logit, plain),
    }[workload.loss]
    return architecture.vocabulary * each / setup.tp


def report(
    architecture: Architecture,
    workload: TrainingWorkload,
    setup: TrainingSetup,
    stack: Stack,
    device: Accelerator,
    band: tuple[float, float],
) -> TrainingMemory:
    """The peak with its parts and workings."""
    at = peak(architecture, workload, setup, stack)
    total = at.device
    return TrainingMemory(
        device_bytes=round(device.memory_sold_gb * 1e9),
        usable_bytes=device.memory_usable_bytes,
        budget_bytes=stack.rules.budget * device.memory_usable_bytes,
        peak_bytes=Band(total * band[0], total, total * band[1]),
        weights_bytes=at.weights,
        gradients_bytes=at.gradients,
        optimizer_bytes=at.optimizer,
        adapters_bytes=at.adapters,
        activations_bytes=at.activations,
        logits_bytes=at.logits,
        gathered_bytes=at.gathered,
        overhead_bytes=at.overhead,
        host_bytes=at.host,
        parts=_parts(architecture, workload, setup, stack, at),
    )


def _parts(
    architecture: Architecture, workload: TrainingWorkload, setup: TrainingSetup, stack: Stack, at: Peak
) -> tuple[Part, ...]:
    held = weights(architecture, setup.tp, setup.pp, setup.ep)
    shares_ = shares(setup.sharding, setup.shards)
    over = [f"over {setup.shards} ({setup.sharding})" if share < 1 else "" for share in shares_]
    tokens = setup.micro_batch * workload.sequence_length // setup.cp
    each = state_bytes(workload.precision, workload.optimizer, held.linear / held.total)
    count = f"{held.total / 1e9:,.2f} B parameters"
    if workload.adapters:
        base = workload.base if workload.method == "qlora" else "16-bit"
        weights_ = f"{count}, frozen, {base} {over[0]}"
    else:
        weights_ = f"{count} x {each.weights:g} B {over[0]}"
    working = {
        "weights": weights_,
        "gradients": f"{count} x {each.gradients:g} B {over[1]}",
        "optimizer": f"{count} x {each.master + each.moments:g} B {workload.optimizer} {over[2]}",
        "adapters": f"{trainable(architecture, workload):,} parameters with gradients and states",
        "activations": f"{tokens:,} tokens x {at.activations / max(tokens, 1) / 1024:,.0f} KiB,"
        f" checkpointing {setup.checkpointing}",
        "logits": f"{tokens:,} tokens x {architecture.vocabulary:,} x"
        f" {at.logits / max(tokens, 1) / architecture.vocabulary:.2g} B, {workload.loss} loss",
        "gathered": "layers gathered ahead" if setup.sharding not in ("zero1", "zero2") else "communication buckets",
        "overhead": f"CUDA context and libraries{', NCCL' if setup.devices > 1 else ''}",
    }
    values = at._asdict()
    return tuple(Part(name, values[name], text.rstrip()) for name, text in working.items() if values[name] > 0)


def fits(peak_bytes: float, device: Accelerator, rules: MemoryRules) -> bool:
    """Whether a peak stays within what may be planned to."""
    return peak_bytes <= rules.budget * device.memory_usable_bytes


def gib(value: float) -> str:
    """A figure for workings."""
    return f"{value / GIB:,.1f} GiB"
