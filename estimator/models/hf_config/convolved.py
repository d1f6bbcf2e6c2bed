"""Readers of attention with short convolutions beside it and a learned bias in place of rotation: Inkling; ZAYA."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import divides, hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import experts
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention, Convolutions, Parallel
from estimator.models.mlps import DenseMlp, MixtureOfExperts
from estimator.models.tensors import Tensor

HYBRID, LOCAL = "hybrid", "hybrid_sliding"
MTP = "its modules for drafting are not modelled and not counted"


def _kinds(f: Fields) -> list[str]:
    """Full attention or a window, layer by layer: as listed, else full in every sixth layer."""
    count = f.layers()
    if f.has("layer_types"):
        return f.per_layer("layer_types", count, (HYBRID, LOCAL))
    if f.has("local_layer_ids"):
        local = f.places("local_layer_ids", count)
        return [LOCAL if layer in local else HYBRID for layer in range(count)]
    return [HYBRID if (layer + 1) % 6 == 0 else LOCAL for layer in range(count)]


def _attention(f: Fields, kind: str) -> Attention:
    """The attention of one kind of layers, whose heads have fields of their own."""
    part = "swa_" if kind == LOCAL else ""
    heads, kv_heads = f.size(f"{part}num_attention_heads"), f.size(f"{part}num_key_value_heads")
    divides(f"{part}num_key_value_heads", kv_heads, heads)
    return Attention(
        hidden=hidden_size(f),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=f.size(f"{part}head_dim", default=128),
        window=f.size("sliding_window_size", "sliding_window") if kind == LOCAL else 0,
    )


def _relative(f: Fields, mixer: Attention) -> tuple[Tensor, ...]:
    """A bias of every head by distance, out to `rel_extent` tokens and no further than the window."""
    width, extent = f.size("d_rel"), f.size("rel_extent")
    return (
        Tensor("r_proj", "attention", mixer.heads * width, mixer.hidden),
        Tensor("rel_logits_proj", "norm", width, min(extent, mixer.window or extent), split="whole"),
    )


def _with_ends(f: Fields, architecture: Architecture) -> Architecture:
    """Its head without the rows that only pad the embedding; drafting modules named where there are any."""
    rows = f.size("unpadded_vocab_size", default=architecture.vocabulary)
    head = (Tensor("lm_head", "head", rows, architecture.hidden),)
    if not f.prediction_modules("num_mtp_layers"):
        return replace(architecture, head=head)
    return replace(architecture, head=head, mtp_missing=True, notes=(*architecture.notes, MTP))


@reads(InklingForCausalLM="inkling_text")
def inkling(f: Fields) -> Architecture:
    """Inkling: convolutions over keys, values and what each half adds; shared experts take part in the routing."""
    count, hidden, kernel = f.layers(), hidden_size(f), f.factor("conv_kernel_size", "sconv_kernel_size", default=4)
    own = f.has("dense_intermediate_size")
    width = f.size("intermediate_size" if own else "moe_intermediate_size")
    shared = f.count("n_shared_experts", default=2)
    dense = f.count("dense_mlp_idx", most=count)
    kinds = ["dense" if layer < dense else "sparse" for layer in range(count)]
    if f.has("mlp_layer_types"):
        kinds = f.per_layer("mlp_layer_types", count, ("dense", "sparse"))
    plain = DenseMlp(hidden, f.size("dense_intermediate_size", "intermediate_size"))
    config = Fields({**f.config, "moe_intermediate_size": width}, f.path, f.class_name)
    routed = replace(experts(config, shared=shared * width), router_bias=True)
    seats = shared if f.flag("shared_expert_sink", default=True) else 0
    scores = (Tensor("shared_router", "router", seats, hidden, split="whole"), Tensor("global_scale", "norm", 1))
    layers = []
    for kind, mlp_kind in zip(_kinds(f), kinds, strict=True):
        mixer = replace(_attention(f, kind), head_norm=True)
        convolved = Convolutions(channels=2 * mixer.kv_heads * mixer.head_dim + 2 * hidden, kernel=kernel)
        mlp = plain if mlp_kind == "dense" else routed
        extras = (*norms(hidden, 2), *_relative(f, mixer), *(scores if mlp is routed else ()))
        layers.append(Layer(Parallel((mixer, convolved)), mlp, extras))
    return _with_ends(f, stack(f, layers, rotary=0, final=norms(hidden, 1)))


@reads(Inkling2ForCausalLM="inkling2_text")
def inkling2(f: Fields) -> Architecture:
    """Inkling 2: gates and sinks that depend on the token, layers that read earlier blocks by attention over them;
    in full layers the convolutions' weights depend on the token too.
    """
    hidden, kernel = hidden_size(f), f.factor("conv_kernel_size", default=4)
    routed = experts(f, router_bias=True)
    layers = [_inkling2_layer(f, kind, place, kernel, routed) for place, kind in enumerate(_kinds(f))]
    ends = (*norms(hidden, 1), Tensor("final_input", "norm", hidden, split="whole"))
    return _with_ends(f, stack(f, layers, rotary=0, final=ends))


def _inkling2_layer(f: Fields, kind: str, place: int, kernel: int, routed: MixtureOfExperts) -> Layer:
    hidden, full = hidden_size(f), kind == HYBRID
    mixer = replace(_attention(f, kind), separate_gate=True, head_gate=True)
    keys = 2 * mixer.kv_heads * mixer.head_dim
    convolved = Convolutions(channels=keys + 2 * hidden, kernel=kernel)
    by_token = (Tensor("sconv_weight_proj", "router", kernel * mixer.kv_heads, hidden, copies=2, split="whole"),)
    queries = (3 if full else 1) if place else 0
    scales = mixer.heads * (mixer.head_dim + f.size("d_rel"))
    extras = (
        *norms(hidden, 4 if full else 2),
        *_relative(f, mixer),
        *(by_token if full else ()),
        Tensor("block_queries", "norm", hidden, copies=1 + queries, split="whole"),
        Tensor("head_scales", "norm", scales),
    )
    return Layer(Parallel((mixer, convolved)), routed, extras)


@reads(ZayaForCausalLM="zaya")
def zaya(f: Fields) -> Architecture:
    """ZAYA: queries and keys pass two convolutions over neighbours, half of the values come a token later; one expert
    a token, chosen by a small network, or none.
    """
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    f.refuse_unless("lm_head_bias", False)
    f.refuse_unless("cca_time0", 2)
    f.refuse_unless("cca_time1", 2)
    heads, kv_heads, head = f.size("num_attention_heads"), f.size("num_key_value_heads"), f.size("head_dim")
    divides("num_key_value_heads", kv_heads, heads)
    full = Attention(hidden=hidden, heads=heads, kv_heads=kv_heads, head_dim=head, qkv_bias=bias, output_bias=bias)
    channels = (heads + kv_heads) * head
    convolved = Convolutions(channels=channels, kernel=2)
    grouped = (
        Tensor("conv_qk_grouped", "attention", channels, 2 * head),
        Tensor("conv_bias", "norm", channels, copies=2),
        Tensor("qk_temperature", "norm", kv_heads),
    )
    routed = MixtureOfExperts(
        hidden=hidden,
        experts=f.size("num_experts"),
        per_token=f.size("num_experts_per_tok", default=1),
        intermediate=f.size("moe_intermediate_size"),
        router_network=True,
    )
    scales = Tensor("residual_scales", "norm", hidden, copies=8, split="whole")
    kinds = f.per_layer("layer_types", count, (HYBRID, LOCAL)) if f.has("layer_types") else [HYBRID] * count
    layers = []
    for place, kind in enumerate(kinds):
        mixer = replace(full, window=f.size("sliding_window")) if kind == LOCAL else full
        extras = (*norms(hidden, 2), *grouped, scales, *_zaya_router(f, routed.experts, first=place == 0))
        layers.append(Layer(Parallel((mixer, convolved)), routed, extras))
    start = Tensor("input_scale", "norm", hidden, copies=2, split="whole")
    return stack(f, layers, tied=True, final=(start,))


def _zaya_router(f: Fields, routed: int, *, first: bool) -> tuple[Tensor, ...]:
    """The network that chooses an expert or none; each layer but the first also takes the scores of the last one."""
    hidden, inner = hidden_size(f), f.size("router_hidden_size", default=256)
    return (
        Tensor("router_down", "router", inner, hidden, split="whole"),
        Tensor("router_mlp", "router", inner, inner, copies=2, split="whole"),
        Tensor("router_out", "router", routed + 1, inner, split="whole"),
        Tensor("router_vectors", "norm", 4 * inner + (0 if first else inner) + routed + 1, split="whole"),
    )
