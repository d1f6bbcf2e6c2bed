"""GGUF architectures -> the Hugging Face classes they were converted from, and their keys -> config.json's fields.

Names and keys: llama.cpp gguf-py/gguf/constants.py (MODEL_ARCH_NAMES, Keys) and convert_hf_to_gguf.py, which says what
each class writes. What a file's tensors contradict is refused, so an entry can not be silently wrong about parameters.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from catalog.sources.gguf import Header

FULL, SLIDING, LINEAR = "full_attention", "sliding_attention", "linear_attention"


class Keys(NamedTuple):
    """Metadata of one GGUF file by the keys of its architecture."""

    header: Header
    architecture: str

    def get(self, key: str) -> Any:
        """The value of a metadata key below the architecture's name; None where it is absent."""
        return self.header.metadata.get(f"{self.architecture}.{key}")

    def whole(self, key: str, default: int = 0) -> int:
        """The whole number of a metadata key; anything else counts as absent."""
        value = self.get(key)
        return value if type(value) is int else default

    def per_layer(self, key: str) -> list[int]:
        """A number for every layer from a metadata key: as listed, or the same for all."""
        value = self.get(key)
        if isinstance(value, list):
            return [int(each) if isinstance(each, int) else 0 for each in value]
        return [self.whole(key)] * min(self.whole("block_count"), 4096)

    def has_tensor(self, name: str) -> bool:
        """Whether some layer has a tensor of that name."""
        return any(
            f"blk.{layer}.{name}" in self.header.tensors for layer in range(min(self.whole("block_count"), 4096))
        )


Extra = Callable[[Keys], dict[str, Any]]


class Conversion(NamedTuple):
    """How one GGUF architecture is read: its Hugging Face class, and the metadata keys of each field."""

    class_name: str
    experts: str = "num_experts"
    """Field that counts the routed experts."""
    extra: Extra | None = None
    """Fields that one key alone does not give."""


def _biases(k: Keys) -> dict[str, Any]:
    """Which optional parts a file has, by its tensors."""
    return {
        "attention_bias": k.has_tensor("attn_q.bias") or k.has_tensor("attn_qkv.bias"),
        "use_qk_norm": k.has_tensor("attn_q_norm.weight"),
    }


def shared_experts(k: Keys) -> dict[str, Any]:
    """DeepSeek's order of experts, and next-token modules that the file counts among its blocks."""
    modules = k.whole("nextn_predict_layers")
    return {
        **_biases(k),
        "num_hidden_layers": k.whole("block_count") - modules,
        "num_nextn_predict_layers": modules,
        "n_shared_experts": k.whole("expert_shared_count"),
        "num_shared_experts": k.whole("expert_shared_count"),
    }


def _delta_net(k: Keys) -> dict[str, Any]:
    """Qwen3-Next and Qwen3.5: a gated delta net in all but every fourth layer."""
    heads = max(k.whole("ssm.time_step_rank"), 1)
    modules = k.whole("nextn_predict_layers")
    return {
        "num_hidden_layers": k.whole("block_count") - modules,
        "mtp_num_hidden_layers": modules,
        "linear_conv_kernel_dim": k.whole("ssm.conv_kernel") or None,
        "linear_key_head_dim": k.whole("ssm.state_size") or None,
        "linear_num_key_heads": k.whole("ssm.group_count") or None,
        "linear_num_value_heads": k.whole("ssm.time_step_rank") or None,
        "linear_value_head_dim": k.whole("ssm.inner_size") // heads or None,
        "full_attention_interval": k.whole("full_attention_interval", 4),
    }


def sliding_types(k: Keys) -> list[str] | None:
    """Kinds of attention layer by layer, where the file lists them."""
    pattern = k.get("attention.sliding_window_pattern")
    return [SLIDING if each else FULL for each in pattern] if isinstance(pattern, list) else None


def _gemma4(k: Keys) -> dict[str, Any]:
    """Gemma 4: wider heads in the full layers, embeddings per layer, caches shared by the last layers."""
    kinds = sliding_types(k) or []
    groups, widths = k.per_layer("attention.head_count_kv"), k.per_layer("feed_forward_length")
    by_kind = dict(zip(kinds, groups, strict=False))
    full = [layer for layer, kind in enumerate(kinds) if kind == FULL]
    table = k.header.tensors.get("per_layer_token_embd.weight")
    return {
        "layer_types": kinds or None,
        "head_dim": k.whole("attention.key_length_swa") or k.whole("attention.key_length") or None,
        "global_head_dim": k.whole("attention.key_length") or None,
        "num_key_value_heads": by_kind.get(SLIDING) or (groups[0] if groups else None),
        "num_global_key_value_heads": by_kind.get(FULL),
        "attention_k_eq_v": bool(full) and f"blk.{full[0]}.attn_v.weight" not in k.header.tensors,
        "num_kv_shared_layers": k.whole("attention.shared_kv_layers"),
        "hidden_size_per_layer_input": k.whole("embedding_length_per_layer_input"),
        "vocab_size_per_layer_input": table.shape[1] if table and len(table.shape) == 2 else None,
        "intermediate_size": min(widths, default=0) or None,
        "use_double_wide_mlp": len(set(widths)) > 1,
        "enable_moe_block": k.whole("expert_count") > 0,
    }


def _gemma3n(k: Keys) -> dict[str, Any]:
    """Gemma 3n: every fifth layer full, the last layers share a cache."""
    widths = k.per_layer("feed_forward_length")
    return {
        "intermediate_size": widths[0] if widths and len(set(widths)) == 1 else widths,
        "num_kv_shared_layers": k.whole("attention.shared_kv_layers", 15),
        "hidden_size_per_layer_input": k.whole("embedding_length_per_layer_input", 256),
    }


def _llama4(k: Keys) -> dict[str, Any]:
    """Llama 4: the chunk of 8,192 tokens is fixed in llama.cpp (llama-model.cpp, LLM_ARCH_LLAMA4)."""
    return {
        "intermediate_size": k.whole("expert_feed_forward_length") or None,
        "intermediate_size_mlp": k.whole("feed_forward_length") or None,
        "interleave_moe_layer_step": k.whole("interleave_moe_layer_step", 1),
        "attention_chunk_size": 8192,
    }


def _mamba2(k: Keys) -> dict[str, Any]:
    """Mamba-2 by the names of Bamba, Granite and Falcon-H1."""
    heads = k.whole("ssm.time_step_rank")
    return {
        "mamba_d_conv": k.whole("ssm.conv_kernel") or None,
        "mamba_d_state": k.whole("ssm.state_size") or None,
        "mamba_d_ssm": k.whole("ssm.inner_size") or None,
        "mamba_n_heads": heads or None,
        "mamba_d_head": k.whole("ssm.inner_size") // heads if heads else None,
        "mamba_n_groups": k.whole("ssm.group_count", 1),
        "mamba_rms_norm": k.has_tensor("ssm_norm.weight"),
        "mamba_conv_bias": k.has_tensor("ssm_conv1d.bias"),
    }


def _attention_layers(k: Keys) -> list[bool]:
    """Which layers have key and value heads at all."""
    return [heads > 0 for heads in k.per_layer("attention.head_count_kv")]


def _granite_hybrid(k: Keys) -> dict[str, Any]:
    """Granite 4: Mamba-2 where a layer has no key heads, a shared MLP everywhere, experts where there are any."""
    experts = k.whole("expert_count")
    width = k.whole("feed_forward_length")
    return {
        **_mamba2(k),
        "num_key_value_heads": max(k.per_layer("attention.head_count_kv"), default=0) or None,
        "layer_types": ["attention" if full else "mamba" for full in _attention_layers(k)],
        "num_local_experts": experts,
        "intermediate_size": width or None,
        "shared_intermediate_size": k.whole("expert_shared_feed_forward_length") or (width if not experts else None),
    }


def _nemotron_h(k: Keys) -> dict[str, Any]:
    """Nemotron-H: one part a block, which its key heads and its feed-forward width tell."""
    widths = k.per_layer("feed_forward_length")
    moe = k.whole("expert_count") > 0
    feed_forward = "E" if moe else "-"
    kinds = (
        "*" if full else feed_forward if width else "M"
        for full, width in zip(_attention_layers(k), widths, strict=False)
    )
    heads = k.whole("ssm.time_step_rank")
    return {
        "hybrid_override_pattern": "".join(kinds),
        "num_key_value_heads": max(k.per_layer("attention.head_count_kv"), default=0) or None,
        "intermediate_size": max(widths, default=0) or None,
        "mamba_num_heads": heads or None,
        "mamba_head_dim": k.whole("ssm.inner_size") // heads if heads else None,
        "n_groups": k.whole("ssm.group_count", 1),
        "ssm_state_size": k.whole("ssm.state_size") or None,
        "conv_kernel": k.whole("ssm.conv_kernel") or None,
        "use_conv_bias": k.has_tensor("ssm_conv1d.bias"),
        "attention_bias": k.has_tensor("attn_q.bias"),
        "mlp_bias": k.has_tensor("ffn_up.bias"),
        "moe_shared_expert_intermediate_size": k.whole("expert_shared_feed_forward_length") or None,
        "n_shared_experts": k.whole("expert_shared_count", 1),
        "moe_latent_size": k.whole("moe_latent_size") or None,
    }


def _lfm2(k: Keys) -> dict[str, Any]:
    """LFM2: short convolutions where a layer has no key heads."""
    return {
        "layer_types": [FULL if full else "conv" for full in _attention_layers(k)],
        "num_key_value_heads": max(k.per_layer("attention.head_count_kv"), default=0) or None,
        "conv_L_cache": k.whole("shortconv.l_cache") or None,
        "block_auto_adjust_ff_dim": False,
        "num_dense_layers": k.whole("leading_dense_block_count"),
        "use_expert_bias": k.has_tensor("exp_probs_b.bias"),
    }


def _mamba(k: Keys) -> dict[str, Any]:
    """Mamba-1 alone."""
    return {
        "intermediate_size": k.whole("ssm.inner_size") or None,
        "state_size": k.whole("ssm.state_size") or None,
        "conv_kernel": k.whole("ssm.conv_kernel") or None,
        "time_step_rank": k.whole("ssm.time_step_rank") or None,
    }


def _jamba(k: Keys) -> dict[str, Any]:
    """Jamba: attention in one layer of a period, experts in every other layer or none."""
    places = [layer for layer, full in enumerate(_attention_layers(k)) if full]
    return {
        "num_key_value_heads": max(k.per_layer("attention.head_count_kv"), default=0) or None,
        "attn_layer_offset": places[0] if places else None,
        "attn_layer_period": places[1] - places[0] if len(places) > 1 else k.whole("block_count") or None,
        "mamba_d_state": k.whole("ssm.state_size") or None,
        "mamba_d_conv": k.whole("ssm.conv_kernel") or None,
        "mamba_dt_rank": k.whole("ssm.time_step_rank") or None,
        "mamba_expand": k.whole("ssm.inner_size") // max(k.whole("embedding_length"), 1) or None,
        "num_experts": k.whole("expert_count", 1),
    }


def windowed(k: Keys) -> dict[str, Any]:
    """Layers with a window as the file lists them; without a list the class's own pattern."""
    kinds = sliding_types(k)
    return {**_biases(k), **({"layer_types": kinds} if kinds else {})}


def _simple(class_name: str) -> Conversion:
    return Conversion(class_name)


CONVERSIONS: Mapping[str, Conversion] = {
    "llama": _simple("LlamaForCausalLM"),
    "mistral3": _simple("LlamaForCausalLM"),
    "qwen2": _simple("Qwen2ForCausalLM"),
    "qwen2vl": _simple("Qwen2ForCausalLM"),
    "qwen2moe": _simple("Qwen2MoeForCausalLM"),
    "qwen3": _simple("Qwen3ForCausalLM"),
    "qwen3vl": _simple("Qwen3ForCausalLM"),
    "qwen3moe": _simple("Qwen3MoeForCausalLM"),
    "qwen3vlmoe": _simple("Qwen3MoeForCausalLM"),
    "qwen3next": Conversion("Qwen3NextForCausalLM", extra=_delta_net),
    "qwen35": Conversion("Qwen3_5ForCausalLM", extra=_delta_net),
    "qwen35moe": Conversion("Qwen3_5MoeForCausalLM", extra=_delta_net),
    "gemma": _simple("GemmaForCausalLM"),
    "gemma2": _simple("Gemma2ForCausalLM"),
    "gemma3": _simple("Gemma3ForCausalLM"),
    "gemma3n": Conversion("Gemma3nForCausalLM", extra=_gemma3n),
    "gemma4": Conversion("Gemma4ForCausalLM", extra=_gemma4),
    "phi2": _simple("PhiForCausalLM"),
    "phi3": _simple("Phi3ForCausalLM"),
    "phimoe": Conversion("PhiMoEForCausalLM", "num_local_experts"),
    "starcoder2": _simple("Starcoder2ForCausalLM"),
    "command-r": _simple("CohereForCausalLM"),
    "cohere2": _simple("Cohere2ForCausalLM"),
    "olmo": _simple("OlmoForCausalLM"),
    "olmo2": _simple("Olmo2ForCausalLM"),
    "olmoe": _simple("OlmoeForCausalLM"),
    "granite": _simple("GraniteForCausalLM"),
    "granitehybrid": Conversion("GraniteMoeHybridForCausalLM", "num_local_experts", _granite_hybrid),
    "deepseek": Conversion("DeepseekForCausalLM", "n_routed_experts", shared_experts),
    "deepseek2": Conversion("DeepseekV3ForCausalLM", "n_routed_experts"),
    "dots1": Conversion("Dots1ForCausalLM", "n_routed_experts", shared_experts),
    "glm4": _simple("Glm4ForCausalLM"),
    "glm4moe": Conversion("Glm4MoeForCausalLM", "n_routed_experts", shared_experts),
    "bailingmoe": Conversion("BailingMoeForCausalLM", extra=shared_experts),
    "bailingmoe2": Conversion("BailingMoeV2ForCausalLM", extra=shared_experts),
    "gpt-oss": Conversion("GptOssForCausalLM", "num_local_experts"),
    "seed_oss": _simple("SeedOssForCausalLM"),
    "smollm3": _simple("SmolLM3ForCausalLM"),
    "internlm2": _simple("InternLM2ForCausalLM"),
    "arcee": _simple("ArceeForCausalLM"),
    "apertus": _simple("ApertusForCausalLM"),
    "ernie4_5": _simple("Ernie4_5ForCausalLM"),
    "exaone": _simple("ExaoneForCausalLM"),
    "exaone4": Conversion("Exaone4ForCausalLM", extra=windowed),
    "hunyuan-dense": _simple("HunYuanDenseV1ForCausalLM"),
    "hunyuan-moe": Conversion("HunYuanMoEV1ForCausalLM", extra=shared_experts),
    "minicpm": _simple("MiniCPMForCausalLM"),
    "minimax-m2": Conversion("MiniMaxM2ForCausalLM", "num_local_experts"),
    "nemotron": _simple("NemotronForCausalLM"),
    "nemotron_h": Conversion("NemotronHForCausalLM", "n_routed_experts", _nemotron_h),
    "nemotron_h_moe": Conversion("NemotronHForCausalLM", "n_routed_experts", _nemotron_h),
    "orion": _simple("OrionForCausalLM"),
    "stablelm": _simple("StableLmForCausalLM"),
    "baichuan": _simple("BaichuanForCausalLM"),
    "qwen": _simple("QWenLMHeadModel"),
    "llama4": Conversion("Llama4ForCausalLM", "num_local_experts", _llama4),
    "falcon-h1": Conversion("FalconH1ForCausalLM", extra=_mamba2),
    "lfm2": Conversion("Lfm2ForCausalLM", extra=_lfm2),
    "lfm2moe": Conversion("Lfm2MoeForCausalLM", extra=_lfm2),
    "mamba": Conversion("MambaForCausalLM", extra=_mamba),
    "jamba": Conversion("JambaForCausalLM", extra=_jamba),
}
"""GGUF architecture -> its conversion."""

FIELDS = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.sliding_window": "sliding_window",
    "context_length": "max_position_embeddings",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
    "leading_dense_block_count": "first_k_dense_replace",
    "attention.q_lora_rank": "q_lora_rank",
    "attention.kv_lora_rank": "kv_lora_rank",
    "expert_shared_count": "n_shared_experts",
}
"""Keys below the architecture's name -> fields of config.json."""
