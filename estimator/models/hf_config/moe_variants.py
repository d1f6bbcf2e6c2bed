"""Readers of newer mixtures of experts: Laguna, Mellum, Command A+, Granite with windows, Aria, Flint, Kolibri,
Grok-2, JetMoE, Beam.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, attention, hidden_size, norms, stack, window_of, windows
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import SHARED, dense_first, experts, qwen_mlps
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import RoutedAttention
from estimator.models.mlps import DenseMlp, Mlp
from estimator.models.tensors import Tensor

DENSE, SPARSE = "dense", "sparse"


def _listed_mlps(f: Fields, layers: int, sparse: Mlp, dense: int) -> list[Mlp]:
    """Experts where `mlp_layer_types` says so; where it is absent, everywhere behind the first `dense` layers."""
    if f.has("mlp_layer_types"):
        kinds = f.per_layer("mlp_layer_types", layers, (DENSE, SPARSE))
    else:
        kinds = [DENSE if layer < dense else SPARSE for layer in range(layers)]
    plain = DenseMlp(hidden_size(f), f.size("intermediate_size")) if DENSE in kinds else sparse
    return [plain if kind == DENSE else sparse for kind in kinds]


def _listed_windows(f: Fields, layers: int, usual: list[str]) -> list[int]:
    """The window of each layer by `layer_types`; the class's own pattern where it is absent."""
    if f.has("layer_types"):
        return windows(f, layers)
    if SLIDING in usual and not f.has("sliding_window"):
        raise f.missing("sliding_window")
    return [window_of(f) if kind == SLIDING else 0 for kind in usual]


@reads(LagunaForCausalLM="laguna")
def laguna(f: Fields) -> Architecture:
    """Laguna: head norms, a gate per head or per element, heads that may differ by layer, one shared expert."""
    count, hidden = f.layers(), hidden_size(f)
    f.refuse_unless("moe_apply_router_weight_on_input", False)
    f.refuse_unless("gating", True, "per-head", "per-element")
    by_element = f.config.get("gating") == "per-element"
    if f.has("gating_types"):
        usual = "per_element" if by_element else "per_head"
        f.per_layer("gating_types", count, (usual,))
    bias = f.flag("attention_bias")
    shared = f.size("shared_expert_intermediate_size")
    sparse = experts(f, shared=shared, router_bias=True)
    plain = attention(f, qkv_bias=bias, output_bias=bias, head_norm=True)
    gated = replace(plain, head_gate=not by_element, separate_gate=by_element)
    heads = [plain.heads] * count
    if f.has("num_attention_heads_per_layer"):
        heads = f.choices("num_attention_heads_per_layer", count)
    slides = _listed_windows(f, count, [FULL] * count)
    layers = [
        Layer(replace(gated, heads=each, window=window), mlp, norms(hidden, 2))
        for each, window, mlp in zip(heads, slides, _listed_mlps(f, count, sparse, 1), strict=True)
    ]
    return stack(f, layers)


@reads(MellumForCausalLM="mellum")
def mellum(f: Fields) -> Architecture:
    """Mellum: Qwen3-MoE's parts with layers listed by kind; its prediction module is not modelled."""
    count, bias = f.layers(), f.flag("attention_bias")
    slides = _listed_windows(f, count, [FULL] * count)
    layers = [
        Layer(
            attention(f, window=window, qkv_bias=bias, output_bias=bias, head_norm=True), mlp, norms(hidden_size(f), 2)
        )
        for window, mlp in zip(slides, _listed_mlps(f, count, experts(f), 0), strict=True)
    ]
    return stack(f, layers)


@reads(Cohere2MoeForCausalLM="cohere2_moe")
def cohere2_moe(f: Fields) -> Architecture:
    """Command A+ with experts: parallel halves behind one LayerNorm, every fourth layer global, dense layers first."""
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    dense = f.count("first_k_dense_replace", most=count)
    inner, every = f.size("prefix_dense_sliding_window_pattern", default=1), f.size("sliding_window_pattern", default=4)
    places = [*((place, inner) for place in range(dense)), *((place, every) for place in range(count - dense))]
    usual = [SLIDING if (place + 1) % period else FULL for place, period in places]
    width = f.size("intermediate_size")
    sparse = experts(f, "intermediate_size", shared=f.count("num_shared_experts") * width)
    plain = DenseMlp(hidden, f.size("prefix_dense_intermediate_size", default=width))
    kinds = [DENSE if layer < dense else SPARSE for layer in range(count)]
    if f.has("mlp_layer_types"):
        kinds = f.per_layer("mlp_layer_types", count, (DENSE, SPARSE))
    layers = [
        Layer(
            attention(f, window=window, qkv_bias=bias, output_bias=bias),
            plain if kind == DENSE else sparse,
            norms(hidden, 1),
        )
        for window, kind in zip(_listed_windows(f, count, usual), kinds, strict=True)
    ]
    return stack(f, layers, tied=True)


@reads(GraniteMoeSWAForCausalLM="granitemoe_swa")
def granite_moe_swa(f: Fields) -> Architecture:
    """Granite MoE with windows: attention has sinks; every fourth layer, from the first, is full."""
    count, bias = f.layers(), f.flag("attention_bias")
    mlp = experts(f, "intermediate_size", shared=f.count("shared_intermediate_size"))
    slides = _listed_windows(f, count, [SLIDING if layer % 4 else FULL for layer in range(count)])
    layers = [
        Layer(attention(f, window=window, qkv_bias=bias, output_bias=bias, sinks=True), mlp, norms(hidden_size(f), 2))
        for window in slides
    ]
    return stack(f, layers)


@reads(AriaTextForCausalLM="aria_text")
def aria_text(f: Fields) -> Architecture:
    """Aria (arXiv:2410.05993): experts with two shared ones in every layer."""
    bias = f.flag("attention_bias")
    f.refuse_unless("mlp_bias", False)
    shared = f.size("moe_num_shared_experts", default=2) * f.size("intermediate_size")
    mlp = experts(f, "intermediate_size", shared=shared)
    mixer = attention(f, qkv_bias=bias, output_bias=bias)
    return stack(f, [Layer(mixer, mlp, norms(hidden_size(f), 2))] * f.layers())


@reads(FlintForCausalLM="flint")
def flint(f: Fields) -> Architecture:
    """Flint: sinks and head norms; the first two layers dense and full, then every fourth full, and the last one."""
    count, bias = f.layers(), f.flag("attention_bias")
    sparse = experts(f, shared=f.size("shared_expert_intermediate_size"))
    full = [layer < 2 or layer % 4 == 1 or layer == count - 1 for layer in range(count)]
    slides = _listed_windows(f, count, [FULL if each else SLIDING for each in full])
    config = f if f.has("mlp_only_layers") else Fields({**f.config, "mlp_only_layers": [0, 1]}, f.path, f.class_name)
    layers = [
        Layer(
            attention(f, window=window, qkv_bias=bias, output_bias=bias, head_norm=True, sinks=True),
            mlp,
            norms(hidden_size(f), 2),
        )
        for window, mlp in zip(slides, qwen_mlps(config, sparse), strict=True)
    ]
    return stack(f, layers)


@reads(Kolibri1ForCausalLM="kolibri1")
def kolibri(f: Fields) -> Architecture:
    """Kolibri: sandwich norms, head norms, one shared expert, every fifth layer full."""
    count = f.layers()
    mlp = experts(f, shared=f.size("shared_expert_intermediate_size"), router_bias=True)
    slides = _listed_windows(f, count, [SLIDING if (layer + 1) % 5 else FULL for layer in range(count)])
    around = norms(hidden_size(f), 4)
    return stack(f, [Layer(attention(f, window=window, head_norm=True), mlp, around) for window in slides])


@reads(AXK1ForCausalLM="axk1")
def axk1(f: Fields) -> Architecture:
    """A.X K1: DeepSeek-V3's parts with a norm behind the experts as well."""
    from estimator.models.hf_config.latent import latent_attention

    mixer, hidden = latent_attention(f), hidden_size(f)
    shared = f.count(*SHARED, default=1) * f.size("moe_intermediate_size")
    sparse = experts(f, shared=shared, router_bias=True)
    layers = [
        Layer(mixer, mlp, norms(hidden, 3 if mlp is sparse else 2))
        for mlp in dense_first(f, f.layers(), sparse, dense=1)
    ]
    return stack(f, layers, rotary=mixer.rope_dim)


@reads(Grok1ForCausalLM="grok_1 grok-2")
def grok2(f: Fields) -> Architecture:
    """Grok-2: experts beside a dense MLP in every layer, sandwich norms (SGLang grok.py, residual_moe)."""
    f.refuse_unless("residual_moe", True)
    hidden = hidden_size(f)
    sparse = experts(f, "moe_intermediate_size")
    mlp = replace(sparse, shared=DenseMlp(hidden, f.size("intermediate_size"), role="shared_expert"))
    return stack(f, [Layer(attention(f), mlp, norms(hidden, 4))] * f.layers())


@reads(JetMoeForCausalLM="jetmoe", JetMoEForCausalLM="")
def jetmoe(f: Fields) -> Architecture:
    """JetMoE (arXiv:2404.07413): experts for queries and outputs of attention beside those of the MLP, over keys and
    values that all of them share.
    """
    hidden, kv_heads, head = hidden_size(f), f.size("num_key_value_heads"), f.size("kv_channels", "head_dim")
    mlp = replace(experts(f, "intermediate_size", "ffn_hidden_size"), attention_width=kv_heads * head)
    mixer = RoutedAttention(hidden=hidden, heads=kv_heads * mlp.per_token, kv_heads=kv_heads, head_dim=head)
    biases = Tensor("expert_output_bias", "norm", hidden, copies=2, split="whole")
    return stack(f, [Layer(mixer, mlp, (*norms(hidden, 2), biases))] * f.layers(), tied=True)


@reads(BeamForCausalLM="beam")
def beam(f: Fields) -> Architecture:
    """Beam: head norms, a gate per element with a bias per head, four norms; three dense layers, every sixth full."""
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    usual = [FULL if (layer + 1) % 6 == 0 or layer == count - 1 else SLIDING for layer in range(count)]
    sparse = experts(f, router_bias=True)
    layers = []
    for window, mlp in zip(_listed_windows(f, count, usual), _listed_mlps(f, count, sparse, 3), strict=True):
        plain = attention(f, window=window, qkv_bias=bias, output_bias=bias, head_norm=True)
        gate_bias = Tensor("gate_bias", "norm", plain.heads)
        layers.append(Layer(replace(plain, separate_gate=True), mlp, (*norms(hidden, 4), gate_bias)))
    return stack(f, layers)
