"""Memory of a training rank whatever the micro-batch: weights, gradients, states, adapters, layers gathered ahead."""

from typing import NamedTuple

from estimator.layout import TrainingSetup
from estimator.models.formats import weight_format
from estimator.training import heuristic
from estimator.training.run import Run
from estimator.training.states import ShardFractions, StateBytes, shard_fractions, state_bytes
from estimator.training.weights import RankParameters, count_adapters, rank_parameters

FROZEN_BYTES = {"bf16": 2.0, "bf16-master": 2.0, "bf16-mixed": 6.0, "fp32": 4.0}
"""Bytes per frozen parameter; autocast keeps a 16-bit copy beside fp32 weights."""
GATHERED_BYTES = 2.0
"""Bytes per parameter of a pipeline stage that stays gathered: 16-bit copies."""


class ResidentMemory(NamedTuple):
    """Memory on one training device that does not depend on the micro-batch, by purpose [bytes]."""

    weights_bytes: float = 0.0
    gradients_bytes: float = 0.0
    optimizer_bytes: float = 0.0
    """Moments and fp32 master weights."""
    copies_bytes: float = 0.0
    """Copies of the weights that are there only while the optimizer steps."""
    adapters_bytes: float = 0.0
    """Adapters with their gradients and states."""
    gathered_bytes: float = 0.0
    """Unsharded layers in flight and communication buckets."""
    overhead_bytes: float = 0.0
    host_bytes: float = 0.0
    """In host memory, for this device."""

    @property
    def device_bytes(self) -> float:
        """Sum of all resident memory that lies on the device [bytes]."""
        return sum(self) - self.host_bytes


def resident_memory(run: Run) -> ResidentMemory:
    """Memory of one training rank before the first token."""
    setup = run.setup
    if run.framework.memory_model == "rule-of-thumb":
        return ResidentMemory(**heuristic.parts(run.architecture, run.workload, setup.devices))
    parameters = rank_parameters(run.architecture, setup.tp, setup.pp, setup.ep)
    fractions = _fractions(parameters, setup)
    if run.workload.adapters:
        memory = _frozen_base(run, parameters, fractions)
    else:
        memory = _all_trained(run, parameters, fractions)
    communication = run.memory_rules.multi_device_bytes if setup.devices > 1 else 0.0
    memory = memory._replace(
        weights_bytes=memory.weights_bytes + parameters.vision * FROZEN_BYTES["bf16"] * fractions.weights,
        overhead_bytes=run.framework.overhead_bytes + communication,
    )
    return _offloaded(run, parameters, fractions, memory)


def _all_trained(run: Run, parameters: RankParameters, fractions: ShardFractions) -> ResidentMemory:
    """Every parameter with its gradient and states."""
    workload, framework = run.workload, run.framework
    state = state_bytes(run.precision, workload.optimizer, parameters.linear / parameters.total)
    stored = parameters.total * state.weights
    all_gradients = parameters.total * _gradient_bytes(run, state)
    in_place = run.setup.sharding.startswith("zero") and framework.zero_precision is not None  # DeepSpeed's fused Adam
    copies = 0.0 if in_place else parameters.total * state.weights * framework.step_copies
    states = parameters.total * (state.master + state.moments)
    unsharded = framework.accumulates_whole_gradients and run.setup.accumulation > 1
    gradients = all_gradients * (1.0 if unsharded else fractions.gradients)
    sharded_away = all_gradients - gradients + states * (1.0 - fractions.optimizer)
    if workload.optimizer_in_backward:
        beyond_a_layer = max(gradients - parameters.largest_layer * state.gradients, 0.0)
        gradients -= run.memory_rules.in_backward_saving * beyond_a_layer
    layer_gradients = parameters.largest_layer * _gradient_bytes(run, state)
    return ResidentMemory(
        weights_bytes=stored * fractions.weights,
        gradients_bytes=gradients,
        optimizer_bytes=states * fractions.optimizer,
        copies_bytes=copies * fractions.optimizer,
        gathered_bytes=_gathered_bytes(run, parameters, stored, fractions, sharded_away, layer_gradients),
        host_bytes=parameters.total * state.host_moments * fractions.optimizer,
    )


def _frozen_base(run: Run, parameters: RankParameters, fractions: ShardFractions) -> ResidentMemory:
    """A base without gradients, and the adapters with theirs."""
    workload = run.workload
    stored = frozen_base_bytes(run, parameters)
    state = state_bytes(run.framework.adapter_precision, workload.optimizer)
    adapters = count_adapters(run.architecture, workload) * state.total / (run.setup.tp * run.setup.pp)
    if workload.train_embeddings:
        adapters += parameters.tables * run.memory_rules.embedding_bytes_per_parameter
    return ResidentMemory(
        weights_bytes=stored * fractions.weights,
        adapters_bytes=adapters * fractions.weights,
        gathered_bytes=_gathered_bytes(run, parameters, stored, fractions),
    )


def _adapter_states(run: Run) -> float:
    """Share of the adapters' bytes that only the optimizer's step needs: master copies and moments."""
    state = state_bytes(run.framework.adapter_precision, run.workload.optimizer)
    return (state.master + state.moments) / state.total


def frozen_base_bytes(run: Run, parameters: RankParameters) -> float:
    """Bytes of the base under adapters on one rank: 16-bit, or quantised matrices beside wider tables."""
    if run.workload.method != "qlora":
        return parameters.total * FROZEN_BYTES[run.precision]
    bits = weight_format(run.workload.base).bits
    quantised = parameters.linear * (bits / 8 + run.framework.quantised_extra_bytes)
    return quantised + parameters.rest * run.framework.quantised_rest_bytes


def _fractions(parameters: RankParameters, setup: TrainingSetup) -> ShardFractions:
    """Fractions of what a rank would hold unsharded; experts have fewer ranks left to be sharded over."""
    dense = shard_fractions(setup.sharding, setup.shards)
    if setup.ep == 1 or not parameters.experts:
        return dense
    of_experts = shard_fractions(setup.sharding, max(setup.shards // setup.ep, 1))
    part = parameters.experts / parameters.total
    mixed = (part * expert + (1 - part) * other for expert, other in zip(of_experts, dense, strict=True))
    return ShardFractions(*mixed)


def _gradient_bytes(run: Run, state: StateBytes) -> float:
    return run.framework.gradient_bytes if state.master else state.gradients


def _gathered_bytes(
    run: Run,
    parameters: RankParameters,
    stored_bytes: float,
    fractions: ShardFractions,
    sharded_away_bytes: float = 0.0,
    layer_gradient_bytes: float = 0.0,
) -> float:
    """Unsharded layers in flight, the gradients of one, and communication buckets.

    Never more than what sharding took away; `sharded_away_bytes` counts gradients and states.
    """
    weights_away = stored_bytes * (1.0 - fractions.weights)
    if not weights_away:
        return min(_bucket_bytes(run, parameters), sharded_away_bytes)
    if run.framework.loads_whole_weights or (run.framework.loads_whole_frozen and run.workload.adapters):
        return stored_bytes
    if run.setup.pp > 1:  # a stage stays gathered, and its gradients unreduced, from its first micro-batch to its last
        layers = parameters.total / parameters.largest_layer
        stage = GATHERED_BYTES * parameters.total + layers * layer_gradient_bytes
        return min(stage, weights_away + sharded_away_bytes)
    bucket = _bucket_bytes(run, parameters) if run.setup.sharding == "zero3" else 0.0
    layers = 2.0 * parameters.largest_layer * stored_bytes / parameters.total
    tables = GATHERED_BYTES * parameters.tables * (1.0 - fractions.weights) if run.framework.gathers_tables else 0.0
    return min(layers + layer_gradient_bytes + bucket + tables, weights_away)


def _bucket_bytes(run: Run, parameters: RankParameters) -> float:
    rules = run.memory_rules
    if not run.framework.buckets:
        return 0.0
    return min(rules.bucket_bytes_per_parameter * parameters.total, rules.bucket_bytes)


def _offloaded(
    run: Run, parameters: RankParameters, fractions: ShardFractions, memory: ResidentMemory
) -> ResidentMemory:
    """States, and with them parameters, gradients and adapters, in host memory; the layers in use stay behind."""
    if run.setup.offload == "none":
        return memory
    of_adapters = memory.adapters_bytes * _adapter_states(run)
    stepping_bytes = memory.optimizer_bytes + memory.copies_bytes + of_adapters
    memory = memory._replace(
        optimizer_bytes=0.0,
        copies_bytes=0.0,
        adapters_bytes=memory.adapters_bytes - of_adapters,
        host_bytes=memory.host_bytes + stepping_bytes,
    )
    if run.setup.offload == "optimizer":
        return memory
    layers = 2.0 * parameters.largest_layer + parameters.tables / 2
    in_use = layers / parameters.total * memory.weights_bytes / fractions.weights
    in_use += parameters.largest_layer / parameters.total * memory.gradients_bytes / fractions.gradients
    return memory._replace(
        weights_bytes=0.0,
        gradients_bytes=0.0,
        adapters_bytes=0.0,
        gathered_bytes=min(in_use, memory.weights_bytes + memory.gathered_bytes),
        host_bytes=memory.host_bytes + memory.weights_bytes + memory.gradients_bytes + memory.adapters_bytes,
    )
