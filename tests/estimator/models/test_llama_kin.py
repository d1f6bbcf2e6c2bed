"""Llama's kin by other makers: counted by hand from their published dimensions."""

from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.hf_config import read

LLAMA = {
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 6,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "vocab_size": 32_000,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
MATRICES = 6 * (2 * 1024 * 1024 + 2 * 256 * 1024 + 3 * 1024 * 2816) + 2 * 32_000 * 1024
NORMS = (2 * 6 + 1) * 1024


def parameters(class_name: str, **fields: Any) -> int:
    return read({**LLAMA, **fields, "architectures": [class_name]}).text_parameters


@pytest.mark.parametrize(
    "class_name", ["IQuestCoderForCausalLM", "TeleChat3ForCausalLM", "TeleFLMForCausalLM", "SolarForCausalLM"]
)
def test_some_are_llama_to_the_last_tensor(class_name: str) -> None:
    assert parameters(class_name) == MATRICES + NORMS


def test_telechat2_has_biases_behind_each_half_and_a_key_head_for_every_query() -> None:
    """TeleChat2-35B: 64 layers of width 6144, 48 heads, 20,480 wide, 131,072 tokens."""
    config = {
        "architectures": ["TeleChat2ForCausalLM"], "hidden_size": 6144, "n_layer": 64, "n_head": 48,
        "ffn_hidden_size": 20_480, "vocab_size": 131_072, "tie_word_embeddings": False,
    }  # fmt: skip
    layer = 4 * 6144**2 + 3 * 6144 * 20_480 + 4 * 6144
    assert read(config).text_parameters == 64 * layer + 2 * 131_072 * 6144 + 6144
    assert read({**config, "num_key_value_heads": 8}).cache_elements(1) == 64 * 2 * 8 * 128


@pytest.mark.parametrize(
    ("flags", "biases"),
    [
        ({"bias": True}, 2 * 1024 + 2 * 256),
        ({"attention_bias": True}, 2 * 1024 + 2 * 256),
        ({"bias": True, "qkv_bias": False}, 1024),
        ({}, 0),
    ],
)
def test_open_pangu_has_biases_where_its_flags_say(flags: dict[str, bool], biases: int) -> None:
    assert parameters("PanguEmbeddedForCausalLM", **flags) == MATRICES + NORMS + 6 * biases


def test_sarvam_counts_as_the_second_ling_with_what_it_asks_for() -> None:
    experts = {"num_experts": 16, "num_experts_per_tok": 2, "moe_intermediate_size": 64, "num_shared_experts": 1}
    asked = {"use_qk_norm": True, "moe_router_enable_expert_bias": True, "first_k_dense_replace": 1}
    ling = parameters("BailingMoeV2ForCausalLM", **experts, **asked)
    assert parameters("SarvamMoEForCausalLM", **experts, **asked) == ling
    plain = parameters("SarvamMoEForCausalLM", **experts, first_k_dense_replace=1)
    assert ling - plain == 6 * 2 * 64 + 5 * 16  # a norm over queries and one over keys, a bias for each expert


@pytest.mark.parametrize(
    ("class_name", "field"),
    [("InklingForCausalLM", "sconv_kernel_size"), ("Inkling2ForCausalLM", "conv_kernel_size")],
)
def test_kernels_of_convolutions_are_small(class_name: str, field: str) -> None:
    with pytest.raises(InputError, match=rf"{field}: 65: expected a whole number from 1 to 64"):
        parameters(class_name, **{field: 65})
