"""Decoders of transformers where one field is not the default: counted exactly, or refused; never silently otherwise.

The table is made by scripts/count_transformers_changes.py: switches turned, numbers doubled, one layer of another kind.
"""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.hf_config import read
from tests.estimator.models.test_transformers_classes import config_of, language_parameters

TABLE = json.loads((Path(__file__).parents[2] / "data" / "transformers_changes.json").read_text(encoding="utf-8"))
STORED_OTHERWISE = {
    ("MptForCausalLM", "expansion_ratio"),  # transformers takes 4 whatever it says, llm-foundry and vLLM obey
    ("MllamaForCausalLM", "tie_word_embeddings"),  # its table has eight rows more than its head, so they can not be one
    ("Kimi_K25ForConditionalGeneration", "projection_hidden_size"),  # transformers' own width beside the tower's
    ("Kimi_K25ForConditionalGeneration", "hidden_size"),
}


def outcome(class_name: str, model_type: str, section: str, field: str, value: Any, stored: int) -> str:
    config = copy.deepcopy(config_of(class_name, model_type))
    (config[section] if section else config)[field] = value
    try:
        architecture = read(config)
    except InputError:
        return "refused"
    if language_parameters(architecture) == stored:
        return "exact"
    return "named absent" if architecture.tower_missing and architecture.notes else "wrong"


@pytest.mark.parametrize(
    ("class_name", "model_type", "changes"), TABLE["classes"], ids=[row[0] for row in TABLE["classes"]]
)
def test_a_changed_field_is_counted_or_refused(class_name: str, model_type: str, changes: list[list[Any]]) -> None:
    wrong = {
        field for section, field, *rest in changes if outcome(class_name, model_type, section, field, *rest) == "wrong"
    }
    assert {(class_name, field) for field in wrong} == {each for each in STORED_OTHERWISE if each[0] == class_name}


def test_most_changes_are_counted() -> None:
    counts = Counter(
        outcome(class_name, model_type, *change)
        for class_name, model_type, changes in TABLE["classes"]
        for change in changes
    )
    assert counts["exact"] > 20 * counts["refused"], counts
