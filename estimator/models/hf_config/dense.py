"""Readers of Llama and the dense decoders close to it."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import attention, hidden_size, norms, stack, window_of, windows
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


def llama_like(
    f: Fields,
    *,
    layer_windows: list[int] | None = None,
    qkv_bias: bool = False,
    output_bias: bool = False,
    mlp_bias: bool = False,
    head_norm: bool = False,
    full_width_norm: bool = False,
    layer_norms: int = 2,
    norm_bias: bool = False,
    tied: bool = False,
    gated: bool = True,
    extras: tuple[Tensor, ...] = (),
    mtp: tuple[Tensor, ...] = (),
    mtp_layers: int = 0,
) -> Architecture:
    """The common dense decoder: attention and a feed-forward layer, each behind a norm."""
    hidden, count = hidden_size(f), f.layers()
    mlp = DenseMlp(hidden, f.size("intermediate_size"), gated=gated, bias=mlp_bias)
    around = (*norms(hidden, layer_norms, norm_bias), *extras)
    layers = [
        Layer(
            attention(
                f,
                window=window,
                qkv_bias=qkv_bias,
                output_bias=output_bias,
                head_norm=head_norm,
                full_width_norm=full_width_norm,
            ),
            mlp,
            around,
        )
        for window in (layer_windows or [0] * count)
    ]
    return stack(
        f,
        layers,
        tied=tied,
        final_norms=1 if layer_norms else 0,
        norm_bias=norm_bias,
        mtp=mtp,
        mtp_layers=mtp_layers,
    )


def both_ways(architecture: Architecture) -> Architecture:
    """The architecture with attention over the whole text in both directions, which leaves nothing to cache."""
    groups = tuple(
        replace(group, layer=replace(group.layer, mixer=replace(group.layer.mixer, bidirectional=True)))
        if isinstance(group.layer.mixer, Attention)
        else group
        for group in architecture.groups
    )
    return replace(architecture, groups=groups)


@reads(
    LlamaForCausalLM="llama",
    ArceeForCausalLM="arcee",
    GraniteForCausalLM="granite",
    AquilaForCausalLM="aquila",
    YiForCausalLM="Yi",
    Emu3ForCausalLM="emu3_text_model",
    LLaMAForCausalLM="",
    XverseForCausalLM="xverse",
    AquilaModel="",
    Fairseq2LlamaForCausalLM="",
)
def llama(f: Fields) -> Architecture:
    """Llama; Arcee's MLP is the same without the gate, Granite's scalars are no tensors."""
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        qkv_bias=bias,
        output_bias=bias,
        mlp_bias=f.flag("mlp_bias"),
        gated=f.class_name != "ArceeForCausalLM",
    )


@reads(HeliumForCausalLM="helium")
def helium(f: Fields) -> Architecture:
    """Helium: Llama whose output projection is as wide as the stream and never has a bias."""
    if f.has("head_dim"):
        f.refuse_unless("head_dim", hidden_size(f) // f.size("num_attention_heads"))
    return llama_like(f, qkv_bias=f.flag("attention_bias"), mlp_bias=f.flag("mlp_bias"))


@reads(MistralForCausalLM="mistral", GritLM="", MinistralForCausalLM="ministral", Ministral3ForCausalLM="ministral3")
def mistral(f: Fields) -> Architecture:
    """Mistral: 7B slides over 4,096 tokens, its successors over none. An absent window is asked for, null is none."""
    if f.class_name in ("MistralForCausalLM", "GritLM") and "sliding_window" not in f.config:
        raise f.missing("sliding_window")
    return llama_like(f, layer_windows=windows(f, f.layers()))


@reads(Qwen2ForCausalLM="qwen2")
def qwen2(f: Fields) -> Architecture:
    """Qwen2 and 2.5: biases on queries, keys and values."""
    return llama_like(f, layer_windows=qwen_windows(f), qkv_bias=True)


@reads(Qwen3ForCausalLM="qwen3")
def qwen3(f: Fields) -> Architecture:
    """Qwen3 (arXiv:2505.09388): a norm over each query and key head in place of the biases."""
    bias = f.flag("attention_bias")
    return llama_like(f, layer_windows=qwen_windows(f), qkv_bias=bias, output_bias=bias, head_norm=True)


def qwen_windows(f: Fields) -> list[int]:
    """Windows of Qwen's layers: they slide only where use_sliding_window says so, from layer max_window_layers on."""
    count = f.layers()
    if f.has("layer_types"):
        return windows(f, count)
    window = window_of(f) if f.flag("use_sliding_window") else 0
    if not window:
        return [0] * count
    first = f.count("max_window_layers", default=None)
    return [window if layer >= first else 0 for layer in range(count)]


@reads(Phi3ForCausalLM="phi3")
def phi3(f: Fields) -> Architecture:
    """Phi-3 and 4: Llama with a window over every layer where one is set."""
    f.refuse_unless("attention_bias", False)
    return llama_like(f, layer_windows=[window_of(f)] * f.layers(), mlp_bias=f.flag("mlp_bias"))


@reads(CwmForCausalLM="cwm")
def cwm(f: Fields) -> Architecture:
    """Code World Model: three windowed layers to a full one, which comes first."""
    return llama_like(f, layer_windows=windows(f, f.layers(), every=4, full=0), mlp_bias=f.flag("mlp_bias"))


@reads(NemotronForCausalLM="nemotron", Jais2ForCausalLM="jais2")
def nemotron(f: Fields) -> Architecture:
    """Nemotron: LayerNorms with bias, squared ReLU without a gate."""
    usual = f.class_name == "Jais2ForCausalLM"
    bias = f.flag("attention_bias", default=usual)
    return llama_like(
        f,
        qkv_bias=bias,
        output_bias=bias,
        mlp_bias=f.flag("mlp_bias", default=usual),
        norm_bias=True,
        gated=False,
    )


@reads(OrionForCausalLM="orion")
def orion(f: Fields) -> Architecture:
    """Orion: Llama with LayerNorms that have a bias."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, norm_bias=True)


@reads(InternLMForCausalLM="internlm", BaichuanForCausalLM="baichuan", BaiChuanForCausalLM="")
def early_llama(f: Fields) -> Architecture:
    """InternLM and Baichuan: Llama with multi-head attention only; InternLM has biases on it."""
    f.refuse_unless("num_key_value_heads", f.config.get("num_attention_heads"))
    bias = f.class_name == "InternLMForCausalLM" and f.flag("bias", default=True)
    return llama_like(f, qkv_bias=bias, output_bias=bias)


@reads(HyperCLOVAXForCausalLM="hyperclovax")
def hyperclova(f: Fields) -> Architecture:
    """HyperCLOVA X: Llama with norms after the blocks as well."""
    bias = f.flag("attention_bias")
    post = f.flag("use_post_norm", default=True)
    return llama_like(f, qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias"), layer_norms=4 if post else 2)


@reads(MiniCPMForCausalLM="minicpm")
def minicpm(f: Fields) -> Architecture:
    """MiniCPM: Llama with scaled residuals; the models with experts are another class of parts."""
    f.refuse_unless("num_experts", 0)
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, tied=True)


@reads(SmolLM3ForCausalLM="smollm3")
def smollm3(f: Fields) -> Architecture:
    """SmolLM3: Llama with a tied embedding; some layers rotate no positions, which has no tensors."""
    bias = f.flag("attention_bias")
    slides = windows(f, f.layers()) if f.flag("use_sliding_window") else None
    return llama_like(f, layer_windows=slides, qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias"), tied=True)


@reads(Olmo2ForCausalLM="olmo2", Olmo3ForCausalLM="olmo3")
def olmo2(f: Fields) -> Architecture:
    """OLMo 2 and 3: norms over all query and all key heads together; OLMo 3 slides in three of four layers."""
    bias = f.flag("attention_bias")
    slides = windows(f, f.layers(), every=4) if f.class_name == "Olmo3ForCausalLM" else None
    return llama_like(f, layer_windows=slides, qkv_bias=bias, output_bias=bias, full_width_norm=True)


@reads(OlmoForCausalLM="olmo")
def olmo(f: Fields) -> Architecture:
    """OLMo-1: Llama whose LayerNorms have no parameters."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, layer_norms=0)


@reads(CohereForCausalLM="cohere", Cohere2ForCausalLM="cohere2")
def cohere(f: Fields) -> Architecture:
    """Command R: one LayerNorm before parallel attention and MLP; Cohere2 keeps every `layer_switch`-th layer
    global.
    """
    bias = f.flag("attention_bias")
    slides = None
    if f.class_name == "Cohere2ForCausalLM":
        every = f.size("layer_switch", "sliding_window_pattern", default=4)
        slides = windows(f, f.layers(), every=every)
    return llama_like(
        f,
        layer_windows=slides,
        qkv_bias=bias,
        output_bias=bias,
        full_width_norm=f.flag("use_qk_norm"),
        layer_norms=1,
        tied=True,
    )


@reads(GlmForCausalLM="glm", Glm4ForCausalLM="glm4")
def glm(f: Fields) -> Architecture:
    """GLM-4; the 0414 models (Glm4) norm after the blocks as well."""
    sandwich = f.class_name == "Glm4ForCausalLM"
    return llama_like(f, qkv_bias=f.flag("attention_bias", default=True), layer_norms=4 if sandwich else 2)


@reads(StableLmForCausalLM="stablelm stablelm_epoch", StableLMEpochForCausalLM="")
def stablelm(f: Fields) -> Architecture:
    """StableLM: LayerNorms with bias; one fewer where attention and MLP run in parallel."""
    parallel = f.flag("use_parallel_residual")
    return llama_like(
        f,
        qkv_bias=f.flag("use_qkv_bias"),
        full_width_norm=f.flag("qk_layernorm"),
        layer_norms=1 if parallel else 2,
        norm_bias=True,
    )


@reads(Exaone4ForCausalLM="exaone4")
def exaone4(f: Fields) -> Architecture:
    """EXAONE 4: norms after the blocks, windowed layers in its own pattern letters."""
    return llama_like(f, layer_windows=_exaone4_windows(f), head_norm=True)


def _exaone4_windows(f: Fields) -> list[int]:
    count = f.layers()
    if f.has("layer_types"):
        return windows(f, count)
    if "sliding_window" not in f.config:
        raise f.missing("sliding_window")
    if isinstance(f.config.get("sliding_window_pattern"), int):
        return windows(f, count, every=f.size("sliding_window_pattern"))
    pattern = f.text("sliding_window_pattern", default="LLLG")
    if not pattern or set(pattern) - {"L", "G"}:
        raise f.wrong("sliding_window_pattern", pattern, "expected local and global layers such as LLLG")
    window = window_of(f)
    return [window if pattern[layer % len(pattern)] == "L" else 0 for layer in range(count)]


@reads(ExaoneForCausalLM="exaone", InternLM2ForCausalLM="internlm2", InternLM3ForCausalLM="internlm3")
def other_names(f: Fields) -> Architecture:
    """Llama under other field names: EXAONE-3 counts num_layers, InternLM biases under `bias` and `qkv_bias`."""
    output = f.flag("bias")
    return llama_like(f, qkv_bias=f.flag("qkv_bias", default=output), output_bias=output, mlp_bias=output)


@reads(SeedOssForCausalLM="seed_oss")
def seed_oss(f: Fields) -> Architecture:
    """Seed-OSS: Llama whose input and output projections have biases of their own flags."""
    return llama_like(
        f,
        qkv_bias=f.flag("attention_bias", default=True),
        output_bias=f.flag("attention_out_bias"),
        mlp_bias=f.flag("mlp_bias"),
    )


@reads(ApertusForCausalLM="apertus", Apertus1p5TextForCausalLM="apertus1p5_text")
def apertus(f: Fields) -> Architecture:
    """Apertus: Llama with head norms and the activation xIELU, which learns two numbers per layer."""
    bias = f.flag("attention_bias")
    xielu = (Tensor("xielu", "norm", 2, split="whole"),)
    return llama_like(
        f,
        qkv_bias=bias,
        output_bias=bias,
        mlp_bias=f.flag("mlp_bias"),
        head_norm=True,
        gated=False,
        extras=xielu,
    )


@reads(HunYuanDenseV1ForCausalLM="hunyuan_v1_dense")
def hunyuan(f: Fields) -> Architecture:
    """Hunyuan dense: Llama with a norm over each query and key head."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, head_norm=f.flag("use_qk_norm", default=True))


@reads(Ernie4_5ForCausalLM="ernie4_5")
def ernie(f: Fields) -> Architecture:
    """ERNIE 4.5 dense: Llama with a tied embedding and one flag for all biases."""
    bias = f.flag("use_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, mlp_bias=bias, tied=True)


@reads(MiMoForCausalLM="mimo")
def mimo(f: Fields) -> Architecture:
    """MiMo: Qwen2 with multi-token prediction, one dense block and a projection of two hidden states."""
    bias = f.flag("attention_bias", default=True)
    modules = f.count("num_nextn_predict_layers")
    hidden = hidden_size(f)
    block = Layer(attention(f, qkv_bias=bias), DenseMlp(hidden, f.size("intermediate_size")), norms(hidden, 2))
    module = (*block.tensors, Tensor("input_proj", "mlp", hidden, 2 * hidden), *norms(hidden, 3))
    return llama_like(f, layer_windows=qwen_windows(f), qkv_bias=bias, mtp=module * modules, mtp_layers=modules)
