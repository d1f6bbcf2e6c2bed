"""Readers of Mamba and the hybrids around it."""

from dataclasses import replace

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import attention, divides, hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import experts
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Mamba1, Mamba2, Mixer, Parallel
from estimator.models.mlps import DenseMlp, MixtureOfExperts, Mlp
from estimator.models.tensors import Tensor


@reads(MambaForCausalLM="mamba", FalconMambaForCausalLM="falcon_mamba")
def mamba1(f: Fields) -> Architecture:
    """Mamba and FalconMamba: nothing but Mamba-1; FalconMamba's extra norms have no parameters."""
    hidden = f.size("hidden_size", "d_model")
    mixer = Mamba1(
        hidden=hidden,
        inner=f.size("intermediate_size", default=f.factor("expand", default=2) * hidden),
        state=f.size("state_size", default=16),
        kernel=f.factor("conv_kernel", default=4),
        rank=_time_step_rank(f, hidden, "time_step_rank"),
        conv_bias=f.flag("use_conv_bias", default=True),
        proj_bias=f.flag("use_bias"),
    )
    return stack(f, [Layer(mixer, None, norms(hidden, 1))] * f.layers(), tied=True, rotary=0)


@reads(Mamba2ForCausalLM="mamba2")
def mamba2(f: Fields) -> Architecture:
    """Mamba-2 alone (arXiv:2405.21060): one norm and one mixer a block, no feed-forward layer."""
    hidden = hidden_size(f)
    mixer = Mamba2(
        hidden=hidden,
        heads=f.size("num_heads"),
        head_dim=f.size("head_dim"),
        groups=f.size("n_groups"),
        state=f.size("state_size"),
        kernel=f.factor("conv_kernel", default=4),
        conv_bias=f.flag("use_conv_bias", default=True),
        proj_bias=f.flag("use_bias"),
    )
    return stack(f, [Layer(mixer, None, norms(hidden, 1))] * f.layers(), rotary=0)


@reads(BambaForCausalLM="bamba")
def bamba(f: Fields) -> Architecture:
    """Bamba: Mamba-2, and attention in the listed layers."""
    hidden, bias = hidden_size(f), f.flag("attention_bias")
    full_layers = f.places("attn_layer_indices", f.layers()) if f.has("attn_layer_indices") else set()
    mlp = DenseMlp(hidden, f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    full, mamba = attention(f, qkv_bias=bias, output_bias=bias), mamba2_of(f)
    layers = [Layer(full if layer in full_layers else mamba, mlp, norms(hidden, 2)) for layer in range(f.layers())]
    return stack(f, layers)


@reads(FalconH1ForCausalLM="falcon_h1")
def falcon_h1(f: Fields) -> Architecture:
    """Falcon-H1: attention and Mamba-2 side by side in every block."""
    f.refuse_unless("projectors_bias", False)
    f.refuse_unless("mamba_proj_bias", False)
    hidden, bias = hidden_size(f), f.flag("attention_bias")
    mamba = replace(mamba2_of(f), norm=f.flag("mamba_rms_norm"))
    mixer = Parallel((attention(f, qkv_bias=bias, output_bias=bias), mamba))
    mlp = DenseMlp(hidden, f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    return stack(f, [Layer(mixer, mlp, norms(hidden, 2))] * f.layers())


@reads(JambaForCausalLM="jamba")
def jamba(f: Fields) -> Architecture:
    """Jamba: Mamba-1 with inner norms, one attention layer a period, experts every other layer."""
    hidden = hidden_size(f)
    mamba = Mamba1(
        hidden=hidden,
        inner=f.factor("mamba_expand", default=2) * hidden,
        state=f.size("mamba_d_state", default=16),
        kernel=f.factor("mamba_d_conv", default=4),
        rank=_time_step_rank(f, hidden, "mamba_dt_rank"),
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
    every = f.size(period, default=usual_period)
    return range(f.count(offset, default=usual_offset, most=every - 1), f.layers(), every)


def _time_step_rank(f: Fields, hidden: int, name: str) -> int:
    automatic = -(-hidden // 16)
    return automatic if f.config.get(name) == "auto" else f.size(name, default=automatic)


@reads(GraniteMoeHybridForCausalLM="granitemoehybrid")
def granite_hybrid(f: Fields) -> Architecture:
    """Granite 4: Mamba-2 and a few attention layers; every layer has the shared MLP, and experts where there
    are any.
    """
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    full = attention(f, qkv_bias=bias, output_bias=bias)
    kinds = mamba_or_attention(f, count)
    shared = f.size("shared_intermediate_size")
    mlp: Mlp = DenseMlp(hidden, shared)
    if f.count("num_local_experts"):
        mlp = experts(f, "intermediate_size", shared=shared)
    mixers: dict[str, Mixer] = {"attention": full}
    if "mamba" in kinds:
        mixers["mamba"] = mamba2_of(f)
    return stack(f, [Layer(mixers[kind], mlp, norms(hidden, 2)) for kind in kinds])


def mamba_or_attention(f: Fields, layers: int) -> list[str]:
    """The kind of each layer, from `layer_types` under its older and newer words; all Mamba where it is absent."""
    if not f.has("layer_types"):
        return ["mamba"] * layers
    kinds = f.per_layer("layer_types", layers, (*_MODERN, *_MODERN.values()))
    return [_MODERN.get(kind, kind) for kind in kinds]


_MODERN = {"linear_attention": "mamba", "full_attention": "attention"}


def mamba2_of(f: Fields) -> Mamba2:
    """A Mamba-2 mixer from the field names of Bamba and Granite. Raises InputError where heads, groups and width
    contradict.
    """
    hidden, heads = hidden_size(f), f.size("mamba_n_heads")
    groups = f.size("mamba_n_groups", default=1)
    inner = f.size("mamba_d_ssm", default=f.factor("mamba_expand", default=2) * hidden)
    head = inner // heads if f.config.get("mamba_d_head") == "auto" else f.size("mamba_d_head")
    if heads * head != inner:
        raise InputError("mamba_n_heads", f"{heads} heads of {head} are not the inner width {inner}")
    divides("mamba_n_groups", groups, heads)
    return Mamba2(
        hidden=hidden,
        heads=heads,
        head_dim=head,
        groups=groups,
        state=f.size("mamba_d_state"),
        kernel=f.factor("mamba_d_conv", default=4),
        conv_bias=f.flag("mamba_conv_bias", default=True),
        proj_bias=f.flag("mamba_proj_bias"),
    )


@reads(NemotronHForCausalLM="nemotron_h")
def nemotron_h(f: Fields) -> Architecture:
    """Nemotron-H: one norm and one part per block, by letter: M Mamba-2, * attention, - MLP, E experts."""
    for switch in ("attention_bias", "tie_word_embeddings"):  # the class has neither, whatever a file says
        f.refuse_unless(switch, False)
    f.refuse_unless("n_shared_experts", 0, 1)
    hidden, around = hidden_size(f), norms(hidden_size(f), 1)
    pattern = _pattern(f, "hybrid_override_pattern", "layers_block_type")
    if f.has("num_hidden_layers") and len(pattern) != f.layers():
        raise InputError("hybrid_override_pattern", f"{len(pattern)} blocks for {f.layers()} layers")
    modules = f.prediction_modules()
    predicting = _pattern(f, "mtp_hybrid_override_pattern", "mtp_layers_block_type") if modules else ""
    blocks = {kind: Layer(*_nemotron_block(f, kind), around) for kind in {*pattern, *predicting}}
    module = [tensor for kind in predicting for tensor in blocks[kind].tensors]
    joining = (Tensor("eh_proj", "router", hidden, 2 * hidden), *norms(hidden, 3))
    mtp = (*module, *joining) * modules
    return stack(f, [blocks[kind] for kind in pattern], mtp=mtp, mtp_layers=modules)


_BLOCKS = {"mamba": "M", "linear_attention": "M", "attention": "*", "full_attention": "*", "mlp": "-", "moe": "E"}


def _pattern(f: Fields, name: str, spelled_out: str) -> str:
    """One letter per block: the pattern itself, or the list of block names that newer files carry."""
    if f.has(name):
        pattern = f.text(name)
        for kind in set(pattern) - set(_BLOCKS.values()):
            raise InputError(name, f"{kind!a} is not a block; known are M, *, -, E")
        return pattern
    kinds = f.words(spelled_out)
    return "".join(_BLOCKS[kind] for kind in f.per_layer(spelled_out, len(kinds), tuple(_BLOCKS)))


def _nemotron_block(f: Fields, kind: str) -> tuple[Mixer | None, Mlp | None]:
    """The one part of a block."""
    hidden = hidden_size(f)
    if kind == "*":
        return attention(f), None
    if kind == "-":
        return None, DenseMlp(hidden, f.size("intermediate_size"), gated=False, bias=f.flag("mlp_bias"))
    if kind == "E":
        return None, _nemotron_experts(f, hidden)
    mamba = Mamba2(
        hidden=hidden,
        heads=f.size("mamba_num_heads"),
        head_dim=f.size("mamba_head_dim"),
        groups=f.size("n_groups"),
        state=f.size("ssm_state_size"),
        kernel=f.factor("conv_kernel"),
        conv_bias=f.flag("use_conv_bias", default=True),
        proj_bias=f.flag("use_bias", default=f.flag("mamba_proj_bias")),
    )
    return mamba, None


def _nemotron_experts(f: Fields, hidden: int) -> MixtureOfExperts:
    """Squared-ReLU experts, in a narrower space where `moe_latent_size` says so."""
    f.refuse_unless("mlp_bias", False)
    width = f.size("moe_shared_expert_intermediate_size") * f.count("n_shared_experts", default=1)
    return MixtureOfExperts(
        hidden=hidden,
        experts=f.size("n_routed_experts", most=1 << 16),
        per_token=f.size("num_experts_per_tok"),
        intermediate=f.size("moe_intermediate_size"),
        shared=DenseMlp(hidden, width, gated=False, role="shared_expert") if width else None,
        gated=False,
        router_bias=True,
        expert_hidden=f.size("moe_latent_size", default=0),
    )
