"""A scenario said by keyword, whichever of its parts a field belongs to."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from estimator.checks import rules
from estimator.errors import InputError, close_names
from estimator.scenario.presets import preset
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import Ownership, ServiceLevel, ServingWorkload

PARTS: Mapping[str, Any] = {
    "": Scenario,
    "workload": ServingWorkload,
    "service_level": ServiceLevel,
    "settings": EngineSettings,
    "placement": Placement,
    "ownership": Ownership,
    "training": TrainingWorkload,
}
"""The parts of a scenario by the field that holds each; the scenario's own fields under an empty name."""


@cache
def part_of() -> Mapping[str, str]:
    """The part of a scenario that each field belongs to, by the field's name."""
    return {field.name: part for part, record in PARTS.items() for field in fields(record) if field.name not in PARTS}


def with_keywords(scenario: Scenario, **keywords: object) -> Scenario:
    """The scenario with the given fields in their places: `with_keywords(s, concurrency=32, instance="g6e.xlarge")`.

    Names are those of the fields of Scenario, ServingWorkload, ServiceLevel, EngineSettings, Placement, Ownership and
    TrainingWorkload; a part itself may be given whole (`workload=ServingWorkload(...)`), and is changed by the fields
    beside it. `preset="chatbot"` fills workload and service level first. A training field makes it a training run.
    Raises InputError for a field that does not exist, with near names, and for a value that its field does not take.
    """
    if "preset" in keywords:
        scenario = preset(str(keywords.pop("preset"))).applied_to(scenario)
    for part in PARTS.keys() & keywords.keys():
        whole: Any = {part: keywords.pop(part)}
        scenario = replace(scenario, **whole)
    for name, value in keywords.items():
        scenario = _with_field(scenario, name, value)
    return scenario


def _with_field(scenario: Scenario, name: str, value: object) -> Scenario:
    part = part_of().get(name)
    if part is None:
        raise InputError(name, "no such field of a scenario", close_names(name, part_of()))
    owner: Any = getattr(scenario, part) if part else scenario
    if not is_dataclass(owner):
        owner = PARTS[part]()  # the first field of a training run
    rule = rules(PARTS[part]).get(name)
    complaint = rule.complaint(value) if rule else None
    if complaint:
        raise InputError(name, complaint)
    changed: Any = {name: value}
    if not part:
        return replace(scenario, **changed)
    whole: Any = {part: replace(owner, **changed)}
    return replace(scenario, **whole)
