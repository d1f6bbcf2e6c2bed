"""Readers of experts over windowed attention: gpt-oss, Llama-4, MiMo-V2, Trinity, Step, MiniMax-M3."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import (
    FULL,
    SLIDING,
    attention,
    divides,
    hidden_size,
    norms,
    stack,
    window_of,
    windows,
)
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import SHARED, experts, shared_width
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp


@reads(GptOssForCausalLM="gpt_oss")
def gpt_oss(f: Fields) -> Architecture:
    """gpt-oss: windowed and full layers by turns, attention sinks, biases everywhere."""
    bias = f.flag("attention_bias", default=True)
    mlp = experts(f, "intermediate_size", router_bias=True, expert_bias=True)
    around = norms(hidden_size(f), 2)
    window = f.size("sliding_window")
    slides = windows(f, f.layers()) if f.has("layer_types") else [window * (i % 2 == 0) for i in range(f.layers())]
    layers = [
        Layer(attention(f, window=each, qkv_bias=bias, output_bias=bias, sinks=True), mlp, around) for each in slides
    ]
    return stack(f, layers)


@reads(Llama4ForCausalLM="llama4_text")
def llama4(f: Fields) -> Architecture:
    """Llama 4: chunked attention in three of four layers; experts every `interleave_moe_layer_step` layers."""
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    every, chunk = f.size("interleave_moe_layer_step", default=1), _chunk(f)
    width = f.size("intermediate_size")
    sparse = experts(f, "intermediate_size", shared=width)
    plain = DenseMlp(hidden, f.size("intermediate_size_mlp")) if every > 1 else sparse
    if f.has("no_rope_layers") and f.config["no_rope_layers"]:
        local = [each == 1 for each in f.choices("no_rope_layers", count)]
    elif f.has("layer_types"):
        local = [kind != FULL for kind in f.per_layer("layer_types", count, (FULL, "chunked_attention"))]
    else:
        local = [(layer + 1) % 4 != 0 for layer in range(count)]
    routed = f.places("moe_layers", count) if f.has("moe_layers") else set(range(every - 1, count, every))
    full = attention(f, qkv_bias=bias, output_bias=bias)
    chunked = replace(full, window=chunk, chunked=True)
    layers = [
        Layer(chunked if here and chunk else full, sparse if i in routed else plain, norms(hidden, 2))
        for i, here in enumerate(local)
    ]
    return stack(f, layers)


def _chunk(f: Fields) -> int:
    """Tokens of one attention chunk; null is full attention. Raises InputError where it is absent."""
    return 0 if f.is_null("attention_chunk_size") else f.size("attention_chunk_size")


@reads(MiMoV2FlashForCausalLM="mimo_v2_flash", MiMoV2ForCausalLM="mimo_v2")
def mimo_v2(f: Fields) -> Architecture:
    """MiMo-V2-Flash: windowed layers with sinks and their own head counts; values narrower than keys."""
    if not f.has("hybrid_layer_pattern"):
        return _mimo_v2_by_words(f)
    hidden, count = hidden_size(f), f.layers()
    f.refuse_unless("add_full_attention_sink_bias", False)
    full = _mimo_attention(f, "", 0, sinks=False)
    local = _mimo_attention(f, "swa_", window_of(f), sinks=f.flag("add_swa_attention_sink_bias", default=True))
    sparse = experts(f, shared=f.count(*SHARED) * f.size("moe_intermediate_size"), router_bias=True)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    slides, routed = f.choices("hybrid_layer_pattern", count), f.choices("moe_layer_freq", count)
    layers = [
        Layer(local if slide else full, sparse if route else plain, norms(hidden, 2))
        for slide, route in zip(slides, routed, strict=True)
    ]
    return stack(f, layers)


def _mimo_v2_by_words(f: Fields) -> Architecture:
    """MiMo-V2 as transformers writes it: kinds by word, twice the key-value heads and sinks in the windowed layers."""
    hidden, count = hidden_size(f), f.layers()
    sparse = experts(f, router_bias=True)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    full = _mimo_attention(f, "", 0, sinks=False)
    window = f.size("sliding_window")
    divides("num_key_value_heads", 2 * full.kv_heads, full.heads)
    local = replace(full, kv_heads=2 * full.kv_heads, window=window, sinks=True)
    kinds = f.per_layer("layer_types", count, (FULL, SLIDING))
    routed = f.per_layer("mlp_layer_types", count, ("dense", "sparse"))
    layers = [
        Layer(local if kind == SLIDING else full, sparse if route == "sparse" else plain, norms(hidden, 2))
        for kind, route in zip(kinds, routed, strict=True)
    ]
    return stack(f, layers)


def _mimo_attention(f: Fields, prefix: str, window: int, sinks: bool) -> Attention:
    heads, kv_heads = f.size(f"{prefix}num_attention_heads"), f.size(f"{prefix}num_key_value_heads")
    divides(f"{prefix}num_key_value_heads", kv_heads, heads)
    head, value = f.size(f"{prefix}head_dim"), f.size(f"{prefix}v_head_dim")
    bias = f.flag("attention_bias")
    return Attention(
        hidden=hidden_size(f),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head,
        value_dim=value,
        window=window,
        qkv_bias=bias,
        sinks=sinks,
    )


@reads(AfmoeForCausalLM="afmoe")
def afmoe(f: Fields) -> Architecture:
    """Trinity: a gate of its own on attention, sandwich norms, every fourth layer full, experts."""
    f.refuse_unless("attention_bias", False)
    count, hidden = f.layers(), hidden_size(f)
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    dense = f.count("num_dense_layers", default=1)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    slides = windows(f, count, every=f.size("global_attn_every_n_layers", default=4))
    layers = [
        Layer(
            attention(f, window=window, head_norm=True, separate_gate=True),
            plain if place < dense else sparse,
            norms(hidden, 4),
        )
        for place, window in enumerate(slides)
    ]
    return stack(f, layers)


@reads(MiniMaxM3SparseForCausalLM="minimax_m3_vl_text", MiniMaxM3ForCausalLM="minimax_m3", MiniMaxM3VLForCausalLM="")
def minimax_m3(f: Fields) -> Architecture:
    """MiniMax-M3: block-sparse attention with an index branch in some layers, marked by number or by word."""
    f.refuse_unless("attention_output_gate", False)
    f.refuse_unless("qk_norm_type", "per_head")
    count, hidden = f.layers(), hidden_size(f)
    shared = f.size("shared_intermediate_size") * f.count(*SHARED, default=1 if f.has("mlp_layer_types") else None)
    sparse = experts(f, "moe_intermediate_size", "intermediate_size", shared=shared, router_bias=True)
    plain = DenseMlp(hidden, f.size("dense_intermediate_size"))
    full = attention(f, head_norm=f.flag("use_qk_norm", default=True))
    indexed, marked = _m3_index(f, full, count)
    routed = (
        [kind == "sparse" for kind in f.per_layer("mlp_layer_types", count, ("dense", "sparse"))]
        if f.has("mlp_layer_types")
        else f.choices("moe_layer_freq", count)
    )
    layers = [
        Layer(indexed if mark else full, sparse if route else plain, norms(hidden, 2))
        for route, mark in zip(routed, marked, strict=True)
    ]
    return stack(f, layers)


def _m3_index(f: Fields, full: Attention, layers: int) -> tuple[Attention, list[bool]]:
    """Attention with its index branch, and the layers that have one: from a section, or as transformers writes it."""
    index = f.section("sparse_attention_config")
    if index:
        heads, width = index.size("sparse_num_index_heads"), index.size("sparse_index_dim")
        marked = [mark > 0 for mark in index.choices("sparse_attention_freq", layers)]
    elif f.has("layer_types"):
        heads, width = f.size("index_n_heads"), f.size("index_head_dim")
        marked = [kind != FULL for kind in f.per_layer("layer_types", layers, (FULL, "minimax_m3_sparse"))]
    else:
        raise f.missing("sparse_attention_config", "layer_types")
    return replace(full, index_heads=heads, index_dim=width), marked


@reads(Step3p5ForCausalLM="step3p5", Step3p7FlashForCausalLM="step3p7_text")
def step3(f: Fields) -> Architecture:
    """Step-3.5 and 3.7: windowed layers with heads of their own number, one gate per head, experts."""
    f.refuse_unless("attention_bias", False)
    f.refuse_unless("mlp_bias", False)
    count, hidden = f.layers(), hidden_size(f)
    kinds = f.per_layer("layer_types", count, (FULL, SLIDING))
    heads, groups = f.size("num_attention_heads"), f.size("num_attention_groups", "num_key_value_heads")
    divides("num_attention_groups", groups, heads)
    gated = f.flag("use_head_wise_attn_gate", default=True)
    full = Attention(
        hidden=hidden, heads=heads, kv_heads=groups, head_dim=f.size("head_dim"), head_norm=True, head_gate=gated
    )
    heads, groups = _step_sliding_heads(f, full)
    local = replace(full, heads=heads, kv_heads=groups, window=f.size("sliding_window") if SLIDING in kinds else 0)
    corrected = f.flag("use_moe_router_bias", default=True)
    sparse = experts(f, shared=f.size("share_expert_dim", "share_expert_dims"), router_bias=corrected)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    if f.has("mlp_layer_types"):
        routed = [kind == "sparse" for kind in f.per_layer("mlp_layer_types", count, ("dense", "sparse"))]
    else:
        sparse_layers = {each.strip() for each in f.text("moe_layers_enum").split(",")}
        routed = [str(layer) in sparse_layers for layer in range(count)]
    layers = [
        Layer(local if kind == SLIDING else full, sparse if here else plain, norms(hidden, 2))
        for kind, here in zip(kinds, routed, strict=True)
    ]
    return stack(f, layers)


def _step_sliding_heads(f: Fields, full: Attention) -> tuple[int, int]:
    """Query and key-value heads of the windowed layers, in a section of their own or under a newer name."""
    if "num_sliding_attention_heads" in f.config:
        heads, groups = f.size("num_sliding_attention_heads", default=full.heads), full.kv_heads
    else:
        other = f.required_section("attention_other_setting")
        heads, groups = other.size("num_attention_heads"), other.size("num_attention_groups")
        other.refuse_unless("head_dim", full.head_dim)
    divides("attention_other_setting.num_attention_groups", groups, heads)
    return heads, groups
