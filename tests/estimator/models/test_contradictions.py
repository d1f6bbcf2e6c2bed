"""Configurations that contradict themselves are refused by the field, never counted one way or the other."""

import math
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.hf_config import read
from tests.estimator.models.test_hf_config import CONFIGS, LLAMA, changed, without

KINDS = CONFIGS["GptOssForCausalLM"]["layer_types"]
FIRST = len(KINDS)


def refusal_of(config: dict[str, Any]) -> str:
    with pytest.raises(InputError) as refusal:
        read(config)
    return refusal.value.field


@pytest.mark.parametrize(
    ("class_name", "field", "changes"),
    [
        ("GptOssForCausalLM", "layer_types", {"num_hidden_layers": FIRST // 2}),
        ("GptOssForCausalLM", "layer_types", {"num_hidden_layers": FIRST - 2}),
        ("Qwen3NextForCausalLM", "linear_num_key_heads", {"linear_num_key_heads": 5}),
        ("DeepseekV3ForCausalLM", "first_k_dense_replace", {"first_k_dense_replace": 62}),
        ("JambaForCausalLM", "attn_layer_offset", {"attn_layer_period": 4, "attn_layer_offset": 4}),
        ("JambaForCausalLM", "expert_layer_offset", {"expert_layer_period": 2, "expert_layer_offset": 7}),
        ("GraniteMoeHybridForCausalLM", "mamba_n_heads", {"mamba_expand": 3}),
        ("GraniteMoeHybridForCausalLM", "mamba_n_heads", {"mamba_d_head": 48}),
        ("GraniteMoeHybridForCausalLM", "mamba_n_groups", {"mamba_n_groups": 7}),
        ("Qwen3MoeForCausalLM", "mlp_only_layers", {"mlp_only_layers": [1000]}),
        ("DeciLMForCausalLM", "attention_bias", {"attention_bias": True}),
        ("DeciLMForCausalLM", "mlp_bias", {"mlp_bias": True}),
        ("GlmMoeDsaForCausalLM", "q_lora_rank", {"q_lora_rank": None}),
        ("DeepseekV32ForCausalLM", "q_lora_rank", {"q_lora_rank": None}),
        ("LlamaForCausalLM", "torch_dtype", {"torch_dtype": "float64"}),
        ("LlamaForCausalLM", "torch_dtype", {"torch_dtype": "int8"}),
        ("LlamaForCausalLM", "dtype", {"dtype": "float8_e4m3fn"}),
        ("NemotronHForCausalLM", "mamba_ssm_cache_dtype", {"mamba_ssm_cache_dtype": "float64"}),
    ],
)
def test_a_contradiction_is_refused_by_its_field(class_name: str, field: str, changes: dict[str, Any]) -> None:
    config = CONFIGS[class_name]
    read(config)
    plain = without(config, "torch_dtype", "dtype") if field.endswith("dtype") else config
    assert refusal_of(changed(plain, **changes)) == field


def test_cross_attention_in_a_layer_that_is_not_there_is_refused() -> None:
    config = CONFIGS["MllamaForConditionalGeneration"]
    for places in ([3, 3, 8], [3, 1000]):
        text = changed(config["text_config"], cross_attention_layers=places)
        assert refusal_of(changed(config, text_config=text)) == "text_config.cross_attention_layers"


def test_a_list_may_describe_as_many_prediction_modules_as_are_stated() -> None:
    config = CONFIGS["GptOssForCausalLM"]
    longer = [*config["layer_types"], *["full_attention"] * 3]
    assert read(changed(config, layer_types=longer, num_nextn_predict_layers=3)).layers == FIRST
    assert refusal_of(changed(config, layer_types=longer)) == "layer_types"


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_none_is_refused_where_it_matters_and_read_past_where_it_does_not(value: float) -> None:
    """transformers writes bare Infinity and NaN."""
    assert read(changed(LLAMA, some_limit=[0.0, value], beta=value)).parameters == read(LLAMA).parameters
    for field in ("hidden_size", "num_hidden_layers", "max_position_embeddings"):
        assert refusal_of(changed(LLAMA, **{field: value})) == field


def test_architectures_may_be_one_text() -> None:
    assert read(changed(LLAMA, architectures="LlamaForCausalLM")).parameters == read(LLAMA).parameters


@pytest.mark.parametrize("outer", [{"architectures": ["LlamaForCausalLM"]}, {"model_type": "llama"}, {}])
def test_a_language_model_alone_in_its_section_is_that_language_model(outer: dict[str, Any]) -> None:
    inner = changed(without(LLAMA, "architectures"), model_type="llama")
    assert read({**outer, "text_config": inner}).parameters == read(LLAMA).parameters


def test_what_is_null_is_shown_as_json_writes_it() -> None:
    with pytest.raises(InputError, match="q_lora_rank: null: the indexer"):
        read(changed(CONFIGS["GlmMoeDsaForCausalLM"], q_lora_rank=None))
