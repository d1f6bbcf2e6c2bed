"""Presets fill the workload and leave the rest alone."""

from dataclasses import replace

import pytest

from estimator.checks import check
from estimator.errors import InputError
from estimator.scenario.presets import PRESETS, Preset, preset
from estimator.scenario.scenario import Scenario


@pytest.mark.parametrize("each", PRESETS, ids=[each.name for each in PRESETS])
def test_a_preset_is_valid_and_knows_itself(each: Preset) -> None:
    scenario = each.applied_to(Scenario(weights="int4-awq", region="eu-west-1"))
    check(scenario.workload)
    check(scenario.service_level)
    assert (scenario.weights, scenario.region) == ("int4-awq", "eu-west-1")
    assert [other.name for other in PRESETS if other.describes(scenario)] == [each.name]
    assert not each.describes(replace(scenario, workload=replace(scenario.workload, concurrency=7)))


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"preset: no preset 'chat'; one of chatbot, rag, "):
        preset("chat")
