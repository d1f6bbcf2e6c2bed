"""What a device holds whatever the micro-batch: weights, gradients, states, adapters, layers gathered ahead."""

from typing import NamedTuple

from estimator.layout import TrainingSetup
from estimator.models.formats import weight_format
from estimator.training import heuristic
from estimator.training.run import Run
from estimator.training.states import Shares, StateBytes, shares, state_bytes
from estimator.training.weights import Weights, adapters, weights

FROZEN = {"bf16": 2.0, "bf16-master": 2.0, "bf16-mixed": 6.0, "fp32": 4.0}
"""Bytes per frozen parameter; autocast keeps a 16-bit copy beside fp32 weights."""
GATHERED = 2.0
"""Bytes per parameter of a stage that stays gathered: 16 bits."""


class Resident(NamedTuple):
    """Bytes per device, by part."""

    weights: float = 0.0
    gradients: float = 0.0
    optimizer: float = 0.0
    adapters: float = 0.0
    gathered: float = 0.0
    overhead: float = 0.0
    host: float = 0.0
    """In host memory."""

    @property
    def device(self) -> float:
        return sum(self) - self.host


def resident(run: Run) -> Resident:
    """Of one rank, before the first token."""
    setup = run.setup
    if run.framework.id == heuristic.ID:
        return Resident(**heuristic.parts(run.architecture, run.workload, setup.devices))
    held = weights(run.architecture, setup.tp, setup.pp, setup.ep)
    share = _shares(held, setup)
    kept = _frozen(run, held, share) if run.workload.adapters else _trained(run, held, share)
    several = run.memory_rules.multi_device_bytes if setup.devices > 1 else 0.0
    kept = kept._replace(
        weights=kept.weights + held.vision * FROZEN["bf16"] * share.weights,
        overhead=run.framework.overhead_bytes + several,
    )
    return _offloaded(run, held, share, kept)


def _trained(run: Run, held: Weights, share: Shares) -> Resident:
    """Every parameter with its gradient and states."""
    workload, framework = run.workload, run.framework
    each = state_bytes(workload.precision, workload.optimizer, held.linear / held.total)
    stored = held.total * each.weights
    gradients = held.total * _gradient_bytes(run, each)
    states = held.total * (each.master + each.moments)
    whole = framework.accumulates_whole_gradients and run.setup.accumulation > 1
    kept = gradients * (1.0 if whole else share.gradients)
    divided = gradients - kept + states * (1.0 - share.optimizer)
    if workload.optimizer_in_backward:
        kept -= run.memory_rules.in_backward_saving * max(kept - held.layer * each.gradients, 0.0)
    return Resident(
        weights=stored * share.weights,
        gradients=kept,
        optimizer=states * share.optimizer,
        gathered=_gathered(run, held, stored, share, divided, held.layer * _gradient_bytes(run, each)),
        host=held.total * each.host_moments * share.optimizer,
    )


def _frozen(run: Run, held: Weights, share: Shares) -> Resident:
    """A base without gradients, and the adapters with theirs."""
    workload = run.workload
    stored = frozen_bytes(run, held)
    each = state_bytes(run.framework.adapter_precision, workload.optimizer)
    added = adapters(run.architecture, workload) * each.total / (run.setup.tp * run.setup.pp)
    if workload.train_embeddings:
        added += held.tables * run.memory_rules.embedding_bytes_per_parameter
    return Resident(
        weights=stored * share.weights,
        adapters=added * share.weights,
        gathered=_gathered(run, held, stored, share),
    )


def frozen_bytes(run: Run, held: Weights) -> float:
    """The base under adapters: 16-bit, or quantised matrices beside wider tables."""
    if run.workload.method != "qlora":
        return held.total * FROZEN[run.workload.precision]
    bits = weight_format(run.workload.base).bits
    quantised = held.linear * (bits / 8 + run.framework.quantised_extra_bytes)
    return quantised + held.rest * run.framework.quantised_rest_bytes


def _shares(held: Weights, setup: TrainingSetup) -> Shares:
    """Fractions of what a rank would hold unsharded; experts have fewer ranks left to be sharded over."""
    plain = shares(setup.sharding, setup.shards)
    if setup.ep == 1 or not held.experts:
        return plain
    of_experts = shares(setup.sharding, max(setup.shards // setup.ep, 1))
    part = held.experts / held.total
    return Shares(*(part * expert + (1 - part) * other for expert, other in zip(of_experts, plain, strict=True)))


def _gradient_bytes(run: Run, each: StateBytes) -> float:
    return run.framework.gradient_bytes if each.master else each.gradients


def _gathered(
    run: Run, held: Weights, stored: float, share: Shares, divided: float = 0.0, layer_gradients: float = 0.0
) -> float:
    """Unsharded layers in flight, the gradients of one, and communication buckets; never more than what sharding
    took away (`divided`: of gradients and states)."""
    away = stored * (1.0 - share.weights)
    if not away:
        return min(_bucket(run, held), divided)
    if run.framework.loads_whole_weights:
        return stored
    if run.setup.pp > 1:  # a stage stays gathered, and its gradients unreduced, from its first micro-batch to its last
        layers = held.total / held.layer
        return min(GATHERED * held.total + layers * layer_gradients, away + divided)
    bucket = _bucket(run, held) if run.setup.sharding == "zero3" else 0.0
    return min(2.0 * held.layer * stored / held.total + layer_gradients + bucket, away)


def _bucket(run: Run, held: Weights) -> float:
    rules = run.memory_rules
    return min(rules.bucket_bytes_per_parameter * held.total, rules.bucket_bytes) if run.framework.buckets else 0.0


def _offloaded(run: Run, held: Weights, share: Shares, kept: Resident) -> Resident:
    """States, and with them parameters and gradients, in host memory; the layers in use stay on the device."""
    if run.setup.offload == "none":
        return kept
    kept = kept._replace(optimizer=0.0, host=kept.host + kept.optimizer)
    if run.setup.offload == "optimizer":
        return kept
    in_use = (2.0 * held.layer + held.tables / 2) / held.total * kept.weights / share.weights
    in_use += held.layer / held.total * kept.gradients / share.gradients
    return kept._replace(
        weights=0.0,
        gradients=0.0,
        gathered=min(in_use, kept.weights + kept.gathered),
        host=kept.host + kept.weights + kept.gradients,
    )
