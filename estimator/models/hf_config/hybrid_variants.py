"""Readers of newer hybrids and recurrent models: Ling hybrids, LFM3, Lara, RWKV-4 and -7, RecurrentGemma."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, attention, divides, hidden_size, norms, stack, window_of
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.hybrid import LINEAR, gated_delta_net
from estimator.models.hf_config.latent import latent_attention
from estimator.models.hf_config.moe import SHARED, dense_first, experts, shared_width
from estimator.models.hf_config.registry import reads
from estimator.models.hf_config.shared_experts import with_next_token
from estimator.models.mixers import (
    GatedLinearRecurrence,
    KimiDeltaAttention,
    LightningAttention,
    Mixer,
    Rwkv4,
    Rwkv7,
    ShortConvolution,
)
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@reads(BailingMoeV2_5ForCausalLM="bailing_moe_v2_5")
def bailing_lightning(f: Fields) -> Architecture:
    """Ling and Ring 2.5 and 2.6: lightning attention, every `layer_group_size`-th layer latent attention; experts.

    Their own modeling_bailing_moe_v2_5.py also makes layers after the last whole group latent ones.
    """
    f.refuse_unless("tie_word_embeddings", False)
    f.refuse_unless("use_bias", False)
    f.refuse_unless("use_qkv_bias", False)
    f.refuse_unless("moe_shared_expert_intermediate_size", f.config.get("moe_intermediate_size"))
    count, hidden, every = f.layers(), hidden_size(f), f.size("layer_group_size")
    latent = latent_attention(f)
    heads = f.size("num_attention_heads")
    lightning = LightningAttention(
        hidden=hidden,
        heads=heads,
        head_dim=f.size("head_dim", default=hidden // heads),
        head_norm=f.flag("use_qk_norm"),
    )
    corrected = f.flag("moe_router_enable_expert_bias")
    sparse = experts(f, shared=shared_width(f), router_bias=corrected)
    whole_groups = count - count % every
    mixers: list[Mixer] = [
        lightning if (layer + 1) % every and layer < whole_groups else latent for layer in range(count)
    ]
    around = norms(hidden, 2)
    layers = [Layer(mixer, mlp, around) for mixer, mlp in zip(mixers, dense_first(f, count, sparse), strict=True)]
    return with_next_token(f, layers, Layer(latent, sparse, around), rotary=latent.rope_dim)


@reads(BailingHybridForCausalLM="bailing_hybrid", BailingMoeV3ForCausalLM="")
def bailing_hybrid(f: Fields) -> Architecture:
    """Ling and Ring with Kimi delta attention: every sixth layer latent attention with a gate per head.

    Modules for multi-token prediction are stored behind the stack and not modelled.
    """
    f.refuse_unless("tie_word_embeddings", False)
    count, hidden = f.layers(), hidden_size(f)
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, LINEAR))
    else:
        every = f.size("layer_group_size", default=6)
        kinds = [LINEAR if (layer + 1) % every else FULL for layer in range(count)]
    own_names = f.has("linear_num_heads") or f.has(
        "linear_head_dim"
    )  # as transformers writes it, with the latent layers' width as head_dim
    delta = KimiDeltaAttention(
        hidden=hidden,
        heads=f.size("linear_num_heads" if own_names else "num_attention_heads"),
        head_dim=f.size("linear_head_dim" if own_names else "head_dim"),
        kernel=f.factor("linear_conv_kernel_dim", "short_conv_kernel_size", default=4),
        full_rank_gate=True,
        full_rank_decay=True,
    )
    config = f if "q_lora_rank" in f.config else Fields({**f.config, "q_lora_rank": None}, f.path, f.class_name)
    latent = replace(latent_attention(config), head_gate=True)
    mixers: dict[str, Mixer] = {LINEAR: delta, FULL: latent}
    sparse = experts(f, shared=f.count(*SHARED, default=1) * f.size("moe_intermediate_size"), router_bias=True)
    mlps = dense_first(f, count, sparse, dense=2)
    layers = [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind, mlp in zip(kinds, mlps, strict=True)]
    return stack(f, layers, rotary=latent.rope_dim)


@reads(Lfm3ForCausalLM="lfm3")
def lfm3(f: Fields) -> Architecture:
    """LFM3: short convolutions, windowed and full attention with a gate per head, norms after each half as well."""
    count, hidden = f.layers(), hidden_size(f)
    bias = f.flag("attention_bias")
    gated = f.flag("use_attention_gate", default=True)
    full = replace(attention(f, qkv_bias=bias, output_bias=bias, head_norm=True), head_gate=gated)
    conv = ShortConvolution(hidden, f.factor("conv_L_cache", default=7), f.flag("conv_bias"))
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, SLIDING, "conv"))
    else:
        places = ((layer % 4, layer) for layer in range(count))
        kinds = [FULL if step == 2 else SLIDING if step == 0 and layer else "conv" for step, layer in places]
    window = f.size("sliding_window") if SLIDING in kinds else 0
    mixers: dict[str, Mixer] = {FULL: full, SLIDING: replace(full, window=window), "conv": conv}
    around = norms(hidden, 4 if f.flag("use_sandwich_norm", default=True) else 2)
    mlp = DenseMlp(hidden, f.size("intermediate_size"))
    return stack(f, [Layer(mixers[kind], mlp, around) for kind in kinds], tied=True)


@reads(LaraMiniForCausalLM="lara_mini")
def lara_mini(f: Fields) -> Architecture:
    """Lara mini: gated delta-nets, windowed and full attention in a period of five, experts with a shared one
    everywhere.
    """
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    full = attention(f, qkv_bias=bias, output_bias=bias, head_norm=True)
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, SLIDING, LINEAR))
    else:
        period = (LINEAR, SLIDING, LINEAR, FULL, SLIDING)
        kinds = [period[layer % len(period)] for layer in range(count)]
    if SLIDING in kinds and not f.has("sliding_window"):
        raise f.missing("sliding_window")
    mixers: dict[str, Mixer] = {FULL: full, SLIDING: replace(full, window=window_of(f)), LINEAR: gated_delta_net(f)}
    mlp = experts(f, shared=f.size("shared_expert_intermediate_size"))
    return stack(f, [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind in kinds], tied=True)


@reads(RwkvForCausalLM="rwkv")
def rwkv4(f: Fields) -> Architecture:
    """RWKV-4: a norm of its own before the first block; the feed-forward half looks one token back as well."""
    hidden = hidden_size(f)
    inner = f.size("attention_hidden_size", default=hidden)
    mlp = DenseMlp(hidden, f.size("intermediate_size", default=4 * hidden), gated=False)
    channel = (
        Tensor("ffn.receptance", "mlp", hidden, hidden),
        Tensor("ffn.time_mix", "norm", hidden, copies=2, split="whole"),
    )
    layer = Layer(Rwkv4(hidden, inner), mlp, (*norms(hidden, 2, True), *channel))
    first = norms(hidden, 1, True)
    return stack(f, [layer] * f.layers(), norm_bias=True, final=first, rotary=0)


@reads(RWKV7ForCausalLM="rwkv7", Rwkv7ForCausalLM="")
def rwkv7(f: Fields) -> Architecture:
    """RWKV-7 "Goose" under the names of flash-linear-attention; its size is that of the paper's appendix."""
    f.refuse_unless("attn")
    hidden, head = hidden_size(f), f.size("head_dim", default=64)
    divides("head_dim", head, hidden)
    mixer = Rwkv7(
        hidden=hidden,
        head_dim=head,
        decay_rank=f.size("decay_low_rank_dim"),
        rate_rank=f.size("a_low_rank_dim"),
        value_rank=f.size("v_low_rank_dim"),
        gate_rank=f.size("gate_low_rank_dim"),
    )
    width = f.size("intermediate_size", default=f.factor("hidden_ratio", default=4) * hidden)
    mlp = DenseMlp(hidden, width, gated=False)
    mix = Tensor("ffn.x_k", "norm", hidden, split="whole")
    layer = Layer(mixer, mlp, (*norms(hidden, 2, True), mix))
    first = replace(layer, mixer=replace(mixer, value_rank=0))
    before = norms(hidden, 1, True) if f.flag("norm_first", default=True) else ()
    return stack(f, [first, *[layer] * (f.layers() - 1)], norm_bias=True, final=before, rotary=0)


@reads(RecurrentGemmaForCausalLM="recurrent_gemma")
def recurrent_gemma(f: Fields) -> Architecture:
    """RecurrentGemma (Griffin): two recurrent blocks to one of windowed attention; each MLP is half of
    `intermediate_size` wide.
    """
    hidden, bias = hidden_size(f), f.flag("attention_bias")
    heads = f.size("num_attention_heads")
    recurrent = GatedLinearRecurrence(
        hidden=hidden,
        inner=f.size("lru_width", default=hidden),
        heads=heads,
        kernel=f.factor("conv1d_width", default=4),
    )
    local = attention(f, window=f.size("attention_window_size", default=2048), qkv_bias=bias, output_bias=True)
    period = f.words("block_types") if f.has("block_types") else ["recurrent", "recurrent", "attention"]
    if not period or set(period) - {"recurrent", "attention"}:
        raise f.wrong("block_types", period, "expected recurrent and attention")
    mlp = DenseMlp(hidden, f.size("intermediate_size") // 2, bias=True)
    mixers: dict[str, Mixer] = {"recurrent": recurrent, "attention": local}
    kinds = [period[layer % len(period)] for layer in range(f.layers())]
    return stack(f, [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind in kinds], tied=True)
