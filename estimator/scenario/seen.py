"""The scenario as a model answers it: images as tokens, drafts with what is known to be accepted of them."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from estimator.errors import InputError
from estimator.scenario.media import with_media
from estimator.scenario.scenario import Scenario

if TYPE_CHECKING:
    from estimator.models.model import Model
    from estimator.scenario.inventory import Inventory


def seen_by(model: "Model", scenario: Scenario, inventory: "Inventory") -> Scenario:
    """The scenario with all that hangs on the model and its drafter filled in.

    Raises InputError where the model takes no such input, and where nothing is known of what a step of that drafter
    yields.
    """
    scenario = with_media(scenario, model)
    workload = scenario.workload
    if not workload.draft_tokens or workload.accepted_tokens is not None:
        return scenario
    drafter = drafter_kind(model)
    known = inventory.efficiency.accepted.get(drafter)
    if known is None:
        named = workload.draft_model or "its drafter"
        raise InputError("accepted_tokens", f"say how many tokens a step of {named} yields: nothing is measured of it")
    accepted = typical_tokens(known, workload.draft_tokens)
    return replace(scenario, workload=replace(workload, accepted_tokens=accepted))


def drafter_kind(model: "Model") -> str:
    """The kind of what drafts for a model: its own prediction modules (mtp), a head that was trained for it (eagle), an
    assistant over its cache, or its drafter's method.
    """
    if model.draft_model and model.draft_model.architecture.drafts == "borrowed":
        return "assistant"
    if model.drafter:
        return model.drafter.method
    return "mtp" if model.architecture.mtp else "eagle"


def typical_tokens(known: Mapping[int, float], drafts: int) -> float:
    """Tokens that a step of so many drafts yields, the verified one included: measured, between two measured numbers of
    drafts, or as many as beyond the last of them.
    """
    points = [(0, 1.0), *sorted(known.items())]
    for (fewer, low), (more, high) in pairwise(points):
        if drafts <= more:
            return low + (high - low) * (drafts - fewer) / (more - fewer)
    return points[-1][1]
