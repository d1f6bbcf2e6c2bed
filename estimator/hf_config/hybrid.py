"""Hybrids: recurrent layers among a few attention layers."""

from collections.abc import Callable

from estimator.architecture import Architecture, Layer
from estimator.errors import InputError
from estimator.hf_config.decoder import FULL, attention, hidden_size, norms, stack
from estimator.hf_config.fields import Fields
from estimator.hf_config.moe import experts, qwen_mlps
from estimator.hf_config.registry import reads
from estimator.mixers import (
    Attention,
    GatedDeltaNet,
    LightningAttention,
    Mamba1,
    Mamba2,
    Mixer,
    ShortConvolution,
)
from estimator.mlps import DenseMlp, MixtureOfExperts, Mlp
from estimator.tensors import Tensor

LINEAR = "linear_attention"


def gated_delta_net(f: Fields) -> GatedDeltaNet:
    return GatedDeltaNet(
        hidden_size(f),
        f.size("linear_num_key_heads"),
        f.size("linear_num_value_heads"),
        f.size("linear_key_head_dim"),
        f.size("linear_value_head_dim"),
        f.size("linear_conv_kernel_dim", most=64),
    )


def gated_attention(f: Fields) -> Attention:
    """Full attention whose q_proj also yields an output gate."""
    plain = attention(f, head_norm=True)
    f.refuse_unless("attention_bias", False)
    return Attention(
        plain.hidden,
        plain.heads,
        plain.kv_heads,
        plain.head_dim,
        head_norm=True,
        gated=f.flag("attn_output_gate", default=True),
    )


@reads(Qwen3NextForCausalLM="qwen3_next", Qwen3_5ForCausalLM="qwen3_5_text", Qwen3_5MoeForCausalLM="qwen3_5_moe_text")
def qwen3_next(f: Fields) -> Architecture:
    """Three gated delta-nets to one gated attention; Qwen3.5 is the same, dense or with experts."""
    count, hidden = f.layers(), hidden_size(f)
    linear, full, around = gated_delta_net(f), gated_attention(f), norms(hidden, 2)
    every = f.size("full_attention_interval", default=4)
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, LINEAR))
    else:
        kinds = [FULL if (layer + 1) % every == 0 else LINEAR for layer in range(count)]
    mlps: list[Mlp] = [DenseMlp(hidden, f.size("intermediate_size"))] * count if _is_dense(f) else _routed(f)
    layers = [Layer(full if kind == FULL else linear, mlp, around) for kind, mlp in zip(kinds, mlps, strict=True)]
    modules = f.count("mtp_num_hidden_layers", "num_nextn_predict_layers", most=64)
    block = Layer(full, mlps[-1], around)
    mtp = (*block.tensors * modules, Tensor("mtp.fc", "mlp", hidden, 2 * hidden), *norms(hidden, 3))
    return stack(f, layers, mtp=mtp if modules else (), mtp_layers=modules)


def _is_dense(f: Fields) -> bool:
    return f.class_name == "Qwen3_5ForCausalLM" or not f.count("num_experts")


def _routed(f: Fields) -> list[Mlp]:
    sparse = experts(f, shared=f.size("shared_expert_intermediate_size"), shared_gate=True)
    return qwen_mlps(f, sparse)


@reads(JambaForCausalLM="jamba")
def jamba(f: Fields) -> Architecture:
    """Mamba-1 with inner norms, one attention layer a period, experts every other layer."""
    hidden = hidden_size(f)
    mamba = Mamba1(
        hidden,
        f.size("mamba_expand", default=2, most=64) * hidden,
        f.size("mamba_d_state", default=16),
        f.size("mamba_d_conv", default=4, most=64),
        _time_step_rank(f, hidden),
        inner_norms=True,
        conv_bias=f.flag("mamba_conv_bias", default=True),
        proj_bias=f.flag("mamba_proj_bias"),
    )
    full = attention(f)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    sparse = experts(f, "intermediate_size") if f.count("num_experts", default=16) > 1 else plain
    attention_at = _every(f, "attn_layer_period", 8, "attn_layer_offset", 4)
    experts_at = _every(f, "expert_layer_period", 2, "expert_layer_offset", 1)
    layers = [
        Layer(full if layer in attention_at else mamba, sparse if layer in experts_at else plain, norms(hidden, 2))
        for layer in range(f.layers())
    ]
    return stack(f, layers, rotary=0)


def _every(f: Fields, period: str, usual_period: int, offset: str, usual_offset: int) -> range:
    return range(f.count(offset, default=usual_offset), f.layers(), f.size(period, default=usual_period))


def _time_step_rank(f: Fields, hidden: int) -> int:
    automatic = -(-hidden // 16)
    return automatic if f.config.get("mamba_dt_rank") == "auto" else f.size("mamba_dt_rank", default=automatic)


@reads(GraniteMoeHybridForCausalLM="granitemoehybrid")
def granite_hybrid(f: Fields) -> Architecture:
    """Mamba-2 and a few attention layers; every layer has the shared MLP, and experts where there are any."""
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    full = attention(f, qkv_bias=bias, output_bias=bias)
    kinds = f.per_layer("layer_types", count, ("mamba", "attention")) if f.has("layer_types") else ["mamba"] * count
    shared = f.size("shared_intermediate_size")
    mlp: Mlp = DenseMlp(hidden, shared)
    if f.count("num_local_experts"):
        mlp = experts(f, "intermediate_size", shared=shared)
    mixers: dict[str, Mixer] = {"attention": full}
    if "mamba" in kinds:
        mixers["mamba"] = granite_mamba(f)
    return stack(f, [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind in kinds], tied=True)


def granite_mamba(f: Fields) -> Mamba2:
    hidden = hidden_size(f)
    heads = f.size("mamba_n_heads")
    inner = f.size("mamba_expand", default=2, most=64) * hidden
    head = inner // heads if f.config.get("mamba_d_head") == "auto" else f.size("mamba_d_head")
    return Mamba2(
        hidden,
        heads,
        head,
        f.size("mamba_n_groups", default=1),
        f.size("mamba_d_state"),
        f.size("mamba_d_conv", default=4, most=64),
        conv_bias=f.flag("mamba_conv_bias", default=True),
        proj_bias=f.flag("mamba_proj_bias"),
    )


@reads(Lfm2ForCausalLM="lfm2")
def lfm2(f: Fields) -> Architecture:
    count, hidden = f.layers(), hidden_size(f)
    conv = ShortConvolution(hidden, f.size("conv_L_cache", default=3, most=64), f.flag("conv_bias"))
    mixers: dict[str, Mixer] = {FULL: attention(f, head_norm=True), "conv": conv}
    mlp = DenseMlp(hidden, _lfm2_width(f))
    kinds = f.per_layer("layer_types", count, (FULL, "conv"))
    return stack(f, [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind in kinds], tied=True)


def _lfm2_width(f: Fields) -> int:
    """Two thirds of `intermediate_size`, rounded up, unless block_auto_adjust_ff_dim is off."""
    width = f.size("intermediate_size", "block_ff_dim")
    if not f.flag("block_auto_adjust_ff_dim", default=True):
        return width
    multiple = f.size("block_multiple_of", default=256)
    scaled = int(f.number("block_ffn_dim_multiplier", default=1) * int(2 * width / 3))
    return -(-scaled // multiple) * multiple


@reads(MiniMaxM1ForCausalLM="minimax_m1", MiniMaxText01ForCausalLM="minimax_text_01", MiniMaxForCausalLM="minimax")
def minimax_m1(f: Fields) -> Architecture:
    """Lightning attention, and softmax attention in every eighth layer."""
    count, hidden = f.layers(), hidden_size(f)
    full = attention(f)
    linear = LightningAttention(hidden, full.heads, full.head_dim)
    mlp = experts(f, "intermediate_size")
    if f.has("layer_types"):
        softmax = [kind == FULL for kind in f.per_layer("layer_types", count, (FULL, LINEAR))]
    else:
        softmax = [kind == 1 for kind in f.integers("attn_type_list")]
        if len(softmax) != count:
            raise InputError("attn_type_list", f"{len(softmax)} entries for {count} layers")
    return stack(f, [Layer(full if each else linear, mlp, norms(hidden, 2)) for each in softmax])


@reads(NemotronHForCausalLM="nemotron_h")
def nemotron_h(f: Fields) -> Architecture:
    """One norm and one part per block: M Mamba-2, * attention, - MLP, E experts."""
    hidden = hidden_size(f)
    blocks = _nemotron_blocks(f)
    pattern = _pattern(f, "hybrid_override_pattern", "layers_block_type")
    if f.has("num_hidden_layers") and len(pattern) != f.layers():
        raise InputError("hybrid_override_pattern", f"{len(pattern)} blocks for {f.layers()} layers")
    around = norms(hidden, 1)
    layers = [Layer(*blocks[kind](), around) for kind in pattern]
    modules = f.count("num_nextn_predict_layers", most=64)
    mtp: tuple[Tensor, ...] = ()
    if modules:
        kinds = _pattern(f, "mtp_hybrid_override_pattern", "mtp_layers_block_type")
        parts = [Layer(*blocks[kind](), around) for kind in kinds]
        module = [tensor for part in parts for tensor in part.tensors]
        mtp = (*module, Tensor("eh_proj", "router", hidden, 2 * hidden), *norms(hidden, 3)) * modules
    return stack(f, layers, mtp=mtp, mtp_layers=modules)


_BLOCKS = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}


def _pattern(f: Fields, name: str, spelled_out: str) -> str:
    """One letter per block: the pattern itself, or the list of block names that newer files carry."""
    if f.has(name):
        pattern = f.text(name)
        for kind in set(pattern) - set(_BLOCKS.values()):
            raise InputError(name, f"{kind!a} is not a block; known are M, *, -, E")
        return pattern
    kinds = f.words(spelled_out)
    return "".join(_BLOCKS[kind] for kind in f.per_layer(spelled_out, len(kinds), tuple(_BLOCKS)))


def _nemotron_blocks(f: Fields) -> dict[str, Callable[[], tuple[Mixer | None, Mlp | None]]]:
    hidden = hidden_size(f)
    bias = f.flag("attention_bias")

    def mamba() -> tuple[Mixer, None]:
        return (
            Mamba2(
                hidden,
                f.size("mamba_num_heads"),
                f.size("mamba_head_dim"),
                f.size("n_groups"),
                f.size("ssm_state_size"),
                f.size("conv_kernel", most=64),
                conv_bias=f.flag("use_conv_bias", default=True),
                proj_bias=f.flag("mamba_proj_bias", default=f.flag("use_bias")),
            ),
            None,
        )

    def full() -> tuple[Mixer, None]:
        return attention(f, qkv_bias=bias, output_bias=bias), None

    def dense() -> tuple[None, Mlp]:
        return None, DenseMlp(hidden, f.size("intermediate_size"), gated=False, bias=f.flag("mlp_bias"))

    def routed() -> tuple[None, Mlp]:
        width = f.size("moe_shared_expert_intermediate_size") * f.count("n_shared_experts", default=1)
        return None, MixtureOfExperts(
            hidden,
            f.size("n_routed_experts"),
            f.size("num_experts_per_tok"),
            f.size("moe_intermediate_size"),
            shared=DenseMlp(hidden, width, gated=False, role="shared_expert") if width else None,
            gated=False,
            router_bias=True,
            expert_hidden=f.size("moe_latent_size", default=0),
        )

    return {"M": mamba, "*": full, "-": dense, "E": routed}


@reads(DeciLMForCausalLM="nemotron-nas")
def nemotron_nas(f: Fields) -> Architecture:
    """Each layer as its entry of `block_configs` says: attention or none, an MLP of its own width or none."""
    hidden, heads = hidden_size(f), f.size("num_attention_heads")
    layers = []
    for block in f.sections("block_configs"):
        inner, ffn = block.required_section("attention"), block.required_section("ffn")
        for part in (inner, ffn):
            part.refuse_unless("replace_with_linear", False)
        inner.refuse_unless("window_length")
        inner.refuse_unless("num_sink_tokens")
        mixer = None
        if not inner.flag("no_op"):
            kv_heads = heads // inner.size("n_heads_in_group", most=heads)
            mixer = Attention(hidden, heads, kv_heads, f.size("head_dim", default=hidden // heads))
        mlp = None if ffn.flag("no_op") else DenseMlp(hidden, _nas_width(hidden, ffn.number("ffn_mult")))
        layers.append(Layer(mixer, mlp, norms(hidden, (mixer is not None) + (mlp is not None))))
    if len(layers) != f.layers():
        raise InputError("block_configs", f"{len(layers)} entries for {f.layers()} layers")
    return stack(f, layers)


def _nas_width(hidden: int, multiplier: float) -> int:
    return -(-int(2 * multiplier * hidden / 3) // 256) * 256
