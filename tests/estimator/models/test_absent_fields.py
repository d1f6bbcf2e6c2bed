"""A field that a default configuration of transformers leaves out means its class's own value: nothing else changes."""

import copy
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read
from tests.estimator.models.test_transformers_classes import TABLE, config_of, outcomes

COUNTED = {model_type: name for name, model_type, *_ in reversed(TABLE["classes"]) if outcomes()[name] == "exact"}
NO_LIMIT = {"max_position_embeddings", "max_seq_len", "model_max_length", "n_positions"}
"""Absent, they are shown as no limit of the context rather than taken for the class's."""
OUTER_RULES = "tie_word_embeddings"
"""Absent in a wrapper, the language model's own rules, as in uploads; transformers 4 and 5 default differently."""
FLAT_ONCE = "rope_parameters"
"""Uploads that have none say what it holds in fields beside it, or the other kinds of layers take the usual."""
MODULES = "num_nextn_predict_layers"
"""Uploads that do not say it store no modules for several tokens, whatever the class has."""
OTHER_INSIDE = {"lighton_ocr", "mistral3", "paligemma", "voxtral"}
"""Wrappers whose default text is another than that text's class has."""
OTHER_TOWER = {
    ("llava_onevision", "vision_config", "vision_use_head"),  # the wrapper's own has no head, its tower's class has one
    ("llama4", "vision_config", "vision_output_dim"),  # the published model that leaves it out stores 4,096
}
MEANS_ANOTHER = {
    ("hrm_text", "", "num_layers_per_stack"),  # without it, num_hidden_layers counts one stack and not every pass
}
"""Fields whose absence gives another field another meaning."""


def stated(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Section ("" is the outermost) and field of all that a configuration says of the model's shape."""
    sections = [("", config), *((name, each) for name, each in config.items() if name.endswith("_config"))]
    for section, each in sections:
        for field in each or ():
            if field not in {"architectures", "model_type", FLAT_ONCE, MODULES, *NO_LIMIT}:
                yield section, field


def moved(before: Architecture, after: Architecture) -> set[str]:
    """Names of what differs between two architectures, remarks aside."""
    names = {each.name for each in fields(before)} - {"notes"}
    return {name for name in names if getattr(before, name) != getattr(after, name)}


@pytest.mark.parametrize("model_type", sorted(COUNTED))
def test_an_absent_field_means_its_class_default_or_is_named(model_type: str) -> None:
    config = config_of(COUNTED[model_type], model_type)
    expected = read(config)
    for section, field in stated(config):
        other = model_type in OTHER_INSIDE and section == "text_config"
        outer = field == OUTER_RULES and "text_config" in config
        if other or outer or (model_type, section, field) in OTHER_TOWER | MEANS_ANOTHER:
            continue
        without = copy.deepcopy(config)
        del (without[section] if section else without)[field]
        try:
            answer = read(without)
        except InputError:
            continue  # named
        tower = {"vision_parameters", "tower_missing", "tower_pass", "tower_size", "image_rule"}
        named = tower if answer.tower_missing else set()
        assert not moved(expected, answer) - named, (section, field)


def test_an_absent_section_of_a_tower_is_named_and_leaves_the_language_model_alone() -> None:
    without = [
        (config, section)
        for model_type, name in COUNTED.items()
        for section in ("vision_config", "audio_config")
        if (config := config_of(name, model_type)).get(section) and read(config).vision_parameters
    ]
    assert len(without) > 25
    for config, section in without:
        answer = read({name: value for name, value in config.items() if name != section})
        assert answer.tower_missing, section
        assert answer.text_parameters == read(config).text_parameters, section
        assert answer.notes
