"""Readers of hybrids: linear attention or convolutions among a few layers of full attention; Nemotron's searched
layers.
"""

from dataclasses import replace

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, attention, divides, head_dim, hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.latent import latent_attention
from estimator.models.hf_config.moe import dense_first, experts, qwen_mlps, shared_width
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import (
    Attention,
    GatedDeltaNet,
    KimiDeltaAttention,
    LightningAttention,
    Mixer,
    ShortConvolution,
)
from estimator.models.mlps import DenseMlp, Mlp
from estimator.models.tensors import Tensor

LINEAR = "linear_attention"


def gated_delta_net(f: Fields) -> GatedDeltaNet:
    """A gated delta net from Qwen's names. Raises InputError where value heads do not share the key heads evenly."""
    keys, values = f.size("linear_num_key_heads"), f.size("linear_num_value_heads")
    divides("linear_num_key_heads", keys, values)
    return GatedDeltaNet(
        hidden=hidden_size(f),
        key_heads=keys,
        value_heads=values,
        key_dim=f.size("linear_key_head_dim"),
        value_dim=f.size("linear_value_head_dim"),
        kernel=f.factor("linear_conv_kernel_dim"),
    )


def gated_attention(f: Fields) -> Attention:
    """Qwen3-Next's full attention, whose q_proj also yields an output gate."""
    plain = attention(f, head_norm=True)
    f.refuse_unless("attention_bias", False)
    return replace(plain, gated=f.flag("attn_output_gate", default=True))


@reads(Qwen3NextForCausalLM="qwen3_next", Qwen3_5ForCausalLM="qwen3_5_text", Qwen3_5MoeForCausalLM="qwen3_5_moe_text")
def qwen3_next(f: Fields) -> Architecture:
    """Qwen3-Next and Qwen3.5: three gated delta-nets to one gated attention, dense or with experts."""
    count, hidden = f.layers(), hidden_size(f)
    linear, full, around = gated_delta_net(f), gated_attention(f), norms(hidden, 2)
    every = f.size("full_attention_interval", default=4)
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, LINEAR))
    else:
        kinds = [FULL if (layer + 1) % every == 0 else LINEAR for layer in range(count)]
    mlps: list[Mlp] = [DenseMlp(hidden, f.size("intermediate_size"))] * count if _is_dense(f) else _routed(f)
    layers = [Layer(full if kind == FULL else linear, mlp, around) for kind, mlp in zip(kinds, mlps, strict=True)]
    modules = f.prediction_modules("mtp_num_hidden_layers", "num_nextn_predict_layers")
    block = Layer(full, mlps[-1], around)
    mtp = (*block.tensors * modules, Tensor("mtp.fc", "mlp", hidden, 2 * hidden), *norms(hidden, 3))
    return stack(f, layers, mtp=mtp if modules else (), mtp_layers=modules)


def _is_dense(f: Fields) -> bool:
    return f.class_name == "Qwen3_5ForCausalLM" or not f.count("num_experts")


def _routed(f: Fields) -> list[Mlp]:
    sparse = experts(f, shared=f.size("shared_expert_intermediate_size"), shared_gate=True)
    return qwen_mlps(f, sparse)


@reads(OlmoHybridForCausalLM="olmo_hybrid")
def olmo_hybrid(f: Fields) -> Architecture:
    """OLMo hybrid: gated delta-nets with a norm before, attention with a norm after each half."""
    bias, hidden = f.flag("attention_bias"), hidden_size(f)
    mixers: dict[str, Mixer] = {
        LINEAR: gated_delta_net(f),
        FULL: attention(f, qkv_bias=bias, output_bias=bias, full_width_norm=True),
    }
    mlp, around = DenseMlp(hidden, f.size("intermediate_size")), norms(hidden, 2)
    kinds = f.per_layer("layer_types", f.layers(), (FULL, LINEAR))
    return stack(f, [Layer(mixers[kind], mlp, around) for kind in kinds], rotary=0)


@reads(KimiLinearForCausalLM="kimi_linear")
def kimi_linear(f: Fields) -> Architecture:
    """Kimi Linear: delta attention, and latent attention without rotary positions in every fourth layer or so.

    K3 adds gates to the latent attention, runs its experts in a narrower space and attends over earlier residuals.
    """
    f.refuse_unless("tie_word_embeddings", False)
    count, hidden = f.layers(), hidden_size(f)
    delta, full = _kimi_delta(f, count)
    latent = replace(latent_attention(f), separate_gate=f.flag("mla_use_output_gate"))
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    if f.has("routed_expert_hidden_size"):
        narrow = f.size("routed_expert_hidden_size")
        sparse = replace(sparse, expert_hidden=narrow, router_norm=narrow if f.flag("latent_moe_use_norm") else 0)
    residual = (Tensor("attn_res", "norm", hidden, 1, 4, split="whole"),) if f.has("attn_res_block_size") else ()
    around = (*norms(hidden, 2), *residual)
    layers = [
        Layer(latent if each else delta, mlp, around)
        for each, mlp in zip(full, dense_first(f, count, sparse), strict=True)
    ]
    return stack(f, layers, final_norms=3 if residual else 1, rotary=0)


def _kimi_delta(f: Fields, layers: int) -> tuple[KimiDeltaAttention, list[bool]]:
    """The linear mixer, and which layers are full attention instead."""
    hidden, linear = hidden_size(f), f.section("linear_attn_config")
    if not linear:
        delta = KimiDeltaAttention(
            hidden=hidden,
            heads=f.size("linear_num_heads"),
            head_dim=f.size("linear_head_dim"),
            kernel=f.factor("linear_conv_kernel_dim"),
        )
        return delta, [kind == FULL for kind in f.per_layer("layer_types", layers, (FULL, LINEAR))]
    delta = KimiDeltaAttention(
        hidden=hidden,
        heads=linear.size("num_heads"),
        head_dim=linear.size("head_dim"),
        kernel=linear.factor("short_conv_kernel_size"),
        full_rank_gate=linear.flag("use_full_rank_gate"),
    )
    full_layers = linear.places("full_attn_layers", layers, first=1)
    return delta, [layer in full_layers for layer in range(layers)]


@reads(Lfm2ForCausalLM="lfm2", Lfm2MoeForCausalLM="lfm2_moe")
def lfm2(f: Fields) -> Architecture:
    """LFM2: short convolutions and attention; the larger models route all but the first layers' MLPs."""
    count, hidden = f.layers(), hidden_size(f)
    conv = ShortConvolution(hidden, f.factor("conv_L_cache", default=3), f.flag("conv_bias"))
    mixers: dict[str, Mixer] = {FULL: attention(f, head_norm=True), "conv": conv}
    kinds = _lfm2_kinds(f, count)
    if f.class_name == "Lfm2MoeForCausalLM":
        dense = f.count("num_dense_layers", default=2)
        sparse = experts(f, router_bias=f.flag("use_expert_bias", default=True))
        plain: Mlp = DenseMlp(hidden, f.size("intermediate_size"))
        mlps: list[Mlp] = [plain if layer < dense else sparse for layer in range(count)]
    else:
        mlps = [DenseMlp(hidden, _lfm2_width(f))] * count
    layers = [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind, mlp in zip(kinds, mlps, strict=True)]
    return stack(f, layers, tied=True)


def _lfm2_kinds(f: Fields, layers: int) -> list[str]:
    if f.has("layer_types") or not f.has("full_attn_idxs"):
        return f.per_layer("layer_types", layers, (FULL, "conv"))
    full = f.places("full_attn_idxs", layers)
    return [FULL if layer in full else "conv" for layer in range(layers)]


def _lfm2_width(f: Fields) -> int:
    """Two thirds of `intermediate_size`, rounded up, unless block_auto_adjust_ff_dim is off."""
    width = f.size("block_ff_dim", "intermediate_size")
    if not f.flag("block_auto_adjust_ff_dim", default=True):
        return width
    multiple = f.size("block_multiple_of", default=256)
    scaled = int(f.number("block_ffn_dim_multiplier", default=1) * int(2 * width / 3))
    return -(-scaled // multiple) * multiple


@reads(MiniMaxM1ForCausalLM="minimax_m1", MiniMaxText01ForCausalLM="minimax_text_01", MiniMaxForCausalLM="minimax")
def minimax_m1(f: Fields) -> Architecture:
    """MiniMax-M1 and Text-01: lightning attention, and softmax attention in every eighth layer."""
    count, hidden = f.layers(), hidden_size(f)
    full = attention(f)
    linear = LightningAttention(hidden, full.heads, full.head_dim)
    mlp = experts(f, "intermediate_size")
    if f.has("layer_types"):
        softmax = [kind == FULL for kind in f.per_layer("layer_types", count, (FULL, LINEAR))]
    else:
        softmax = [kind == 1 for kind in f.choices("attn_type_list", count)]
    return stack(f, [Layer(full if each else linear, mlp, norms(hidden, 2)) for each in softmax])


@reads(DeciLMForCausalLM="nemotron-nas")
def nemotron_nas(f: Fields) -> Architecture:
    """Nemotron's searched layers: each as its entry of `block_configs` says, attention or none, an MLP of its own width
    or none.
    """
    f.refuse_unless("attention_bias", False)
    f.refuse_unless("mlp_bias", False)
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    head = head_dim(f, hidden, heads)
    layers = []
    for block in f.sections("block_configs"):
        inner, ffn = block.required_section("attention"), block.required_section("ffn")
        for part in (inner, ffn):
            part.refuse_unless("replace_with_linear", False)
        inner.refuse_unless("window_length")
        inner.refuse_unless("num_sink_tokens")
        inner.refuse_unless("mamba")
        ffn.refuse_unless("moe")
        mixer = (
            None
            if inner.flag("no_op")
            else Attention(hidden=hidden, heads=heads, kv_heads=_nas_groups(inner, heads), head_dim=head)
        )
        mlp = None if ffn.flag("no_op") else DenseMlp(hidden, _nas_width(ffn, hidden))
        layers.append(Layer(mixer, mlp, norms(hidden, (mixer is not None) + (mlp is not None))))
    if len(layers) != f.layers():
        raise InputError("block_configs", f"{len(layers)} entries for {f.layers()} layers")
    return stack(f, layers)


def _nas_groups(inner: Fields, heads: int) -> int:
    groups = inner.size("num_key_value_heads", default=0) or heads // inner.size("n_heads_in_group", most=heads)
    divides("block_configs.attention", groups, heads)
    return groups


def _nas_width(ffn: Fields, hidden: int) -> int:
    """Stated, or two thirds of a multiple of the hidden size, rounded up to 256."""
    if ffn.has("intermediate_size"):
        return ffn.size("intermediate_size")
    return -(-int(2 * ffn.number("ffn_mult") * hidden / 3) // 256) * 256
