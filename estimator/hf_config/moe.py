"""Mixtures of experts over ordinary attention."""

from estimator.architecture import Architecture, Layer
from estimator.errors import InputError
from estimator.hf_config.decoder import (
    FULL,
    attention,
    divides,
    hidden_size,
    norms,
    stack,
    window_of,
    windows,
)
from estimator.hf_config.dense import qwen_windows
from estimator.hf_config.fields import Fields
from estimator.hf_config.registry import reads
from estimator.mixers import Attention
from estimator.mlps import DenseMlp, MixtureOfExperts, Mlp
from estimator.tensors import Tensor

EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
PER_TOKEN = ("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_k", "top_k_experts")
SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")


def experts(
    f: Fields,
    *width: str,
    shared: int = 0,
    shared_gate: bool = False,
    router_bias: bool = False,
    expert_bias: bool = False,
) -> MixtureOfExperts:
    """Routed experts under any of the published names; `shared` is the width of all shared experts together."""
    hidden = hidden_size(f)
    count, per_token = f.size(*EXPERTS, most=1 << 16), f.size(*PER_TOKEN)
    if per_token > count:
        raise InputError(PER_TOKEN[0], f"{per_token} experts per token, but only {count} experts")
    return MixtureOfExperts(
        hidden,
        count,
        per_token,
        f.size(*(width or ("moe_intermediate_size",))),
        shared=DenseMlp(hidden, shared, role="shared_expert") if shared else None,
        shared_gate=shared_gate,
        router_bias=router_bias,
        expert_bias=expert_bias,
    )


def shared_width(f: Fields) -> int:
    """All shared experts side by side."""
    return f.count(*SHARED) * f.size("moe_intermediate_size")


def dense_first(f: Fields, layers: int, sparse: Mlp) -> list[Mlp]:
    """DeepSeek's order: the first `first_k_dense_replace` layers dense, then experts every `moe_layer_freq`."""
    dense = min(f.count("first_k_dense_replace"), layers)
    every = f.size("moe_layer_freq", default=1)
    if f.has("mlp_layer_types"):
        kinds = f.per_layer("mlp_layer_types", layers, ("dense", "sparse"))
        chosen = [kind == "sparse" for kind in kinds]
    else:
        chosen = [layer >= dense and layer % every == 0 for layer in range(layers)]
    plain = DenseMlp(hidden_size(f), f.size("intermediate_size")) if not all(chosen) else sparse
    return [sparse if routed else plain for routed in chosen]


@reads(MixtralForCausalLM="mixtral")
def mixtral(f: Fields) -> Architecture:
    mlp, around = experts(f, "intermediate_size"), norms(hidden_size(f), 2)
    return stack(f, [Layer(attention(f, window=window), mlp, around) for window in windows(f, f.layers())])


@reads(Qwen2MoeForCausalLM="qwen2_moe", Qwen3MoeForCausalLM="qwen3_moe")
def qwen_moe(f: Fields) -> Architecture:
    """Qwen2-MoE has biases and a gated shared expert, Qwen3-MoE head norms and neither."""
    second = f.class_name == "Qwen2MoeForCausalLM"
    bias = f.flag("attention_bias")
    shared = f.size("shared_expert_intermediate_size") if second else 0
    sparse = experts(f, shared=shared, shared_gate=second)
    around = norms(hidden_size(f), 2)
    layers = [
        Layer(attention(f, window=window, qkv_bias=second or bias, output_bias=bias, head_norm=not second), mlp, around)
        for window, mlp in zip(qwen_windows(f), qwen_mlps(f, sparse), strict=True)
    ]
    return stack(f, layers)


def qwen_mlps(f: Fields, sparse: MixtureOfExperts) -> list[Mlp]:
    """Experts every `decoder_sparse_step` layers, except where `mlp_only_layers` says dense."""
    every = f.size("decoder_sparse_step", default=1)
    dense_layers = set(f.integers("mlp_only_layers")) if f.has("mlp_only_layers") else set()
    chosen = [layer not in dense_layers and (layer + 1) % every == 0 for layer in range(f.layers())]
    plain = DenseMlp(hidden_size(f), f.size("intermediate_size")) if not all(chosen) else sparse
    return [sparse if routed else plain for routed in chosen]


@reads(OlmoeForCausalLM="olmoe")
def olmoe(f: Fields) -> Architecture:
    bias = f.flag("attention_bias")
    layer = Layer(
        attention(f, qkv_bias=bias, output_bias=bias, full_width_norm=True),
        experts(f, "intermediate_size"),
        norms(hidden_size(f), 2),
    )
    return stack(f, [layer] * f.layers())


@reads(MiniMaxM2ForCausalLM="minimax_m2")
def minimax_m2(f: Fields) -> Architecture:
    """Full-width query and key norms; the uploads ship no MTP weights."""
    f.refuse_unless("shared_intermediate_size", 0)
    layer = Layer(
        attention(f, full_width_norm=f.flag("use_qk_norm", default=True)),
        experts(f, "intermediate_size", router_bias=f.flag("use_routing_bias", default=True)),
        norms(hidden_size(f), 2),
    )
    return stack(f, [layer] * f.layers())


@reads(GptOssForCausalLM="gpt_oss")
def gpt_oss(f: Fields) -> Architecture:
    """Alternating window, sinks, biases everywhere."""
    bias = f.flag("attention_bias", default=True)
    mlp = experts(f, "intermediate_size", router_bias=True, expert_bias=True)
    around = norms(hidden_size(f), 2)
    window = f.size("sliding_window")
    slides = windows(f, f.layers()) if f.has("layer_types") else [window * (i % 2 == 0) for i in range(f.layers())]
    layers = [
        Layer(attention(f, window=each, qkv_bias=bias, output_bias=bias, sinks=True), mlp, around) for each in slides
    ]
    return stack(f, layers)


@reads(Glm4MoeForCausalLM="glm4_moe")
def glm4_moe(f: Fields) -> Architecture:
    """GLM-4.5 to 4.7."""
    mixer = attention(f, qkv_bias=f.flag("attention_bias"), head_norm=f.flag("use_qk_norm"))
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    around = norms(hidden_size(f), 2)
    layers = [Layer(mixer, mlp, around) for mlp in dense_first(f, f.layers(), sparse)]
    modules = f.count("num_nextn_predict_layers", most=64)
    return stack(f, layers, mtp=next_token_module(Layer(mixer, sparse, around), modules), mtp_layers=modules)


def next_token_module(block: Layer, modules: int) -> tuple[Tensor, ...]:
    """DeepSeek's multi-token prediction: one block, eh_proj over two hidden states, three norms."""
    hidden = block.extras[0].outputs
    module = (*block.tensors, Tensor("eh_proj", "router", hidden, 2 * hidden), *norms(hidden, 3))
    return module * modules


@reads(DeepseekForCausalLM="deepseek", Dots1ForCausalLM="dots1")
def deepseek_moe(f: Fields) -> Architecture:
    """DeepSeek-MoE; dots.llm1 adds head norms and a router bias."""
    dots, bias = f.class_name == "Dots1ForCausalLM", f.flag("attention_bias")
    slides = windows(f, f.layers()) if f.has("layer_types") else [0] * f.layers()
    sparse = experts(f, shared=shared_width(f), router_bias=dots)
    around = norms(hidden_size(f), 2)
    layers = [
        Layer(attention(f, window=window, qkv_bias=bias, output_bias=bias, head_norm=dots), mlp, around)
        for window, mlp in zip(slides, dense_first(f, f.layers(), sparse), strict=True)
    ]
    return stack(f, layers)


@reads(Ernie4_5_MoeForCausalLM="ernie4_5_moe")
def ernie_moe(f: Fields) -> Architecture:
    bias, count, hidden = f.flag("use_bias"), f.layers(), hidden_size(f)
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    plain = DenseMlp(hidden, f.size("intermediate_size"), bias=bias)
    first, every = f.count("moe_layer_start_index", default=1), f.size("moe_layer_interval", default=1)
    last = min(f.count("moe_layer_end_index", default=count - 1), count - 1)
    mixer, around = attention(f, qkv_bias=bias, output_bias=bias), norms(hidden, 2)
    layers = [
        Layer(mixer, sparse if first <= i <= last and (i + 1) % every == 0 else plain, around) for i in range(count)
    ]
    return stack(f, layers, tied=True)


@reads(HunYuanMoEV1ForCausalLM="hunyuan_v1_moe")
def hunyuan_moe(f: Fields) -> Architecture:
    bias = f.flag("attention_bias")
    width = f.size("moe_intermediate_size", "intermediate_size")
    mlp = experts(f, "moe_intermediate_size", "intermediate_size", shared=f.count(*SHARED, default=1) * width)
    mixer = attention(f, qkv_bias=bias, output_bias=bias, head_norm=f.flag("use_qk_norm", default=True))
    return stack(f, [Layer(mixer, mlp, norms(hidden_size(f), 2))] * f.layers())


@reads(Grok1ModelForCausalLM="grok-1")
def grok(f: Fields) -> Architecture:
    mlp = experts(f, "intermediate_size")
    return stack(f, [Layer(attention(f), mlp, norms(hidden_size(f), 4))] * f.layers(), tied=True)


@reads(DbrxForCausalLM="dbrx")
def dbrx(f: Fields) -> Architecture:
    hidden, heads = f.size("d_model"), f.size("n_heads")
    inner, ffn = f.required_section("attn_config"), f.required_section("ffn_config")
    kv_heads = inner.size("kv_n_heads")
    divides("attn_config.kv_n_heads", kv_heads, heads)
    mixer = Attention(hidden, heads, kv_heads, hidden // heads)
    mlp = MixtureOfExperts(hidden, ffn.size("moe_num_experts"), ffn.size("moe_top_k"), ffn.size("ffn_hidden_size"))
    return stack(f, [Layer(mixer, mlp, norms(hidden, 2))] * f.layers("n_layers"), hidden=hidden)


@reads(Llama4ForCausalLM="llama4_text")
def llama4(f: Fields) -> Architecture:
    """Chunked attention in three of four layers; experts every `interleave_moe_layer_step` layers."""
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    every, chunk = f.size("interleave_moe_layer_step", default=1), f.size("attention_chunk_size", default=0)
    width = f.size("intermediate_size")
    sparse = experts(f, "intermediate_size", shared=width)
    plain = DenseMlp(hidden, f.size("intermediate_size_mlp")) if every > 1 else sparse
    if f.has("no_rope_layers") and f.config["no_rope_layers"]:
        local = [each == 1 for each in f.integers("no_rope_layers")][:count]
    elif f.has("layer_types"):
        local = [kind != FULL for kind in f.per_layer("layer_types", count, (FULL, "chunked_attention"))]
    else:
        local = [(layer + 1) % 4 != 0 for layer in range(count)]
    routed = set(f.integers("moe_layers")) if f.has("moe_layers") else set(range(every - 1, count, every))
    full = attention(f, qkv_bias=bias, output_bias=bias)
    chunked = Attention(
        hidden, full.heads, full.kv_heads, full.head_dim, window=chunk, chunked=True, qkv_bias=bias, output_bias=bias
    )
    layers = [
        Layer(chunked if here and chunk else full, sparse if i in routed else plain, norms(hidden, 2))
        for i, here in enumerate(local)
    ]
    return stack(f, layers)


@reads(MiMoV2FlashForCausalLM="mimo_v2_flash")
def mimo_v2(f: Fields) -> Architecture:
    """Windowed layers with sinks and their own head counts; values narrower than keys."""
    hidden, count = hidden_size(f), f.layers()
    f.refuse_unless("add_full_attention_sink_bias", False)
    full = _mimo_attention(f, "", 0, sinks=False)
    local = _mimo_attention(f, "swa_", window_of(f), sinks=f.flag("add_swa_attention_sink_bias", default=True))
    sparse = experts(f, shared=f.count(*SHARED) * f.size("moe_intermediate_size"), router_bias=True)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    slides, routed = f.integers("hybrid_layer_pattern"), f.integers("moe_layer_freq")
    if len(slides) != count or len(routed) != count:
        raise InputError("hybrid_layer_pattern", f"{len(slides)} and {len(routed)} entries for {count} layers")
    layers = [
        Layer(local if slide else full, sparse if route else plain, norms(hidden, 2))
        for slide, route in zip(slides, routed, strict=True)
    ]
    return stack(f, layers)


def _mimo_attention(f: Fields, prefix: str, window: int, sinks: bool) -> Attention:
    heads, kv_heads = f.size(f"{prefix}num_attention_heads"), f.size(f"{prefix}num_key_value_heads")
    divides(f"{prefix}num_key_value_heads", kv_heads, heads)
    head, value = f.size(f"{prefix}head_dim"), f.size(f"{prefix}v_head_dim")
    bias = f.flag("attention_bias")
    return Attention(hidden_size(f), heads, kv_heads, head, value, window, qkv_bias=bias, sinks=sinks)
