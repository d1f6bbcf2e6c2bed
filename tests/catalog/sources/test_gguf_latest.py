"""Later GGUF architectures: a toy of each is the same architecture by its keys and by its config.json."""

from math import prod
from typing import Any

import pytest

from catalog.sources import gguf_config, gguf_weights
from catalog.sources.checkpoint import Stored
from catalog.sources.gguf import TYPES, Block, Header, StoredTensor
from estimator.models import hf_config
from tests.catalog.sources.test_gguf_architectures import BASE, KEYS, header

FULL, SLIDING = "full_attention", "sliding_attention"
TOYS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "cohere2moe",
        {
            "block_count": 5, "expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 48,
            "feed_forward_length": 192, "leading_dense_block_count": 1, "expert_shared_count": 2,
            "expert_shared_feed_forward_length": 96, "attention.sliding_window": 512,
            "attention.sliding_window_pattern": [True, True, True, False, True],
        },
        {
            "architectures": ["Cohere2MoeForCausalLM"], "num_hidden_layers": 5, "num_experts": 8,
            "num_experts_per_tok": 2, "intermediate_size": 48, "prefix_dense_intermediate_size": 192,
            "first_k_dense_replace": 1, "num_shared_experts": 2, "sliding_window": 512, "tie_word_embeddings": False,
            "layer_types": [SLIDING, SLIDING, SLIDING, FULL, SLIDING],
        },
    ),
    (
        "granite_swa",
        {
            "block_count": 4, "feed_forward_length": 160, "attention.sliding_window": 128,
            "attention.sliding_window_pattern": [False, True, True, True],
        },
        {
            "architectures": ["GraniteSWAForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 160,
            "sliding_window": 128, "layer_types": [FULL, SLIDING, SLIDING, SLIDING],
        },
    ),
    (
        "granite_swa",
        {
            "block_count": 4, "feed_forward_length": 40, "attention.sliding_window": 128, "expert_count": 4,
            "expert_used_count": 2, "expert_shared_feed_forward_length": 80,
            "attention.sliding_window_pattern": [False, True, True, False],
        },
        {
            "architectures": ["GraniteMoeSWAForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 40,
            "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 80, "sliding_window": 128,
            "layer_types": [FULL, SLIDING, SLIDING, FULL],
        },
    ),
    (
        "laguna",
        {
            "block_count": 6, "attention.head_count": [4, 8, 8, 8, 4, 8], "feed_forward_length": 256,
            "expert_count": 16, "expert_used_count": 4, "expert_feed_forward_length": 32,
            "leading_dense_block_count": 1,
            "expert_shared_feed_forward_length": 32, "attention.sliding_window": 512,
        },
        {
            "architectures": ["LagunaForCausalLM"], "num_hidden_layers": 6, "intermediate_size": 256,
            "num_attention_heads_per_layer": [4, 8, 8, 8, 4, 8], "num_experts": 16, "num_experts_per_tok": 4,
            "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32, "sliding_window": 512,
            "gating": "per-head", "mlp_layer_types": ["dense", *["sparse"] * 5],
            "layer_types": [FULL, SLIDING, SLIDING, SLIDING, FULL, SLIDING],
        },
    ),
    (
        "muse-glimmer",
        {
            "block_count": 4, "feed_forward_length": 192, "attention.sliding_window": 256,
            "attention.sliding_window_pattern": [True, True, True, False],
        },
        {
            "architectures": ["MuseGlimmerTextForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 192,
            "sliding_window": 256, "layer_types": [SLIDING, SLIDING, SLIDING, FULL],
        },
    ),
    (
        "hrm_text",
        {
            "block_count": 24, "feed_forward_length": 128, "attention.head_count_kv": None, "hrm.layers_per_stack": 3,
            "hrm.h_cycles": 2, "hrm.l_cycles": 3,
        },
        {
            "architectures": ["HrmTextForCausalLM"], "num_layers_per_stack": 3, "intermediate_size": 128,
            "H_cycles": 2, "L_cycles": 3, "num_key_value_heads": 4,
        },
    ),
    (
        "paddleocr",
        {"block_count": 3, "feed_forward_length": 96},
        {"architectures": ["Ernie4_5ForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 96},
    ),
    (
        "deepseek2-ocr",
        {
            "block_count": 4, "feed_forward_length": 200, "expert_count": 8, "expert_used_count": 2,
            "expert_feed_forward_length": 24, "expert_shared_count": 2, "leading_dense_block_count": 1,
        },
        {
            "architectures": ["DeepseekForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 200,
            "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "n_shared_experts": 2,
            "first_k_dense_replace": 1,
        },
    ),
    (
        "pangu-embedded",
        {"block_count": 3, "feed_forward_length": 112},
        {"architectures": ["PanguEmbeddedForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 112},
    ),
    (
        "llada",
        {"block_count": 3, "feed_forward_length": 176},
        {
            "architectures": ["LLaDAModelLM"], "block_type": "llama", "d_model": 64, "n_heads": 4, "n_kv_heads": 2,
            "n_layers": 3, "mlp_hidden_size": 176, "weight_tying": False, "max_sequence_length": 4096,
        },
    ),
    (
        "jina-bert-v2",
        {"block_count": 3, "feed_forward_length": 256},
        {
            "architectures": ["JinaBertModel"], "num_hidden_layers": 3, "intermediate_size": 256,
            "position_embedding_type": "alibi", "feed_forward_type": "geglu", "type_vocab_size": 1,
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "keys", "fields"), TOYS, ids=[toy[0] for toy in TOYS])
def test_a_toy_is_the_same_by_its_keys_and_by_its_config(
    architecture: str, keys: dict[str, Any], fields: dict[str, Any]
) -> None:
    by_keys = hf_config.read(gguf_config.config(header(architecture, KEYS | keys), architecture, "toy"))
    by_config = hf_config.read({**BASE, **fields})
    assert by_keys.text_parameters == by_config.text_parameters
    assert [by_keys.cache_elements(tokens) for tokens in (1, 600, 5000)] == [
        by_config.cache_elements(tokens) for tokens in (1, 600, 5000)
    ]
    assert (by_keys.task, by_keys.max_context) == (by_config.task, by_config.max_context)


def test_a_gate_for_every_element_is_told_by_its_tensor() -> None:
    keys = next(keys for name, keys, _ in TOYS if name == "laguna")
    plain = header("laguna", KEYS | keys)
    gate = StoredTensor("F16", (64, 4 * 16), Stored(4096, 8192))
    gated = Header(plain.metadata, {**plain.tensors, "blk.0.attn_gate.weight": gate})
    assert gguf_config.config(gated, "laguna", "toy")["gating"] == "per-element"


def test_two_bit_blocks_and_repacked_rows_have_their_bytes() -> None:
    """ggml-common.h: 64 weights of two bits behind one half; repacked rows of Q4_0 and IQ4_NL keep their blocks."""
    assert TYPES[42] == ("Q2_0", Block(64, 64 // 4 + 2))
    assert {TYPES[code] for code in (31, 32, 33)} == {TYPES[2]}
    assert {TYPES[code] for code in (36, 37, 38)} == {TYPES[20]}


def matrix(dtype: str, *shape: int) -> StoredTensor:
    block = next(block for name, block in TYPES.values() if name == dtype)
    return StoredTensor(dtype, shape, Stored(prod(shape), prod(shape) // block.weights * block.bytes))


def test_fused_experts_and_gates_add_up_to_the_file() -> None:
    """llama.cpp's conversion fuses Granite's gate and up projections; attention's gate has no name of its own here."""
    keys = next(keys for name, keys, _ in TOYS if name == "granite_swa" and "expert_count" in keys)
    file = header("granite_swa", KEYS | keys)
    experts = {"ffn_gate_up_exps": matrix("Q4_K", 64, 80, 4), "ffn_down_exps": matrix("Q8_0", 32, 80, 4)}
    layers = {f"blk.{n}.{name}.weight": each for n in range(4) for name, each in experts.items()}
    architecture = hf_config.read(gguf_config.config(file, "granite_swa", "toy"))
    weights = gguf_weights.as_stored(Header(file.metadata, {**file.tensors, **layers}), architecture)
    assert weights.kind_bits("expert", "gate_proj") == weights.kind_bits("expert", "up_proj") == 4.5
    assert weights.kind_bits("expert", "down_proj") == 8.5
    assert weights.kind_bits("expert") == pytest.approx((4.5 * 2 + 8.5) / 3)


def test_what_has_no_name_of_its_own_takes_the_rest_of_its_role() -> None:
    keys = next(keys for name, keys, _ in TOYS if name == "muse-glimmer")
    file = header("muse-glimmer", KEYS | keys)
    kinds = {"attn_q": matrix("Q4_K", 64, 64), "attn_gate": matrix("F16", 64, 64), "ffn_up": matrix("Q6_K", 64, 384)}
    layers = {f"blk.{n}.{name}.weight": each for n in range(4) for name, each in kinds.items()}
    architecture = hf_config.read(gguf_config.config(file, "muse-glimmer", "toy"))
    weights = gguf_weights.as_stored(Header(file.metadata, {**file.tensors, **layers}), architecture)
    assert (weights.kind_bits("attention", "q_proj"), weights.kind_bits("attention", "gate_proj")) == (4.5, 16)
    assert weights.kind_bits("mlp", "gate_proj") == weights.kind_bits("mlp", "up_proj") == 6.5625
