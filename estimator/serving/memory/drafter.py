"""What a drafter keeps beside the model that verifies: weights on the ranks that sample, layers in the same cache."""

from estimator.models.architecture import Architecture
from estimator.models.model import Model
from estimator.results import Part
from estimator.serving.memory.weights import Sharding, stage_weights


def drafter_architecture(model: Model, drafts: int) -> Architecture | None:
    """The layers that cache beside the model's where tokens are drafted; None where nothing but its own do."""
    drafter = _running(model, drafts)
    return drafter.architecture if drafter else None


def drafter_weights(model: Model, drafts: int, sharding: Sharding) -> tuple[Part, ...]:
    """Bytes of a drafter on one rank of the last stage, which samples; ranks divide it like the model."""
    drafter = _running(model, drafts)
    if drafter is None:
        return ()
    ranks = Sharding(sharding.tensor, sharding.expert, sharding.expert_groups)
    parts = stage_weights(drafter.architecture, drafter.checkpoint, ranks, drafter.tower_parameters)[0].weights
    return (Part(f"drafter, {drafter.checkpoint.bits:.3g}-bit", sum(part.value for part in parts)),)


def _running(model: Model, drafts: int) -> Model | None:
    return model.draft_model if drafts else None
