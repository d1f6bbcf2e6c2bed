"""Reading config.json: what a field's absence, null and disagreement mean, and that any mapping ends in one line."""

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read
from estimator.models.hf_config.fields import Fields
from estimator.models.model import read_model
from estimator.models.summary import summary
from tests.estimator.models.test_catalogue_models import ENTRIES

CONFIGS: dict[str, dict[str, Any]] = {}
for _entry in ENTRIES:
    CONFIGS.setdefault(_entry["config"]["architectures"][0], _entry["config"])

LLAMA = CONFIGS["LlamaForCausalLM"]


def changed(config: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**config, **fields}


def without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in names}


def test_an_unknown_class_is_refused_with_three_ways_on() -> None:
    with pytest.raises(UnsupportedArchitecture) as refusal:
        read({"architectures": ["WormholeForCausalLM"]})
    message = str(refusal.value)
    assert "WormholeForCausalLM" in message
    assert all(way in message for way in ("by hand", "safetensors", "YAML"))


def test_either_architectures_or_model_type_names_the_class() -> None:
    by_class, by_type = read(without(LLAMA, "model_type")), read(without(LLAMA, "architectures"))
    assert by_class.class_name == by_type.class_name == "LlamaForCausalLM"
    assert by_class.parameters == by_type.parameters
    with pytest.raises(InputError, match="architectures"):
        read(without(LLAMA, "architectures", "model_type"))


@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(without(LLAMA, field))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("method", "most"),
    [(Fields.factor, 64), (Fields.prediction_modules, 64), (Fields.layers, 2048), (Fields.size, 1 << 26)],
)
def test_numbers_far_beyond_any_model_are_refused_by_their_field(method: Callable[..., int], most: int) -> None:
    assert method(Fields({"n": most}), "n") == most
    for wrong in (most + 1, -1, 1.5, True, "2"):
        with pytest.raises(InputError, match="n"):
            method(Fields({"n": wrong}), "n")
    assert Fields({}).prediction_modules() == 0
    assert Fields({"num_nextn_predict_layers": 3}).prediction_modules() == 3


def test_heads_that_do_not_divide_list_the_legal_counts() -> None:
    with pytest.raises(InputError, match="7 does not divide 32 query heads; legal: 1, 2, 4, 8, 16, 32"):
        read(changed(LLAMA, num_attention_heads=32, num_key_value_heads=7))


def test_a_direct_query_projection_is_null_not_absent() -> None:
    lite = next(entry["config"] for entry in ENTRIES if entry["id"] == "deepseek-ai/DeepSeek-V2-Lite")
    assert read(lite).text_parameters == 15_706_484_224
    with pytest.raises(InputError, match="q_lora_rank"):
        read(without(lite, "q_lora_rank"))


def test_key_value_heads_mean_nothing_under_latent_attention() -> None:
    config = CONFIGS["DeepseekV3ForCausalLM"]
    assert read(changed(config, num_key_value_heads=1)).cache_elements(1) == 61 * 576


def test_a_window_that_is_switched_off_is_no_window() -> None:
    config = changed(CONFIGS["Qwen2ForCausalLM"], sliding_window=4096, use_sliding_window=False)
    assert read(config).cache_elements(8192) == 2 * read(config).cache_elements(4096)


def test_a_layer_list_shorter_than_the_count_is_an_error_and_a_longer_one_describes_mtp() -> None:
    config = CONFIGS["GptOssForCausalLM"]
    with pytest.raises(InputError, match="layer_types"):
        read(changed(config, layer_types=config["layer_types"][:-1]))
    longer = changed(config, layer_types=[*config["layer_types"], "full_attention"])
    assert read(longer).text_parameters == read(config).text_parameters


def test_a_part_that_is_not_modelled_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="qk_layernorm"):
        read(changed(CONFIGS["PhiForCausalLM"], qk_layernorm=True))


def test_a_dense_class_takes_no_experts_and_only_none() -> None:
    minicpm = changed(LLAMA, architectures=["MiniCPMForCausalLM"], model_type="minicpm")
    assert read(changed(minicpm, num_experts=0)).parameters == read(minicpm).parameters
    for experts in (1, 8):
        with pytest.raises(InputError, match="num_experts"):
            read(changed(minicpm, num_experts=experts))


def test_a_tower_that_is_not_described_is_absent_not_zero() -> None:
    config = without(CONFIGS["Gemma3ForConditionalGeneration"], "vision_config")
    model = read_model("x", {"config": config})
    assert summary(model).parameters.vision is None
    assert model.architecture.notes


@pytest.mark.parametrize("class_name", sorted(CONFIGS))
def test_field_order_and_json_types_do_not_matter(class_name: str) -> None:
    config = CONFIGS[class_name]
    turned = json.loads(json.dumps(dict(reversed(config.items()))))
    assert read(turned).parameters == read(config).parameters


NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**26, 2**63, 10**400, -(10**400), 1e30, -0.5, math.nan, math.inf, 4096.0]),
    st.sampled_from(["", "[red]x[/red]", "\x1b[31m", "a" * 5000, "\u202e", "full_attention"]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=8)), max_size=4),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=3),
    st.just([0] * 100_000),
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"text_config": value}
    return value


def outcome(config: Any) -> None:
    """An architecture with finite figures, or one printable line."""
    try:
        model = read_model("x", {"config": config})
    except InputError as error:
        line = str(error)
        assert line.isprintable()
        assert len(line) < 1000
    else:
        assert isinstance(model.architecture, Architecture)
        figures = summary(model).parameters
        assert 0 <= figures.active <= figures.text <= figures.total
        assert math.isfinite(model.architecture.cache_elements(4096))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_to_a_known_configuration_ends_in_an_architecture_or_one_line(data: st.DataObject) -> None:
    config = copy.deepcopy(CONFIGS[data.draw(st.sampled_from(sorted(CONFIGS)))])
    places = [config, *(value for value in config.values() if isinstance(value, dict))]
    place = data.draw(st.sampled_from(places))
    for name in data.draw(st.lists(st.sampled_from(sorted(place)), min_size=1, max_size=3)):
        place[name] = data.draw(NASTY)
    outcome(config)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=20), NASTY, max_size=6))
def test_any_mapping_ends_in_one_line(config: dict[str, Any]) -> None:
    outcome(config)
    outcome({**config, "architectures": ["LlamaForCausalLM"]})


@pytest.mark.parametrize("config", [[], "text", 7, None, nested(500), {"architectures": "x" * 10**7}])
def test_what_is_no_configuration_is_refused(config: Any) -> None:
    outcome(config)


METHODS = ["fp8", "modelopt", "compressed-tensors", "awq", "gptq", "bitsandbytes", "mxfp4", "auto-round"]
QUANTISED_FIELDS = {
    "weight_block_size": [128, 128],
    "bits": 4,
    "group_size": 128,
    "load_in_4bit": True,
    "quant_algo": "NVFP4",
    "ignore": ["lm_head", "re:.*self_attn.*", "model.layers.0.*"],
    "modules_to_not_convert": ["gate"],
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float"}}},
    "quantized_layers": {"model.layers.0.mlp.up_proj": {"quant_algo": "FP8"}},
}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_quantization_config_ends_in_a_format_or_one_line(data: st.DataObject) -> None:
    fields: dict[str, Any] = copy.deepcopy(QUANTISED_FIELDS)
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=4)):
        fields[name] = data.draw(NASTY)
    fields["quant_method"] = data.draw(st.sampled_from(METHODS))
    outcome(changed(CONFIGS["MixtralForCausalLM"], quantization_config=fields))


@pytest.mark.parametrize("pattern", ["re:(a+)+$", "re:" + "(.*)*" * 20, "re:.*.*.*.*.*x", "re:(", "re:" + "a" * 1000])
def test_patterns_that_could_run_forever_are_refused(pattern: str) -> None:
    fields = {"quant_method": "fp8", "modules_to_not_convert": [pattern]}
    with pytest.raises(InputError, match="pattern"):
        read_model("x", {"config": changed(LLAMA, quantization_config=fields)}).weights("native")


@pytest.mark.parametrize(
    ("class_name", "field"),
    [
        ("Qwen3ForCausalLM", "head_dim"),
        ("GemmaForCausalLM", "head_dim"),
        ("MistralForCausalLM", "num_key_value_heads"),
        ("DeepseekV3ForCausalLM", "n_shared_experts"),
        ("DeepseekV3ForCausalLM", "first_k_dense_replace"),
        ("Gemma2ForCausalLM", "sliding_window"),
        ("MixtralForCausalLM", "num_experts_per_tok"),
        ("GptOssForCausalLM", "sliding_window"),
        ("PhiMoEForCausalLM", "attention_bias"),
    ],
)
def test_what_classes_default_differently_is_required(class_name: str, field: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(without(CONFIGS[class_name], field))
    assert refusal.value.field == field


@pytest.mark.parametrize("section", ["text_config", "llm_config", "language_config"])
def test_the_language_model_is_found_in_its_section(section: str) -> None:
    outer = {"architectures": ["InternVLChatModel"], section: CONFIGS["Qwen2ForCausalLM"]}
    assert read(outer).text_parameters == read(CONFIGS["Qwen2ForCausalLM"]).text_parameters


def test_an_omni_model_is_its_thinker() -> None:
    thinker = {"text_config": CONFIGS["Qwen2ForCausalLM"]}
    omni = read({"architectures": ["Qwen2_5OmniModel"], "thinker_config": thinker, "talker_config": {"vocab_size": 7}})
    assert omni.text_parameters == read(CONFIGS["Qwen2ForCausalLM"]).text_parameters


def test_a_tied_head_may_be_told_at_the_outer_level_only() -> None:
    inner = without(CONFIGS["Qwen3VLForConditionalGeneration"]["text_config"], "tie_word_embeddings")
    config = changed(CONFIGS["Qwen3VLForConditionalGeneration"], text_config=inner)
    assert read(changed(config, tie_word_embeddings=True)).tied
    assert not read(changed(config, tie_word_embeddings=False)).tied
