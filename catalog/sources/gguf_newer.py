"""GGUF architectures of latent attention and of later experts, and their keys as fields of config.json.

Names and keys: llama.cpp conversion/deepseek.py, glm.py, minicpm.py, ernie.py and granite.py. What a file's tensors
contradict is refused, so an entry can not be silently wrong.
"""

from collections.abc import Mapping
from typing import Any

from catalog.sources.gguf_table import Conversion, Keys


def _latent(k: Keys) -> dict[str, Any]:
    """Latent attention: files cache kv_lora_rank + rope, and name the un-absorbed widths `_mla`.

    Blocks count the next-token modules that the file holds.
    """
    rope, modules = k.whole("rope.dimension_count"), k.whole("nextn_predict_layers")
    key, value = (
        k.whole(f"attention.{side}_length_mla") or k.whole(f"attention.{side}_length") for side in ("key", "value")
    )
    return {
        "num_hidden_layers": k.whole("block_count") - modules,
        "num_nextn_predict_layers": modules,
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": key - rope,
        "v_head_dim": value,
        "num_key_value_heads": k.whole("attention.head_count"),
    }


def _indexed(k: Keys) -> dict[str, Any]:
    """Latent attention behind a lightning indexer, in all layers or in those that the file marks."""
    owns = k.get("attention.indexer.types")
    layers = k.whole("block_count") - k.whole("nextn_predict_layers")
    marked = [("full" if each in (True, "full") else "shared") for each in owns] if isinstance(owns, list) else []
    return {
        **_latent(k),
        "index_n_heads": k.whole("attention.indexer.head_count"),
        "index_head_dim": k.whole("attention.indexer.key_length"),
        "index_topk": k.whole("attention.indexer.top_k"),
        "indexer_types": marked[:layers] or None,
    }


def _minicpm3(k: Keys) -> dict[str, Any]:
    """MiniCPM3 states no value width: it is that of the keys without rotary positions."""
    latent = _latent(k)
    return {**latent, "v_head_dim": latent["qk_nope_head_dim"]}


def _ernie(k: Keys) -> dict[str, Any]:
    """ERNIE 4.5 with experts from one layer on; conversion leaves its next-token module out."""
    return {
        "moe_num_experts": k.whole("expert_count"),
        "moe_k": k.whole("expert_used_count"),
        "moe_layer_start_index": k.whole("leading_dense_block_count"),
        "moe_layer_interval": k.whole("interleave_moe_layer_step", 1),
        "moe_num_shared_experts": k.whole("expert_shared_count"),
        "num_nextn_predict_layers": 0,
    }


def _granite_moe(k: Keys) -> dict[str, Any]:
    """Granite with experts, and a shared one where the file has its width."""
    shared = k.whole("expert_shared_feed_forward_length")
    return {
        "architectures": ["GraniteMoeSharedForCausalLM" if shared else "GraniteMoeForCausalLM"],
        "shared_intermediate_size": shared or None,
    }


NEWER: Mapping[str, Conversion] = {
    "deepseek32": Conversion("DeepseekV32ForCausalLM", "n_routed_experts", _indexed),
    "glm-dsa": Conversion("GlmMoeDsaForCausalLM", "n_routed_experts", _indexed),
    "mistral4": Conversion("Mistral4ForCausalLM", "n_routed_experts", _latent),
    "minicpm3": Conversion("MiniCPM3ForCausalLM", extra=_minicpm3),
    "ernie4_5-moe": Conversion("Ernie4_5_MoeForCausalLM", extra=_ernie),
    "granitemoe": Conversion("GraniteMoeForCausalLM", "num_local_experts", _granite_moe),
    "llama-embed": Conversion("LlamaBidirectionalModel"),
    "eurobert": Conversion("EuroBertModel"),
    "jais2": Conversion("Jais2ForCausalLM"),
}
"""GGUF architecture -> its conversion."""
