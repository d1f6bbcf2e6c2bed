"""Readers of mixtures of experts over ordinary attention."""

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import (
    attention,
    divides,
    even_heads,
    hidden_size,
    norms,
    stack,
    window_of,
    windows,
)
from estimator.models.hf_config.dense import qwen_windows
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp, MixtureOfExperts, Mlp

EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
PER_TOKEN = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "experts_per_token",
    "moe_topk",
    "moe_k",
    "moe_top_k",
    "top_k_experts",
)
SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")


def experts(
    f: Fields,
    *width: str,
    shared: int = 0,
    shared_gate: bool = False,
    router_bias: bool = False,
    expert_bias: bool = False,
) -> MixtureOfExperts:
    """Routed experts under any of the published field names; `shared` is the width of all shared experts together."""
    hidden = hidden_size(f)
    return MixtureOfExperts(
        hidden=hidden,
        experts=f.size(*EXPERTS, most=1 << 16),
        per_token=f.size(*PER_TOKEN),
        intermediate=f.size(*(width or ("moe_intermediate_size",))),
        shared=DenseMlp(hidden, shared, role="shared_expert") if shared else None,
        shared_gate=shared_gate,
        router_bias=router_bias,
        expert_bias=expert_bias,
    )


def shared_width(f: Fields) -> int:
    """Width of all shared experts side by side, in elements; null is none, absent is missing and raises InputError."""
    is_stated = any(name in f.config for name in SHARED)
    return f.count(*SHARED, default=0 if is_stated else None) * f.size("moe_intermediate_size")


def dense_first(f: Fields, layers: int, sparse: Mlp, *, dense: int | None = None) -> list[Mlp]:
    """Which layers have experts in DeepSeek's order: the first `first_k_dense_replace` dense, then every
    `moe_layer_freq`.

    `dense` is the class's default; without one the field, or a list in its place, is required.
    """
    if f.has("mlp_layer_types"):
        sparse_layers = [kind == "sparse" for kind in f.per_layer("mlp_layer_types", layers, ("dense", "sparse"))]
    elif f.has("is_moe_layer"):
        sparse_layers = f.flags("is_moe_layer", layers)
    else:
        first, every = f.count("first_k_dense_replace", default=dense, most=layers), f.size("moe_layer_freq", default=1)
        sparse_layers = [layer >= first and layer % every == 0 for layer in range(layers)]
    return _routed_where(f, sparse_layers, sparse)


def _routed_where(f: Fields, sparse_layers: list[bool], sparse: Mlp) -> list[Mlp]:
    """Experts in the sparse_layers layers; the width of the others is asked for only where there are any."""
    plain = DenseMlp(hidden_size(f), f.size("intermediate_size")) if not all(sparse_layers) else sparse
    return [sparse if routed else plain for routed in sparse_layers]


@reads(MixtralForCausalLM="mixtral")
def mixtral(f: Fields) -> Architecture:
    """Mixtral (arXiv:2401.04088): experts in every layer, a window where one is set."""
    mlp, around = experts(f, "intermediate_size"), norms(hidden_size(f), 2)
    return stack(f, [Layer(attention(f, window=window), mlp, around) for window in windows(f, f.layers())])


@reads(Qwen2MoeForCausalLM="qwen2_moe", Qwen3MoeForCausalLM="qwen3_moe")
def qwen_moe(f: Fields) -> Architecture:
    """Qwen2-MoE and Qwen3-MoE: the former has biases and a gated shared expert, the latter head norms and neither."""
    second = f.class_name == "Qwen2MoeForCausalLM"
    bias = f.flag("attention_bias")
    qkv_bias = f.flag("qkv_bias", default=True) if second else bias
    shared = f.size("shared_expert_intermediate_size") if second else 0
    sparse = experts(f, shared=shared, shared_gate=second)
    around = norms(hidden_size(f), 2)
    layers = [
        Layer(attention(f, window=window, qkv_bias=qkv_bias, output_bias=bias, head_norm=not second), mlp, around)
        for window, mlp in zip(qwen_windows(f), qwen_mlps(f, sparse), strict=True)
    ]
    return stack(f, layers)


def qwen_mlps(f: Fields, sparse: MixtureOfExperts) -> list[Mlp]:
    """Feed-forward parts of Qwen's layers: experts every `decoder_sparse_step`, except where `mlp_only_layers` says
    dense.
    """
    every = f.size("decoder_sparse_step", default=1)
    dense_layers = f.places("mlp_only_layers", f.layers()) if f.has("mlp_only_layers") else set()
    sparse_layers = [layer not in dense_layers and (layer + 1) % every == 0 for layer in range(f.layers())]
    return _routed_where(f, sparse_layers, sparse)


@reads(OlmoeForCausalLM="olmoe", FlexOlmoForCausalLM="flex_olmo")
def olmoe(f: Fields) -> Architecture:
    """OLMoE (arXiv:2409.02060): experts in every layer, norms over all heads together."""
    bias = f.flag("attention_bias")
    layer = Layer(
        attention(f, qkv_bias=bias, output_bias=bias, full_width_norm=True),
        experts(f, "intermediate_size"),
        norms(hidden_size(f), 2),
    )
    return stack(f, [layer] * f.layers())


@reads(MiniMaxM2ForCausalLM="minimax_m2")
def minimax_m2(f: Fields) -> Architecture:
    """MiniMax-M2: full-width query and key norms; the uploads ship no MTP weights."""
    f.refuse_unless("shared_intermediate_size", 0)
    layer = Layer(
        attention(f, full_width_norm=f.flag("use_qk_norm", default=True)),
        experts(f, "intermediate_size", router_bias=f.flag("use_routing_bias", default=True)),
        norms(hidden_size(f), 2),
    )
    return stack(f, [layer] * f.layers())


@reads(Grok1ModelForCausalLM="grok-1")
def grok(f: Fields) -> Architecture:
    """Grok-1: experts in every layer between four norms."""
    mlp = experts(f, "intermediate_size")
    return stack(f, [Layer(attention(f), mlp, norms(hidden_size(f), 4))] * f.layers(), tied=True)


@reads(DbrxForCausalLM="dbrx")
def dbrx(f: Fields) -> Architecture:
    """DBRX: fine-grained experts in every layer, sections of its own for attention and feed-forward."""
    hidden, heads = f.size("d_model"), f.size("n_heads")
    inner, ffn = f.required_section("attn_config"), f.required_section("ffn_config")
    kv_heads = inner.size("kv_n_heads")
    divides("attn_config.kv_n_heads", kv_heads, heads)
    mixer = even_heads(hidden, heads, kv_heads, bias=False)
    mlp = MixtureOfExperts(
        hidden=hidden,
        experts=ffn.size("moe_num_experts"),
        per_token=ffn.size("moe_top_k"),
        intermediate=ffn.size("ffn_hidden_size"),
    )
    return stack(f, [Layer(mixer, mlp, norms(hidden, 2))] * f.layers("n_layers"), hidden=hidden)


@reads(PhiMoEForCausalLM="phimoe", PhimoeForCausalLM="")
def phimoe(f: Fields) -> Architecture:
    """Phi-3.5-MoE: LayerNorms with bias; the published model also has biases on attention and head."""
    for name in ("attention_bias", "lm_head_bias"):
        if name not in f.config:
            raise f.missing(name)
    bias = f.flag("attention_bias")
    mixer = attention(f, window=window_of(f), qkv_bias=bias, output_bias=bias)
    layer = Layer(mixer, experts(f, "intermediate_size"), norms(hidden_size(f), 2, True))
    return stack(f, [layer] * f.layers(), norm_bias=True, head_bias=f.flag("lm_head_bias"))


@reads(GraniteMoeForCausalLM="granitemoe", GraniteMoeSharedForCausalLM="granitemoeshared")
def granite_moe(f: Fields) -> Architecture:
    """Granite 3 MoE: experts in every layer, with a shared one where it is stated."""
    bias = f.flag("attention_bias")
    mlp = experts(f, "intermediate_size", shared=f.count("shared_intermediate_size"))
    mixer = attention(f, qkv_bias=bias, output_bias=bias)
    return stack(f, [Layer(mixer, mlp, norms(hidden_size(f), 2))] * f.layers())
