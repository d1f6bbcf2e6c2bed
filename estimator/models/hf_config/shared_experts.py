"""Readers of routed experts beside shared ones, behind a few dense layers: DeepSeek-MoE's order."""

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import attention, hidden_size, norms, stack, windows
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import SHARED, dense_first, experts, shared_width
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp, MixtureOfExperts
from estimator.models.tensors import Tensor


@reads(Glm4MoeForCausalLM="glm4_moe")
def glm4_moe(f: Fields) -> Architecture:
    """GLM-4.5 to 4.7: routed experts beside a shared one behind dense layers, and one prediction module."""
    mixer = attention(f, qkv_bias=f.flag("attention_bias"), head_norm=f.flag("use_qk_norm"))
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    around = norms(hidden_size(f), 2)
    layers = [Layer(mixer, mlp, around) for mlp in dense_first(f, f.layers(), sparse)]
    return with_next_token(f, layers, Layer(mixer, sparse, around))


def with_next_token(f: Fields, layers: list[Layer], block: Layer, rotary: int | None = None) -> Architecture:
    """The stack with DeepSeek's multi-token prediction module: one block, eh_proj over two hidden states, three
    norms.
    """
    hidden, modules = hidden_size(f), f.prediction_modules()
    module = (*block.tensors, Tensor("eh_proj", "router", hidden, 2 * hidden), *norms(hidden, 3))
    return stack(f, layers, rotary=rotary, mtp=module * modules, mtp_layers=modules)


@reads(DeepseekForCausalLM="deepseek", Dots1ForCausalLM="dots1")
def deepseek_moe(f: Fields) -> Architecture:
    """DeepSeek-MoE and dots.llm1: routed and shared experts; dots.llm1 adds head norms and a router bias."""
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
    """ERNIE 4.5 MoE: experts between a first and a last layer, one dense block per MTP module."""
    f.refuse_unless("use_bias", False)
    count, hidden = f.layers(), hidden_size(f)
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    first, every = f.count("moe_layer_start_index", default=1), f.size("moe_layer_interval", default=1)
    last = count - 1  # also spelled -1
    if f.config.get("moe_layer_end_index") != -1:
        last = min(f.count("moe_layer_end_index", default=last), last)
    mixer, around = attention(f), norms(hidden, 2)
    layers = [
        Layer(mixer, sparse if first <= i <= last and (i + 1) % every == 0 else plain, around) for i in range(count)
    ]
    modules = f.prediction_modules()
    projection = Tensor("mtp_linear_proj", "router", hidden, 2 * hidden)
    module = (*Layer(mixer, plain, around).tensors, projection, *norms(hidden, 2))
    return stack(f, layers, tied=True, mtp=module * modules, mtp_layers=modules)


@reads(Ernie4_5_VLMoeTextModel="ernie4_5_vl_moe_text")
def ernie_vl_text(f: Fields) -> Architecture:
    """ERNIE 4.5 VL's language model: experts for text, and narrower ones for images that text does not visit."""
    f.refuse_unless("use_bias", False)
    count, hidden = f.layers(), hidden_size(f)
    text_width, vision_width = f.pair("moe_intermediate_size")
    text_experts, vision_experts = f.pair("moe_num_experts")
    shared = f.count("moe_num_shared_experts", default=2) * text_width
    sparse = MixtureOfExperts(
        hidden=hidden,
        experts=text_experts,
        per_token=f.size("moe_k"),
        intermediate=text_width,
        shared=DenseMlp(hidden, shared, role="shared_expert") if shared else None,
        router_bias=True,
    )
    vision = (
        Tensor("vision_router", "router", vision_experts, hidden, split="whole"),
        Tensor("vision_router_bias", "norm", vision_experts, split="whole"),
        Tensor("vision_gate_up_proj", "expert", 2 * vision_width, hidden, vision_experts, "experts"),
        Tensor("vision_down_proj", "expert", hidden, vision_width, vision_experts, "experts"),
    )
    plain = DenseMlp(hidden, f.size("intermediate_size"))
    if f.has("mlp_layer_types"):
        routed = [kind == "sparse" for kind in f.per_layer("mlp_layer_types", count, ("dense", "sparse"))]
    else:
        first, every = f.pair("moe_layer_start_index")[0], f.size("moe_layer_interval", default=1)
        routed = [layer >= first and (layer + 1) % every == 0 for layer in range(count)]
    mixer, around = attention(f), norms(hidden, 2)
    layers = [Layer(mixer, sparse, (*around, *vision)) if each else Layer(mixer, plain, around) for each in routed]
    return stack(f, layers, tied=True)


@reads(HunYuanMoEV1ForCausalLM="hunyuan_v1_moe")
def hunyuan_moe(f: Fields) -> Architecture:
    """Hunyuan-A13B: experts beside a shared one in every layer."""
    f.refuse_unless("use_cla", False)
    f.refuse_unless("use_mixed_mlp_moe", True)
    bias = f.flag("attention_bias")
    width = f.size("moe_intermediate_size", "intermediate_size")
    mlp = experts(f, "moe_intermediate_size", "intermediate_size", shared=f.count(*SHARED, default=1) * width)
    mixer = attention(f, qkv_bias=bias, output_bias=bias, head_norm=f.flag("use_qk_norm", default=True))
    return stack(f, [Layer(mixer, mlp, norms(hidden_size(f), 2))] * f.layers())


@reads(
    SolarOpenForCausalLM="solar_open",
    HYV3ForCausalLM="hy_v3",
    ExaoneMoEForCausalLM="exaone_moe",
    ExaoneMoeForCausalLM="",
)
def with_correction(f: Fields) -> Architecture:
    """Solar, Hunyuan V3, EXAONE MoE: sigmoid routing with a correction bias; head norms and windows differ by
    family.
    """
    f.refuse_unless("mlp_bias", False)
    bias, count = f.flag("attention_bias"), f.layers()
    solar = f.class_name == "SolarOpenForCausalLM"
    output, dense = bias and not solar, 0 if solar else None
    sparse = experts(f, shared=shared_width(f), router_bias=True)
    around = norms(hidden_size(f), 2)
    normed = not solar and f.flag("use_qk_norm", "qk_norm", default=True)
    slides = windows(f, count) if f.has("layer_types") else [0] * count
    layers = [
        Layer(attention(f, window=window, qkv_bias=bias, output_bias=output, head_norm=normed), mlp, around)
        for window, mlp in zip(slides, dense_first(f, count, sparse, dense=dense), strict=True)
    ]
    return stack(f, layers)


@reads(BailingMoeV2ForCausalLM="bailing_moe_v2 bailing_moe", BailingMoeForCausalLM="")
def bailing(f: Fields) -> Architecture:
    """Ling and Ring: experts with shared ones; the second version norms the heads and corrects the routing."""
    second = f.class_name == "BailingMoeV2ForCausalLM"
    f.refuse_unless("norm_softmax", False)
    f.refuse_unless("moe_shared_expert_intermediate_size", f.config.get("moe_intermediate_size"))
    output = f.flag("use_bias")
    corrected = second and f.flag("moe_router_enable_expert_bias", default=True)
    sparse = experts(f, shared=shared_width(f), router_bias=corrected)
    normed = second and f.flag("use_qk_norm", default=True)
    mixer = attention(f, qkv_bias=f.flag("use_qkv_bias"), output_bias=output, head_norm=normed)
    around = norms(hidden_size(f), 2)
    return stack(f, [Layer(mixer, mlp, around) for mlp in dense_first(f, f.layers(), sparse)])
