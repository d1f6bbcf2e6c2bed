"""Families that published files bring beside transformers' defaults: parameters exactly, caches kind by kind."""

from collections.abc import Mapping
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.hf_config import read
from tests.estimator.models.test_transformers_classes import config_of

BERT = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
JETMOE = {
    "architectures": ["JetMoeForCausalLM"],
    "hidden_size": 2048,
    "num_hidden_layers": 24,
    "num_key_value_heads": 16,
    "kv_channels": 128,
    "intermediate_size": 5632,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32000,
    "tie_word_embeddings": True,
}
JINA_V3 = {
    "architectures": ["XLMRobertaModel"],
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "lora_adaptations": ["retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"],
    "lora_rank": 4,
    "max_position_embeddings": 8194,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "position_embedding_type": "rotary",
    "type_vocab_size": 1,
    "vocab_size": 250002,
    "pad_token_id": 1,
}
NOMIC_V2 = {
    "architectures": ["NomicBertModel"],
    "activation_function": "gelu",
    "n_embd": 768,
    "n_head": 12,
    "n_inner": 3072,
    "n_layer": 12,
    "n_positions": 2048,
    "num_experts": 8,
    "num_shared_experts": 0,
    "moe_every_n_layers": 2,
    "moe_top_k": 2,
    "qkv_proj_bias": True,
    "mlp_fc1_bias": True,
    "mlp_fc2_bias": True,
    "type_vocab_size": 1,
    "vocab_size": 250048,
}
DEBERTA = {
    **BERT,
    "architectures": ["DebertaModel"],
    "relative_attention": True,
    "pos_att_type": "c2p|p2c",
    "max_relative_positions": -1,
    "position_biased_input": False,
    "type_vocab_size": 0,
    "vocab_size": 50265,
}
LONGFORMER = {
    **BERT,
    "architectures": ["LongformerModel"],
    "attention_window": [512] * 12,
    "max_position_embeddings": 4098,
    "pad_token_id": 1,
    "type_vocab_size": 1,
    "vocab_size": 50265,
}


@pytest.mark.parametrize(
    ("config", "published"),
    [
        (JINA_V3, 572_310_396),  # jinaai/jina-embeddings-v3, five adapters included
        (NOMIC_V2, 475_292_928),  # nomic-ai/nomic-embed-text-v2-moe
        ({**BERT, "architectures": ["HF_ColBERT"]}, 109_580_544),  # colbert-ir/colbertv2.0: BERT and 128 x 768
    ],
)
def test_encoders_of_uploads_with_code_of_their_own(config: dict[str, Any], published: int) -> None:
    architecture = read(config)
    assert architecture.parameters == published
    assert architecture.encodes
    assert architecture.cache_elements(1) == 0


@pytest.mark.parametrize(
    ("config", "counted"), [(JETMOE, 8_522_237_952), (DEBERTA, 138_601_728), (LONGFORMER, 148_659_456)]
)
def test_uploads_as_transformers_builds_them(config: dict[str, Any], counted: int) -> None:
    """Parameters of transformers 5.24's classes on the meta device, of jetmoe-8b, deberta-base and longformer-base."""
    assert read(config).parameters == counted


def test_jetmoe_visits_two_of_eight_experts_of_mlp_and_attention() -> None:
    """arXiv:2404.07413 says 2.2 billion of 8 are active; keys and values are those of 16 heads of 128."""
    architecture = read(JETMOE)
    assert 2.1e9 < architecture.active_parameters < 2.35e9
    assert architecture.cache_elements(1) == 24 * 2 * 16 * 128


def growing(architecture: Architecture) -> float:
    return sum(group.count * group.layer.mixer.growing_width for group in architecture.groups if group.layer.mixer)


def windowed(architecture: Architecture) -> float:
    return sum(group.count * group.layer.mixer.window_width for group in architecture.groups if group.layer.mixer)


@pytest.mark.parametrize(
    ("class_name", "model_type", "full", "window"),
    [
        ("InklingForCausalLM", "inkling_text", 11 * 2 * 8 * 128, 55 * 2 * 16 * 128),
        ("Inkling2ForCausalLM", "inkling2_text", 8 * 2 * 8 * 128, 40 * 2 * 8 * 128),
        ("ZayaForCausalLM", "zaya", 40 * 2 * 2 * 128, 0),
        ("Dots3NoteForCausalLM", "dots3_note_text", 13 * (512 + 64), 33 * (1024 + 64)),
        ("AXK2ForCausalLM", "axk2", 48 * (128 + 32), 0),
        ("BeamForCausalLM", "beam", 9 * 2 * 8 * 128, 43 * 2 * 8 * 128),
        ("DoryForCausalLM", "dory", 14 * 2 * 4 * 256, 42 * 2 * 4 * 256),  # 20 of 36 layers run twice
        ("HrmTextForCausalLM", "hrm_text", 128 * 2 * 12 * 128, 0),  # two cycles of three fast stacks and a slow one
    ],
)
def test_full_layers_cache_apart_from_windowed_ones(class_name: str, model_type: str, full: int, window: int) -> None:
    architecture = read(config_of(class_name, model_type))
    assert (growing(architecture), windowed(architecture)) == (full, window)


def test_mistral_large_4_keeps_one_latent_vector_a_layer_rotated_or_not() -> None:
    """Three layers of four keep 512 + 64 elements, the fourth 512."""
    text = config_of("MistralLarge4ForConditionalGeneration", "mistral_large4")
    assert growing(read(text)) == 54 * 576 + 18 * 512


def owners(config: Mapping[str, Any]) -> list[int]:
    """Places of the layers that run an indexer."""
    groups = read(config).groups
    return sorted(
        place for group in groups if group.layer.mixer and group.layer.mixer.index_width for place in group.indices
    )


def test_layers_that_share_an_indexers_choice_are_told_in_three_ways() -> None:
    config = config_of("GlmMoeDsaForCausalLM", "glm_moe_dsa")
    count = config["num_hidden_layers"]
    config = {name: value for name, value in config.items() if name != "indexer_types"}
    every_fourth = [layer for layer in range(count) if layer < 3 or (layer - 2) % 4 == 0]
    assert owners(config) == list(range(count))
    assert owners({**config, "index_topk_freq": 4, "index_skip_topk_offset": 3}) == every_fourth
    pattern = "".join("F" if layer in every_fourth else "S" for layer in range(count))
    assert owners({**config, "index_topk_pattern": pattern}) == every_fourth
    with pytest.raises(InputError, match="index_topk_pattern"):
        read({**config, "index_topk_pattern": "FS"})


def test_dots3_reads_the_released_spelling_like_transformers_own() -> None:
    config = config_of("Dots3NoteForCausalLM", "dots3_note_text")
    released = {name: value for name, value in config.items() if name != "per_layer_config"}
    assert read(released).parameters == read(config).parameters
    narrower = read({**released, "swa_kv_lora_rank": 512})
    assert windowed(narrower) == 33 * (512 + 64)
