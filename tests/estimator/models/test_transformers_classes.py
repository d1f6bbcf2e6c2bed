"""Every language class of transformers by its default configuration: counted exactly, or refused or named by name.

The table is made by scripts/count_transformers_classes.py, which builds each class without memory and counts what its
checkpoint would store.
"""

import copy
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read
from tests.estimator.models.test_hf_config import NASTY
from tests.estimator.models.test_hf_config import outcome as reading_outcome

TABLE = json.loads((Path(__file__).parents[2] / "data" / "transformers_classes.json").read_text(encoding="utf-8"))
CONFIGS: dict[str, dict[str, Any]] = dict(TABLE["configs"])
STORED_OTHERWISE = {
    # builds 768 gates for 512 experts; the upload of 561,862,880,256 parameters stores none for the empty ones
    "LongcatFlashForCausalLM",
    "LongcatFlashModel",
}


def config_of(class_name: str, model_type: str) -> dict[str, Any]:
    return {**CONFIGS[model_type], "architectures": [class_name], "model_type": model_type}


def language_parameters(architecture: Architecture) -> int:
    """transformers builds no multi-token-prediction modules."""
    return architecture.parameters - sum(tensor.parameters for tensor in architecture.mtp)


def outcome(class_name: str, model_type: str, stored: int, language: int | None) -> str:
    try:
        architecture = read(config_of(class_name, model_type))
    except UnsupportedArchitecture:
        return "unsupported"
    except InputError:
        return "refused"
    if language_parameters(architecture) == stored:
        return "exact"
    if architecture.tower_missing and architecture.notes:
        return "wrong" if language and architecture.text_parameters != language else "named absent"
    return "wrong"


@cache
def outcomes() -> dict[str, str]:
    return {name: outcome(name, *counts) for name, *counts in TABLE["classes"]}


def test_no_class_is_silently_miscounted() -> None:
    assert {name for name, what in outcomes().items() if what == "wrong"} == STORED_OTHERWISE


def test_most_classes_of_the_newest_transformers_are_counted_exactly() -> None:
    counts = Counter(outcomes().values())
    assert counts["exact"] >= EXACT, counts
    assert counts["refused"] <= REFUSED, counts


EXACT, REFUSED = 619, 9
"""As counted when the table was made; a reader that is added raises the first."""


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_to_a_default_configuration_ends_in_an_architecture_or_one_line(data: st.DataObject) -> None:
    class_name, model_type, *_ = data.draw(st.sampled_from(TABLE["classes"]))
    config = copy.deepcopy(config_of(class_name, model_type))
    sections = [config, *(value for value in config.values() if isinstance(value, dict) and value)]
    section = data.draw(st.sampled_from(sections))
    for field in data.draw(st.lists(st.sampled_from(sorted(section)), min_size=1, max_size=3)):
        section[field] = data.draw(NASTY)
    reading_outcome(config)
