"""GGUF keys lead to the same readers as config.json: a toy of each family is the same architecture by both ways."""

from pathlib import Path
from typing import Any

import pytest

from catalog.sources import gguf_config, gguf_weights
from catalog.sources.checkpoint import Stored
from catalog.sources.gguf import Header, StoredTensor
from catalog.sources.gguf_config import READ
from estimator.errors import InputError
from estimator.models import hf_config
from estimator.models.hf_config.heads import headed_reader
from estimator.models.hf_config.registry import find_reader

BASE = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 1000,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
KEYS = {
    "embedding_length": 64,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.key_length": 16,
    "context_length": 4096,
}
MAMBA2 = {
    "ssm.conv_kernel": 4,
    "ssm.state_size": 16,
    "ssm.inner_size": 128,
    "ssm.time_step_rank": 8,
    "ssm.group_count": 2,
}


def header(architecture: str, keys: dict[str, Any], *names: str, tied: bool = False) -> Header:
    metadata = {"general.architecture": architecture, **{f"{architecture}.{key}": value for key, value in keys.items()}}
    one = StoredTensor("F32", (1,), Stored(1, 4))
    table = StoredTensor("F16", (64, 1000), Stored(64_000, 128_000))
    tensors = {"token_embd.weight": table, **({} if tied else {"output.weight": table}), **dict.fromkeys(names, one)}
    return Header(metadata, tensors)


ENCODER = {"architectures": [], "num_hidden_layers": 3, "intermediate_size": 256}
CLASSIC_TOYS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (
        "bert",
        {"block_count": 3, "feed_forward_length": 256},
        {**ENCODER, "architectures": ["BertModel"], "type_vocab_size": 1},
        (),
    ),
    (
        "nomic-bert",
        {"block_count": 3, "feed_forward_length": 256},
        {
            **ENCODER,
            "architectures": ["NomicBertModel"],
            "qkv_proj_bias": False,
            "mlp_fc1_bias": False,
            "mlp_fc2_bias": False,
            "moe_every_n_layers": 0,
            "activation_function": "swiglu",
            "type_vocab_size": 2,
        },
        (),
    ),
    (
        "nomic-bert-moe",
        {
            "block_count": 4,
            "feed_forward_length": 256,
            "expert_count": 8,
            "expert_used_count": 2,
            "moe_every_n_layers": 2,
        },
        {
            **ENCODER,
            "architectures": ["NomicBertModel"],
            "num_hidden_layers": 4,
            "num_experts": 8,
            "moe_top_k": 2,
            "qkv_proj_bias": True,
            "mlp_fc1_bias": True,
            "mlp_fc2_bias": True,
            "moe_every_n_layers": 2,
            "activation_function": "gelu",
            "type_vocab_size": 2,
        },
        ("blk.0.attn_qkv.bias", "blk.0.ffn_up.bias", "blk.0.ffn_down.bias"),
    ),
    (
        "jina-bert-v3",
        {"block_count": 3, "feed_forward_length": 256},
        {**ENCODER, "architectures": ["JinaEmbeddingsV3Model"], "type_vocab_size": 1, "max_position_embeddings": 4098},
        (),
    ),
    (
        "modern-bert",
        {"block_count": 3, "feed_forward_length": 256, "attention.sliding_window": 64},
        {**ENCODER, "architectures": ["ModernBertModel"], "local_attention": 64},
        (),
    ),
    (
        "gemma-embedding",
        {"block_count": 7, "feed_forward_length": 256, "attention.sliding_window": 512},
        {
            **ENCODER,
            "architectures": ["Gemma3TextModel"],
            "num_hidden_layers": 7,
            "sliding_window": 512,
            "sliding_window_pattern": 6,
            "use_bidirectional_attention": True,
        },
        (),
    ),
    (
        "t5encoder",
        {"block_count": 3, "feed_forward_length": 96, "attention.relative_buckets_count": 32},
        {
            "architectures": ["T5EncoderModel"],
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 96,
            "num_layers": 3,
            "num_heads": 4,
            "feed_forward_proj": "gated-gelu",
        },
        ("enc.blk.0.ffn_gate.weight",),
    ),
    (
        "falcon",
        {"block_count": 3, "feed_forward_length": 256, "attention.head_count_kv": 1},
        {
            "architectures": ["FalconForCausalLM"],
            "num_hidden_layers": 3,
            "multi_query": True,
            "bias": False,
            "tie_word_embeddings": True,
        },
        (),
    ),
    (
        "falcon",
        {"block_count": 3, "feed_forward_length": 256},
        {
            "architectures": ["FalconForCausalLM"],
            "num_hidden_layers": 3,
            "new_decoder_architecture": True,
            "num_kv_heads": 2,
            "bias": False,
            "tie_word_embeddings": True,
        },
        ("blk.0.attn_norm_2.weight",),
    ),
    (
        "starcoder",
        {"block_count": 3, "feed_forward_length": 256, "attention.head_count_kv": 1},
        {
            "architectures": ["GPTBigCodeForCausalLM"],
            "n_embd": 64,
            "n_head": 4,
            "n_layer": 3,
            "n_positions": 4096,
            "multi_query": True,
        },
        (),
    ),
    (
        "gpt2",
        {"block_count": 3, "feed_forward_length": 256},
        {"architectures": ["GPT2LMHeadModel"], "n_embd": 64, "n_head": 4, "n_layer": 3, "n_positions": 4096},
        (),
    ),
    (
        "gptneox",
        {"block_count": 3, "feed_forward_length": 256},
        {"architectures": ["GPTNeoXForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 256},
        ("blk.0.attn_qkv.bias",),
    ),
    (
        "mpt",
        {"block_count": 3, "feed_forward_length": 256},
        {
            "tie_word_embeddings": True,
            "architectures": ["MPTForCausalLM"],
            "d_model": 64,
            "n_heads": 4,
            "n_layers": 3,
            "expansion_ratio": 4,
        },
        (),
    ),
    (
        "bloom",
        {"block_count": 3},
        {"architectures": ["BloomForCausalLM"], "n_head": 4, "n_layer": 3},
        (),
    ),
    (
        "mamba2",
        {"block_count": 3, **MAMBA2},
        {
            "architectures": ["Mamba2ForCausalLM"],
            "num_hidden_layers": 3,
            "num_heads": 8,
            "head_dim": 16,
            "n_groups": 2,
            "state_size": 16,
            "conv_kernel": 4,
        },
        (),
    ),
    (
        "chatglm",
        {"block_count": 3, "feed_forward_length": 256},
        {
            "architectures": ["ChatGLMModel"],
            "num_layers": 3,
            "multi_query_attention": True,
            "multi_query_group_num": 2,
            "kv_channels": 16,
            "ffn_hidden_size": 256,
            "padded_vocab_size": 1000,
            "add_qkv_bias": True,
        },
        ("blk.0.attn_qkv.bias",),
    ),
    (
        "granitemoe",
        {"block_count": 3, "feed_forward_length": 96, "expert_count": 8, "expert_used_count": 2},
        {
            "architectures": ["GraniteMoeForCausalLM"],
            "num_hidden_layers": 3,
            "intermediate_size": 96,
            "num_local_experts": 8,
            "num_experts_per_tok": 2,
        },
        (),
    ),
]
TOYS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (
        "qwen35moe",
        {
            "block_count": 8, "expert_count": 16, "expert_used_count": 4, "expert_feed_forward_length": 32,
            "expert_shared_feed_forward_length": 48, "ssm.conv_kernel": 4, "ssm.state_size": 8, "ssm.group_count": 2,
            "ssm.time_step_rank": 4, "ssm.inner_size": 64, "full_attention_interval": 4,
        },
        {
            "architectures": ["Qwen3_5MoeForCausalLM"], "num_hidden_layers": 8, "num_experts": 16,
            "num_experts_per_tok": 4, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 48,
            "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8,
            "linear_value_head_dim": 16, "linear_conv_kernel_dim": 4, "full_attention_interval": 4,
        },
        (),
    ),
    (
        "gemma4",
        {
            "block_count": 6, "feed_forward_length": 128, "attention.sliding_window": 512,
            "attention.sliding_window_pattern": [True, True, False] * 2, "attention.key_length": 32,
            "attention.key_length_swa": 16, "attention.head_count_kv": [2, 2, 1] * 2,
        },
        {
            "architectures": ["Gemma4ForCausalLM"], "num_hidden_layers": 6, "intermediate_size": 128,
            "sliding_window": 512, "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2,
            "global_head_dim": 32, "num_global_key_value_heads": 1, "attention_k_eq_v": True,
            "hidden_size_per_layer_input": 0,
        },
        (),
    ),
    (
        "granitehybrid",
        {"block_count": 4, "feed_forward_length": 96, "attention.head_count_kv": [0, 0, 2, 0], **MAMBA2},
        {
            "architectures": ["GraniteMoeHybridForCausalLM"], "num_hidden_layers": 4, "num_local_experts": 0,
            "shared_intermediate_size": 96, "intermediate_size": 96,
            "layer_types": ["mamba", "mamba", "attention", "mamba"],
            "mamba_d_conv": 4, "mamba_d_state": 16, "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 2,
            "mamba_conv_bias": True,
        },
        ("blk.0.ssm_conv1d.bias",),
    ),
    (
        "nemotron_h",
        {
            "block_count": 4, "feed_forward_length": [0, 96, 0, 0], "attention.head_count_kv": [0, 0, 2, 0], **MAMBA2,
        },
        {
            "architectures": ["NemotronHForCausalLM"], "num_hidden_layers": 4, "hybrid_override_pattern": "M-*M",
            "intermediate_size": 96, "mamba_num_heads": 8, "mamba_head_dim": 16, "n_groups": 2, "ssm_state_size": 16,
            "conv_kernel": 4,
        },
        ("blk.0.ssm_conv1d.bias",),
    ),
    (
        "lfm2",
        {"block_count": 3, "feed_forward_length": 96, "attention.head_count_kv": [0, 2, 0], "shortconv.l_cache": 3},
        {
            "architectures": ["Lfm2ForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 96, "conv_L_cache": 3,
            "layer_types": ["conv", "full_attention", "conv"], "block_auto_adjust_ff_dim": False,
        },
        (),
    ),
    (
        "jamba",
        {
            "block_count": 8, "feed_forward_length": 96, "attention.head_count_kv": [0, 0, 2, 0] * 2,
            "expert_count": 4, "expert_used_count": 2, "ssm.conv_kernel": 4, "ssm.state_size": 16,
            "ssm.inner_size": 128, "ssm.time_step_rank": 8,
        },
        {
            "architectures": ["JambaForCausalLM"], "num_hidden_layers": 8, "intermediate_size": 96, "num_experts": 4,
            "num_experts_per_tok": 2, "attn_layer_period": 4, "attn_layer_offset": 2, "mamba_dt_rank": 8,
            "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2,
        },
        (),
    ),
    (
        "glm4moe",
        {
            "block_count": 5, "feed_forward_length": 128, "nextn_predict_layers": 1, "expert_count": 8,
            "expert_used_count": 2, "expert_feed_forward_length": 32, "expert_shared_count": 1,
            "leading_dense_block_count": 1,
        },
        {
            "architectures": ["Glm4MoeForCausalLM"], "num_hidden_layers": 4, "num_nextn_predict_layers": 1,
            "intermediate_size": 128, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
            "n_shared_experts": 1, "first_k_dense_replace": 1, "attention_bias": True, "use_qk_norm": True,
        },
        ("blk.0.attn_q.bias", "blk.0.attn_q_norm.weight"),
    ),
    (
        "llama4",
        {
            "block_count": 4, "feed_forward_length": 128, "expert_count": 8, "expert_used_count": 1,
            "expert_feed_forward_length": 64, "interleave_moe_layer_step": 2,
        },
        {
            "architectures": ["Llama4ForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 64,
            "intermediate_size_mlp": 128, "num_local_experts": 8, "num_experts_per_tok": 1,
            "interleave_moe_layer_step": 2, "attention_chunk_size": 8192,
        },
        (),
    ),
    (
        "falcon-h1",
        {"block_count": 3, "feed_forward_length": 96, **MAMBA2},
        {
            "architectures": ["FalconH1ForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 96,
            "mamba_d_ssm": 128, "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 2, "mamba_d_state": 16,
            "mamba_d_conv": 4, "mamba_rms_norm": True, "mamba_conv_bias": True,
        },
        ("blk.0.ssm_norm.weight", "blk.0.ssm_conv1d.bias"),
    ),
]  # fmt: skip


LATENT_KEYS = {
    "block_count": 5, "nextn_predict_layers": 1, "feed_forward_length": 128, "attention.head_count": 4,
    "attention.head_count_kv": 1, "attention.key_length": 48, "attention.value_length": 32,
    "attention.key_length_mla": 40, "attention.value_length_mla": 24, "attention.q_lora_rank": 24,
    "attention.kv_lora_rank": 32, "rope.dimension_count": 16, "expert_count": 8, "expert_used_count": 2,
    "expert_feed_forward_length": 32, "expert_shared_count": 1, "leading_dense_block_count": 1,
}  # fmt: skip
LATENT_FIELDS = {
    "num_hidden_layers": 4, "num_nextn_predict_layers": 1, "intermediate_size": 128, "num_attention_heads": 4,
    "num_key_value_heads": 4, "q_lora_rank": 24, "kv_lora_rank": 32, "qk_nope_head_dim": 24, "qk_rope_head_dim": 16,
    "v_head_dim": 24, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
    "n_shared_experts": 1, "first_k_dense_replace": 1,
}  # fmt: skip
INDEX_KEYS = {
    "attention.indexer.head_count": 2, "attention.indexer.key_length": 16, "attention.indexer.top_k": 128,
}  # fmt: skip
INDEX_FIELDS = {"index_n_heads": 2, "index_head_dim": 16, "index_topk": 128}
NEWER_TOYS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (
        "deepseek32",
        LATENT_KEYS | INDEX_KEYS,
        {"architectures": ["DeepseekV32ForCausalLM"], **LATENT_FIELDS, **INDEX_FIELDS},
        (),
    ),
    (
        "glm-dsa",
        LATENT_KEYS | INDEX_KEYS | {"attention.indexer.types": [True, False, True, False, True]},
        {
            "architectures": ["GlmMoeDsaForCausalLM"], **LATENT_FIELDS, **INDEX_FIELDS,
            "indexer_types": ["full", "shared", "full", "shared"],
        },
        (),
    ),
    (
        "mistral4",
        LATENT_KEYS | {"nextn_predict_layers": 0, "block_count": 4},
        {"architectures": ["Mistral4ForCausalLM"], **LATENT_FIELDS, "num_nextn_predict_layers": 0},
        (),
    ),
    (
        "minicpm3",
        {
            "block_count": 3, "feed_forward_length": 128, "attention.key_length": 40, "attention.q_lora_rank": 24,
            "attention.kv_lora_rank": 32, "rope.dimension_count": 16,
        },
        {
            "architectures": ["MiniCPM3ForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 128,
            "q_lora_rank": 24, "kv_lora_rank": 32, "qk_nope_head_dim": 24, "qk_rope_head_dim": 16, "v_head_dim": 24,
        },
        (),
    ),
    (
        "ernie4_5-moe",
        {
            "block_count": 4, "feed_forward_length": 128, "expert_count": 8, "expert_used_count": 2,
            "expert_feed_forward_length": 32, "expert_shared_count": 2, "leading_dense_block_count": 1,
            "interleave_moe_layer_step": 1,
        },
        {
            "architectures": ["Ernie4_5_MoeForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 128,
            "moe_num_experts": 8, "moe_k": 2, "moe_intermediate_size": 32, "moe_num_shared_experts": 2,
            "moe_layer_start_index": 1, "moe_layer_interval": 1,
        },
        (),
    ),
    (
        "granitemoe",
        {"block_count": 3, "feed_forward_length": 32, "expert_count": 8, "expert_used_count": 2},
        {
            "architectures": ["GraniteMoeForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 32,
            "num_local_experts": 8, "num_experts_per_tok": 2,
        },
        (),
    ),
    (
        "granitemoe",
        {
            "block_count": 3, "feed_forward_length": 32, "expert_count": 8, "expert_used_count": 2,
            "expert_shared_feed_forward_length": 64,
        },
        {
            "architectures": ["GraniteMoeSharedForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 32,
            "num_local_experts": 8, "num_experts_per_tok": 2, "shared_intermediate_size": 64,
        },
        (),
    ),
    (
        "llama-embed",
        {"block_count": 3, "feed_forward_length": 128},
        {"architectures": ["LlamaBidirectionalModel"], "num_hidden_layers": 3, "intermediate_size": 128},
        (),
    ),
    (
        "eurobert",
        {"block_count": 3, "feed_forward_length": 128},
        {"architectures": ["EuroBertModel"], "num_hidden_layers": 3, "intermediate_size": 128},
        (),
    ),
    (
        "afmoe",
        {
            "block_count": 5, "feed_forward_length": 128, "expert_count": 8, "expert_used_count": 2,
            "expert_feed_forward_length": 32, "expert_shared_count": 1, "leading_dense_block_count": 2,
            "attention.sliding_window": 512,
        },
        {
            "architectures": ["AfmoeForCausalLM"], "num_hidden_layers": 5, "intermediate_size": 128, "num_experts": 8,
            "num_experts_per_tok": 2, "moe_intermediate_size": 32, "num_shared_experts": 1, "num_dense_layers": 2,
            "sliding_window": 512,
        },
        (),
    ),
    (
        "exaone-moe",
        {
            "block_count": 5, "nextn_predict_layers": 1, "feed_forward_length": 128, "expert_count": 8,
            "expert_used_count": 2, "expert_feed_forward_length": 32, "expert_shared_count": 2,
            "expert_shared_feed_forward_length": 64, "leading_dense_block_count": 1, "attention.sliding_window": 512,
            "attention.sliding_window_pattern": [True, True, True, False],
        },
        {
            "architectures": ["ExaoneMoeForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 128,
            "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "num_shared_experts": 2,
            "first_k_dense_replace": 1, "sliding_window": 512, "num_nextn_predict_layers": 1,
            "layer_types": ["sliding_attention"] * 3 + ["full_attention"],
        },
        ("blk.0.attn_q_norm.weight",),
    ),
    (
        "hy_v3",
        {
            "block_count": 5, "nextn_predict_layers": 1, "feed_forward_length": 128, "expert_count": 8,
            "expert_used_count": 2, "expert_feed_forward_length": 32, "expert_shared_feed_forward_length": 64,
        },
        {
            "architectures": ["HYV3ForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 128, "num_experts": 8,
            "num_experts_per_tok": 2, "moe_intermediate_size": 32, "num_shared_experts": 2,
            "first_k_dense_replace": 2, "num_nextn_predict_layers": 1,
        },
        ("blk.2.ffn_gate_inp.weight", "blk.3.ffn_gate_inp.weight", "blk.0.attn_q_norm.weight"),
    ),
    (
        "mimo2",
        {
            "block_count": 5, "nextn_predict_layers": 1, "feed_forward_length": 128, "expert_count": 8,
            "expert_used_count": 2, "expert_feed_forward_length": 32, "attention.head_count_kv": [1, 2, 2, 1, 2],
            "attention.value_length": 8, "attention.sliding_window": 128,
            "attention.sliding_window_pattern": [0, 1, 1, 0, 1],
        },
        {
            "architectures": ["MiMoV2FlashForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 128,
            "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_shared_experts": None,
            "num_key_value_heads": 1, "v_head_dim": 8, "swa_num_attention_heads": 4, "swa_num_key_value_heads": 2,
            "swa_head_dim": 16, "swa_v_head_dim": 8, "hybrid_layer_pattern": [0, 1, 1, 0],
            "moe_layer_freq": [0, 1, 1, 1], "sliding_window": 128, "add_swa_attention_sink_bias": True,
        },
        (*(f"blk.{layer}.ffn_gate_inp.weight" for layer in (1, 2, 3)), "blk.1.attn_sinks.weight"),
    ),
    (
        "step35",
        {
            "block_count": 4, "feed_forward_length": 128, "expert_count": 8, "expert_used_count": 2,
            "expert_feed_forward_length": 32, "expert_shared_feed_forward_length": 48,
            "attention.head_count": [4, 6, 6, 4], "attention.head_count_kv": [2, 3, 3, 2],
            "attention.sliding_window": 512, "attention.sliding_window_pattern": [False, True, True, False],
        },
        {
            "architectures": ["Step3p5ForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 128,
            "moe_num_experts": 8, "moe_top_k": 2, "moe_intermediate_size": 32, "share_expert_dim": 48,
            "num_attention_groups": 2, "moe_layers_enum": "2,3", "sliding_window": 512,
            "attention_other_setting": {"num_attention_heads": 6, "num_attention_groups": 3},
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
        },
        (
            "blk.2.ffn_gate_inp.weight", "blk.3.ffn_gate_inp.weight", "blk.2.exp_probs_b.bias",
            "blk.0.attn_gate.weight",
        ),
    ),
    (
        "kimi-linear",
        LATENT_KEYS | {
            "block_count": 4, "nextn_predict_layers": 0, "attention.head_count_kv": [0, 0, 0, 1], "kda.head_dim": 16,
            "ssm.conv_kernel": 4,
        },
        {
            "architectures": ["KimiLinearForCausalLM"], **LATENT_FIELDS, "num_nextn_predict_layers": 0,
            "num_experts": 8,
            "linear_attn_config": {
                "num_heads": 4, "head_dim": 16, "short_conv_kernel_size": 4, "full_attn_layers": [4],
                "kda_layers": [1, 2, 3],
            },
        },
        (),
    ),
    (
        "deci",
        {
            "block_count": 4, "attention.head_count": [4, 0, 4, 0], "attention.head_count_kv": [2, 0, 1, 0],
            "feed_forward_length": [256, 512, 256, 0],
        },
        {
            "architectures": ["DeciLMForCausalLM"], "num_hidden_layers": 4,
            "block_configs": [
                {"attention": {"n_heads_in_group": 2}, "ffn": {"ffn_mult": 4.0}},
                {"attention": {"no_op": True}, "ffn": {"ffn_mult": 12.0}},
                {"attention": {"n_heads_in_group": 4}, "ffn": {"ffn_mult": 5.25}},
                {"attention": {"no_op": True}, "ffn": {"no_op": True}},
            ],
        },
        (),
    ),
    (
        "rwkv7",
        {
            "block_count": 3, "feed_forward_length": 192, "attention.head_count": 0, "attention.key_length": None,
            "wkv.head_size": 16, "attention.decay_lora_rank": 8, "attention.iclr_lora_rank": 12,
            "attention.value_residual_mix_lora_rank": 4, "attention.gate_lora_rank": 24,
        },
        {
            "architectures": ["RWKV7ForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 192, "head_dim": 16,
            "decay_low_rank_dim": 8, "a_low_rank_dim": 12, "v_low_rank_dim": 4, "gate_low_rank_dim": 24,
        },
        (),
    ),
    (
        "mellum",
        {
            "block_count": 4, "feed_forward_length": 128, "expert_count": 8, "expert_used_count": 2,
            "expert_feed_forward_length": 32, "attention.sliding_window": 512,
            "attention.sliding_window_pattern": [True, True, True, False],
        },
        {
            "architectures": ["MellumForCausalLM"], "num_hidden_layers": 4, "intermediate_size": 128,
            "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "sliding_window": 512,
            "layer_types": ["sliding_attention"] * 3 + ["full_attention"],
        },
        (),
    ),
    (
        "jais2",
        {"block_count": 3, "feed_forward_length": 128},
        {"architectures": ["Jais2ForCausalLM"], "num_hidden_layers": 3, "intermediate_size": 128},
        (),
    ),
]  # fmt: skip


ALL_TOYS = [*TOYS, *CLASSIC_TOYS, *NEWER_TOYS]


@pytest.mark.parametrize(("architecture", "keys", "fields", "names"), ALL_TOYS, ids=[toy[0] for toy in ALL_TOYS])
def test_a_toy_is_the_same_by_its_keys_and_by_its_config(
    architecture: str, keys: dict[str, Any], fields: dict[str, Any], names: tuple[str, ...]
) -> None:
    by_keys = hf_config.read(gguf_config.config(header(architecture, KEYS | keys, *names), architecture, "toy"))
    by_config = hf_config.read({**BASE, **fields})
    assert by_keys.text_parameters == by_config.text_parameters
    assert [by_keys.cache_elements(tokens) for tokens in (1, 600, 5000)] == [
        by_config.cache_elements(tokens) for tokens in (1, 600, 5000)
    ]
    assert by_keys.state_elements == by_config.state_elements


def test_every_architecture_of_the_table_has_a_reader() -> None:
    assert len(READ) >= 88
    assert [
        name for name, each in READ.items() if not (find_reader(each.class_name) or headed_reader(each.class_name))
    ] == []


def test_blocks_of_next_token_modules_are_beside_the_parameters_that_the_class_describes(tmp_path: Any) -> None:
    """MiMo's reader describes no modules, its files hold three; one block too few or too many is no module."""
    keys, names = next((toy[1], toy[3]) for toy in NEWER_TOYS if toy[0] == "mimo2")
    bare = header("mimo2", KEYS | keys, *names)
    described = hf_config.read(gguf_config.config(bare, "mimo2", "toy")).text_parameters
    missing = described - sum(each.stored.elements for each in bare.tensors.values())

    def file(trunk: int, module: int) -> Header:
        sizes = {"blk.0.others.weight": trunk, "blk.4.others.weight": module}
        others = {name: StoredTensor("F16", (size,), Stored(size, 2 * size)) for name, size in sizes.items()}
        return Header(bare.metadata, {**bare.tensors, **others})

    model = gguf_config.model(file(missing, described // 10), tmp_path / "x.gguf")
    assert (model.architecture.text_parameters, model.architecture.layers) == (described, 4)
    with pytest.raises(InputError, match="its tensors hold"):
        gguf_config.model(file(missing - described // 50, described // 10), tmp_path / "x.gguf")


def test_a_linear_layer_in_the_place_of_attention_is_refused() -> None:
    """Nemotron-51B's search put some there: query heads without key-value heads."""
    keys = {"block_count": 2, "attention.head_count": [4, 4], "attention.head_count_kv": [2, 0]}
    file = header("deci", KEYS | keys | {"feed_forward_length": [256, 256]})
    with pytest.raises(InputError, match="replace_with_linear"):
        hf_config.read(gguf_config.config(file, "deci", "toy"))


def test_what_is_missing_is_said_beside_the_bytes_that_are_known(tmp_path: Any) -> None:
    with pytest.raises(InputError) as refused:
        gguf_config.model(header("qwen35moe", KEYS | {"block_count": 2}), tmp_path / "x.gguf")
    assert "256,000 bytes for 128,000 parameters" in refused.value.reason
    assert "its cache is not known" in refused.value.reason


def test_a_recurrent_files_mixers_have_their_own_widths() -> None:
    """RWKV names its layers' halves time and channel mix: their matrices are attention's and the MLP's."""
    sizes = {"time_mix_key": 0.5, "time_mix_g1": 0.5, "channel_mix_value": 1.0, "time_mix_w0": 4.0, "time_mix_k_k": 4.0}
    tensors = {
        f"blk.0.{name}.weight": StoredTensor("", (800,), Stored(800, int(800 * size))) for name, size in sizes.items()
    }
    toy = hf_config.read(
        {**BASE, "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "intermediate_size": 8}
    )
    weights = gguf_weights.as_stored(Header({"general.file_type": 2}, tensors), toy)
    assert [weights.kind_bits(role) for role in ("attention", "mlp", "norm")] == [4.0, 8.0, 32.0]


def test_kinds_of_tensors_keep_their_own_widths_and_add_up_to_the_file() -> None:
    def tensor(dtype: str, elements: int, size: int) -> StoredTensor:
        return StoredTensor(dtype, (elements,), Stored(elements, size))

    file = Header(
        {"general.file_type": 38},
        {
            "token_embd.weight": tensor("Q8_0", 3200, 3400),
            "blk.0.attn_qkv.weight": tensor("Q8_0", 6400, 6800),
            "blk.0.attn_q_norm.weight": tensor("F32", 16, 64),
            "blk.0.ffn_gate_exps.weight": tensor("MXFP4", 32_000, 17_000),
            "blk.0.ffn_down_exps.weight": tensor("MXFP4", 32_000, 17_000),
            "blk.0.ssm_in.weight": tensor("BF16", 1600, 3200),
        },
    )
    toy = {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "intermediate_size": 128}
    weights = gguf_weights.as_stored(file, hf_config.read({**BASE, **toy}))
    assert weights.kind_bits("expert", "gate_proj") == 4.25
    assert weights.kind_bits("expert", "up_proj") == 4.25
    assert weights.kind_bits("embedding") == 8.5
    assert weights.kind_bits("attention", "q_proj") == 8.5
    assert weights.kind_bits("attention", "o_proj") == 16  # no tensor of its name: as what else its role has
    assert weights.kind_bits("attention") == pytest.approx(8 * 10_000 / 8000)
    assert weights.kind_bits("norm") == 32
    assert weights.bits == pytest.approx(8 * 47_464 / 75_216)


def test_a_pooler_that_conversion_leaves_out_is_no_contradiction() -> None:
    """bge and e5 files hold BERT without the dense layer over its first token."""
    keys = {**KEYS, "block_count": 3, "feed_forward_length": 256}
    described = hf_config.read({**BASE, **ENCODER, "architectures": ["BertModel"], "type_vocab_size": 1})
    pooler = 64 * 64 + 64
    rest = described.text_parameters - pooler - 64_000
    one = StoredTensor("F16", (rest,), Stored(rest, 2 * rest))
    file = header("bert", keys, tied=True)
    file.tensors["blk.0.rest"] = one  # type: ignore[index]
    assert gguf_config.model(file, Path("bge.gguf")).architecture.class_name == "BertModel"
    more = StoredTensor("F16", (2 * rest,), Stored(2 * rest, 4 * rest))
    file.tensors["blk.0.rest"] = more  # type: ignore[index]
    with pytest.raises(InputError, match="its metadata describes"):
        gguf_config.model(file, Path("bge.gguf"))
