"""GGUF architectures of encoders, encoder-decoders and first decoders, and their keys as fields of config.json.

Names and keys as in gguf_table; what a file's tensors contradict is refused, so an entry can not be silently wrong.
"""

from collections.abc import Mapping
from typing import Any

from catalog.sources.gguf_table import FULL, SLIDING, Conversion, Keys


def _rows(k: Keys, name: str, otherwise: int) -> int:
    """Rows of a table of the file, whose dimensions run from the inside out."""
    table = k.header.tensors.get(f"{name}.weight")
    return table.shape[1] if table and len(table.shape) == 2 else otherwise


def _biases(k: Keys) -> bool:
    return k.has_tensor("attn_qkv.bias") or k.has_tensor("attn_q.bias")


def _bert(k: Keys) -> dict[str, Any]:
    """BERT, and RoBERTa without the two positions that it never uses: tables as long as the file has them."""
    return {
        "max_position_embeddings": _rows(k, "position_embd", k.whole("context_length")),
        "type_vocab_size": _rows(k, "token_types", 1),
    }


def _jina_v3(k: Keys) -> dict[str, Any]:
    """jina-embeddings-v3 without its adapters, which are files of their own."""
    context = k.whole("context_length")
    return {"max_position_embeddings": context + 2 if context else None, "type_vocab_size": _rows(k, "token_types", 1)}


def _nomic(k: Keys) -> dict[str, Any]:
    """Nomic-BERT: rotary positions, gated MLPs and no biases; with experts, plain MLPs with biases between them."""
    experts = k.whole("expert_count")
    return {
        "type_vocab_size": _rows(k, "token_types", 2),
        "moe_every_n_layers": k.whole("moe_every_n_layers", 2) if experts else 0,
        "moe_top_k": k.whole("expert_used_count") or None,
        "activation_function": "gelu" if experts else "swiglu",
        "qkv_proj_bias": _biases(k),
        "mlp_fc1_bias": k.has_tensor("ffn_up.bias"),
        "mlp_fc2_bias": k.has_tensor("ffn_down.bias"),
    }


def _modern_bert(k: Keys) -> dict[str, Any]:
    """ModernBERT: every third layer attends to the whole text."""
    every = k.whole("attention.sliding_window_pattern", 3) or 3
    return {"local_attention": k.whole("attention.sliding_window", 128), "global_attn_every_n_layers": every}


def _t5(k: Keys) -> dict[str, Any]:
    """T5 with gated or plain MLPs, as the file has them; a head of its own where it has one."""
    names = k.header.tensors
    return {
        "architectures": ["MT5ForConditionalGeneration" if "output.weight" in names else "T5ForConditionalGeneration"],
        **_t5_stack(k, "dec" if "dec.blk.0.ffn_up.weight" in names else "enc"),
        "num_decoder_layers": k.whole("decoder_block_count") or None,
    }


def _t5_encoder(k: Keys) -> dict[str, Any]:
    """The encoder of T5 alone."""
    return _t5_stack(k, "enc")


def _t5_stack(k: Keys, side: str) -> dict[str, Any]:
    gated = f"{side}.blk.0.ffn_gate.weight" in k.header.tensors
    return {
        "d_model": k.whole("embedding_length"),
        "d_kv": k.whole("attention.key_length"),
        "d_ff": k.whole("feed_forward_length"),
        "num_layers": k.whole("block_count"),
        "num_heads": k.whole("attention.head_count"),
        "relative_attention_num_buckets": k.whole("attention.relative_buckets_count", 32),
        "feed_forward_proj": "gated-gelu" if gated else "relu",
    }


def _falcon(k: Keys) -> dict[str, Any]:
    """Falcon 7B with one key-value head and one norm, or 40B and 180B with groups and two."""
    groups = k.whole("attention.head_count_kv", 1)
    return {
        "new_decoder_architecture": k.has_tensor("attn_norm_2.weight"),
        "multi_query": groups == 1,
        "num_kv_heads": groups,
        "ffn_hidden_size": k.whole("feed_forward_length") or None,
        "bias": _biases(k),
        "tie_word_embeddings": True,  # stored twice in conversions; the head is not told apart
    }


def _gpt2(k: Keys) -> dict[str, Any]:
    """GPT-2 and StarCoder: learned positions."""
    return {
        "n_embd": k.whole("embedding_length"),
        "n_head": k.whole("attention.head_count"),
        "n_inner": k.whole("feed_forward_length") or None,
        "n_positions": _rows(k, "position_embd", k.whole("context_length")),
        "multi_query": k.whole("attention.head_count_kv", 1) == 1,
    }


def _gptj(k: Keys) -> dict[str, Any]:
    """GPT-J."""
    return {
        "n_embd": k.whole("embedding_length"),
        "n_head": k.whole("attention.head_count"),
        "n_inner": k.whole("feed_forward_length") or None,
    }


def _mpt(k: Keys) -> dict[str, Any]:
    """MPT: ALiBi, no biases."""
    hidden = max(k.whole("embedding_length"), 1)
    return {
        "expansion_ratio": k.whole("feed_forward_length", 4 * hidden) // hidden,
        "no_bias": not _biases(k),
        "tie_word_embeddings": True,
    }


def _neox(k: Keys) -> dict[str, Any]:
    return {"attention_bias": _biases(k)}


def _mamba2(k: Keys) -> dict[str, Any]:
    """Mamba-2 alone."""
    heads = max(k.whole("ssm.time_step_rank"), 1)
    return {
        "num_heads": heads,
        "head_dim": k.whole("ssm.inner_size") // heads,
        "n_groups": k.whole("ssm.group_count", 1),
        "state_size": k.whole("ssm.state_size"),
        "conv_kernel": k.whole("ssm.conv_kernel", 4),
    }


def _chatglm(k: Keys) -> dict[str, Any]:
    """ChatGLM2, 3 and GLM-4-9B."""
    return {
        "num_layers": k.whole("block_count"),
        "multi_query_attention": True,
        "multi_query_group_num": k.whole("attention.head_count_kv"),
        "kv_channels": k.whole("attention.key_length") or None,
        "ffn_hidden_size": k.whole("feed_forward_length"),
        "add_qkv_bias": _biases(k),
        "padded_vocab_size": _rows(k, "token_embd", 0),
    }


def _embedding_gemma(k: Keys) -> dict[str, Any]:
    """EmbeddingGemma: Gemma 3 that reads both ways, every sixth layer the whole text."""
    kinds = [SLIDING if (layer + 1) % 6 else FULL for layer in range(min(k.whole("block_count"), 4096))]
    return {"layer_types": kinds, "use_bidirectional_attention": True}


CLASSIC: Mapping[str, Conversion] = {
    "bert": Conversion("BertModel", extra=_bert),
    "nomic-bert": Conversion("NomicBertModel", extra=_nomic),
    "nomic-bert-moe": Conversion("NomicBertModel", extra=_nomic),
    "jina-bert-v3": Conversion("JinaEmbeddingsV3Model", extra=_jina_v3),
    "modern-bert": Conversion("ModernBertModel", extra=_modern_bert),
    "gemma-embedding": Conversion("Gemma3TextModel", extra=_embedding_gemma),
    "t5": Conversion("T5ForConditionalGeneration", extra=_t5),
    "t5encoder": Conversion("T5EncoderModel", extra=_t5_encoder),
    "falcon": Conversion("FalconForCausalLM", extra=_falcon),
    "gpt2": Conversion("GPT2LMHeadModel", extra=_gpt2),
    "starcoder": Conversion("GPTBigCodeForCausalLM", extra=_gpt2),
    "gptj": Conversion("GPTJForCausalLM", extra=_gptj),
    "gptneox": Conversion("GPTNeoXForCausalLM", extra=_neox),
    "mpt": Conversion("MPTForCausalLM", extra=_mpt),
    "bloom": Conversion("BloomForCausalLM"),
    "mamba2": Conversion("Mamba2ForCausalLM", extra=_mamba2),
    "chatglm": Conversion("ChatGLMModel", extra=_chatglm),
    "xverse": Conversion("XverseForCausalLM"),
    "bitnet": Conversion("BitNetForCausalLM"),
    "dream": Conversion("DreamModel"),
}
"""GGUF architecture -> its conversion."""
