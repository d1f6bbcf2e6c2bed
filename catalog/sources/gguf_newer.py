"""GGUF architectures of latent attention, later experts, and searched or recurrent layers, as fields of config.json.

Names and keys: llama.cpp conversion/deepseek.py, glm.py, minicpm.py, ernie.py, granite.py, exaone.py, hunyuan.py,
mimo.py, step3.py, kimi_linear.py, afmoe.py, mellum.py, deci.py and rwkv.py. What a file's tensors contradict is
refused, so an entry can not be silently wrong.
"""

from collections.abc import Mapping
from typing import Any

from catalog.sources.gguf_table import FULL, SLIDING, Conversion, Keys, shared_experts, sliding_types, windowed


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


def _routed(k: Keys) -> list[bool]:
    """Whether each layer routes to experts, next-token modules left out: where it has a router."""
    layers = k.whole("block_count") - k.whole("nextn_predict_layers")
    return [f"blk.{layer}.ffn_gate_inp.weight" in k.header.tensors for layer in range(min(layers, 4096))]


def _windowed_experts(k: Keys) -> dict[str, Any]:
    """EXAONE with experts: windows as the file lists them, next-token modules among its blocks."""
    return {**windowed(k), **shared_experts(k)}


def _hunyuan_v3(k: Keys) -> dict[str, Any]:
    """Hunyuan 3 states the width of its shared experts together, and leaves the dense layers to its tensors."""
    width = max(k.whole("expert_feed_forward_length"), 1)
    routed = _routed(k)
    return {
        **shared_experts(k),
        "num_shared_experts": k.whole("expert_shared_feed_forward_length") // width,
        "n_shared_experts": None,
        "first_k_dense_replace": routed.index(True) if True in routed else len(routed),
    }


def _afmoe(k: Keys) -> dict[str, Any]:
    """Trinity: every fourth layer full, as its class has it; files list no windows."""
    return {
        "num_shared_experts": k.whole("expert_shared_count"),
        "num_dense_layers": k.whole("leading_dense_block_count"),
    }


def _heads_by_kind(k: Keys, key: str) -> tuple[int | None, int | None]:
    """Heads of the full and of the windowed layers under a metadata key; the other's where a kind has no layer."""
    heads = dict(zip(sliding_types(k) or [], k.per_layer(key), strict=False))
    full, local = heads.get(FULL), heads.get(SLIDING)
    return full or local, local or full


def _mimo2(k: Keys) -> dict[str, Any]:
    """MiMo V2: windowed layers with key-value heads of their own number, values narrower than keys."""
    full, local = _heads_by_kind(k, "attention.head_count_kv")
    heads, head, value = (k.whole(f"attention.{key}") for key in ("head_count", "key_length", "value_length"))
    return {
        **shared_experts(k),
        "hybrid_layer_pattern": [int(kind == SLIDING) for kind in sliding_types(k) or []][: len(_routed(k))],
        "moe_layer_freq": [int(each) for each in _routed(k)],
        "num_key_value_heads": full,
        "v_head_dim": value,
        "swa_num_attention_heads": heads,
        "swa_num_key_value_heads": local,
        "swa_head_dim": head,
        "swa_v_head_dim": value,
        "add_swa_attention_sink_bias": k.has_tensor("attn_sinks.weight"),
    }


def _step35(k: Keys) -> dict[str, Any]:
    """Step 3.5: windowed layers with query and key-value heads of their own number, one shared expert."""
    full, local = _heads_by_kind(k, "attention.head_count")
    full_groups, local_groups = _heads_by_kind(k, "attention.head_count_kv")
    routed = _routed(k)
    return {
        **shared_experts(k),
        "layer_types": (sliding_types(k) or [])[: len(routed)],
        "mlp_layer_types": ["sparse" if each else "dense" for each in routed],
        "num_attention_heads": full,
        "num_attention_groups": full_groups,
        "attention_other_setting": {"num_attention_heads": local, "num_attention_groups": local_groups},
        "share_expert_dim": k.whole("expert_shared_feed_forward_length"),
        "use_head_wise_attn_gate": k.has_tensor("attn_gate.weight"),
        "use_moe_router_bias": k.has_tensor("exp_probs_b.bias"),
    }


def _kimi_linear(k: Keys) -> dict[str, Any]:
    """Kimi Linear: latent attention in the layers that have a key-value head, delta attention in the others."""
    groups = k.per_layer("attention.head_count_kv")
    return {
        **_latent(k),
        "num_shared_experts": k.whole("expert_shared_count"),
        "linear_attn_config": {
            "num_heads": k.whole("attention.head_count"),
            "head_dim": k.whole("kda.head_dim"),
            "short_conv_kernel_size": k.whole("ssm.conv_kernel"),
            "full_attn_layers": [layer for layer, heads in enumerate(groups, start=1) if heads],
        },
    }


def _deci(k: Keys) -> dict[str, Any]:
    """Nemotron's searched layers: no key-value heads is no attention, or a linear layer where queries are left."""
    heads, groups = k.per_layer("attention.head_count"), k.per_layer("attention.head_count_kv")
    widths = k.per_layer("feed_forward_length")
    blocks = [
        {
            "attention": {
                "num_key_value_heads": group,
                "no_op": not group,
                "replace_with_linear": bool(q and not group),
            },
            "ffn": {"intermediate_size": width, "no_op": not width},
        }
        for q, group, width in zip(heads, groups, widths, strict=False)
    ]
    return {"num_attention_heads": max(heads, default=0), "block_configs": blocks}


def _rwkv7(k: Keys) -> dict[str, Any]:
    """RWKV-7: the width of its heads, and the ranks of what turns a token into decay, rate, value mix and gate."""
    ranks = {
        "decay_low_rank_dim": "decay",
        "a_low_rank_dim": "iclr",
        "v_low_rank_dim": "value_residual_mix",
        "gate_low_rank_dim": "gate",
    }
    return {
        "head_dim": k.whole("wkv.head_size") or None,
        **{field: k.whole(f"attention.{name}_lora_rank") or None for field, name in ranks.items()},
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
    "afmoe": Conversion("AfmoeForCausalLM", extra=_afmoe),
    "exaone-moe": Conversion("ExaoneMoeForCausalLM", extra=_windowed_experts),
    "hy_v3": Conversion("HYV3ForCausalLM", extra=_hunyuan_v3),
    "mimo2": Conversion("MiMoV2FlashForCausalLM", "n_routed_experts", _mimo2),
    "step35": Conversion("Step3p5ForCausalLM", "moe_num_experts", _step35),
    "kimi-linear": Conversion("KimiLinearForCausalLM", extra=_kimi_linear),
    "deci": Conversion("DeciLMForCausalLM", extra=_deci),
    "rwkv7": Conversion("RWKV7ForCausalLM", extra=_rwkv7),
    "mellum": Conversion("MellumForCausalLM", extra=windowed),
}
"""GGUF architecture -> its conversion."""
