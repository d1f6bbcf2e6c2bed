"""The question turned round: not which machine for a model, but which models on a machine, and in which formats."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.format_choice import format_refusal
from estimator.models.formats import WEIGHT_FORMATS
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import node_of
from estimator.scenario.scenario import Placement, Scenario
from estimator.serving.deployment import deploy


class Runnable(NamedTuple):
    """One model in one format on one machine: the scenario that asks for it, and its answer."""

    name: str
    """The model as the scenario names it."""
    weights: str
    scenario: Scenario
    row: Evaluation
    longest_tokens: int | None = None
    """Longest context of a single user; None for a training run."""


def scenario_on(machine: Machine, scenario: Scenario) -> Scenario:
    """The scenario with one machine insisted on: an instance type, or a number of devices of one's own."""
    if machine.kind == "device":
        place = Placement(accelerator=machine.accelerator, count=int(machine.count), machines=1)
        owned = scenario.deployment if scenario.deployment != "cloud" else "local"
        return replace(scenario, placement=place, deployment=owned)
    return replace(scenario, placement=Placement(instance=machine.id, machines=1), deployment="cloud")


def formats_on(machine: Machine, model: Model, scenario: Scenario, inventory: Inventory) -> tuple[str, ...]:
    """Weight formats worth trying for a model on a machine: the upload's own, then those of the engine that answers
    there.
    """
    if scenario.training:
        return (scenario.weights,)
    native = model.native_weights if model.native_weights in WEIGHT_FORMATS else "native"
    try:
        asked = replace(scenario, weights=native)
        engine = deploy(node_of(machine, inventory), model, asked, inventory).engine
    except InputError:
        return (native,)
    ladder = dict.fromkeys((native, *engine.program.weight_ladder))
    return tuple(name for name in ladder if not format_refusal(model, name))


def runs_on(
    machine: Machine, model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices
) -> Iterator[Runnable]:
    """Each format in which the scenario's model answers on one machine of that type; what can not be asked is left out.

    Lengths, load, engine and settings are the scenario's.
    """
    here = scenario_on(machine, scenario)
    for weights in formats_on(machine, model, scenario, inventory):
        asked = replace(here, weights=weights)
        try:
            row = rank(model, asked, inventory, prices, (machine,)).rows[0]
            if row.verdict != "fits":
                continue
            study = Study(candidate=row.candidate, scenario=asked, model=model, inventory=inventory, prices=prices)
            longest = None if scenario.training else study.longest(1)
        except (InputError, IndexError):  # too short a context, no such engine there, no layout
            continue
        yield Runnable(name=scenario.model, weights=weights, scenario=asked, row=row, longest_tokens=longest)
