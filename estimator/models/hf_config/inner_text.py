"""Readers of language models that stand inside a multimodal wrapper only: those of GLM-OCR, Granite Docling, Molmo 2,
Muse, Voxtral Realtime, Cosmos 3 Edge.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import attention, hidden_size, norms, stack, windows
from estimator.models.hf_config.dense import llama_like
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.moe import experts
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@reads(GlmOcrTextForCausalLM="glm_ocr_text")
def glm_ocr(f: Fields) -> Architecture:
    """GLM-OCR's language model: GLM-4 with norms on both sides of each half, without biases."""
    f.refuse_unless("attention_bias", False)
    return llama_like(f, layer_norms=4)


@reads(GraniteDoclingTextForCausalLM="granite_docling_text")
def granite_docling(f: Fields) -> Architecture:
    """Granite Docling's language model: a Granite whose head is its embedding."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias"), tied=True)


@reads(Molmo2TextForCausalLM="molmo2_text")
def molmo2(f: Fields) -> Architecture:
    """Molmo 2's language model: Qwen3 with rows for image tokens beside its vocabulary, which no head predicts."""
    f.refuse_unless("norm_after", False)
    f.refuse_unless("qk_norm_type", "qwen3")
    rows = f.count("additional_vocab_size", default=128)
    text = llama_like(f, qkv_bias=f.flag("attention_bias"), head_norm=True)
    return replace(text, embedding=(*text.embedding, Tensor("embed_spare", "embedding", rows, text.hidden)))


@reads(VoxtralRealtimeTextForCausalLM="voxtral_realtime_text")
def voxtral_realtime(f: Fields) -> Architecture:
    """Voxtral Realtime's language model: Mistral over a window, with small matrices that turn time into a norm."""
    hidden, rank = hidden_size(f), f.size("ada_rms_norm_dim", default=32)
    time = (
        Tensor("ada_rms_norm.linear1", "router", rank, hidden, split="whole"),
        Tensor("ada_rms_norm.linear2", "router", hidden, rank, split="whole"),
    )
    slides = windows(f, f.layers())
    return llama_like(f, layer_windows=slides, tied=True, extras=time)


@reads(Cosmos3EdgeTextForCausalLM="cosmos3_edge_text")
def cosmos3_edge(f: Fields) -> Architecture:
    """Cosmos 3 Edge's language model: a dense Nemotron with RMSNorms."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias"), gated=False)


@reads(
    MuseGlimmerTextForCausalLM="muse_glimmer_text",
    MuseGlimmerForCausalLM="",
    MuseSparkTextForCausalLM="muse_spark_text",
)
def muse(f: Fields) -> Architecture:
    """Muse's language models: a gate on attention, every fourth layer full; Spark has experts behind a narrower
    projection, three norms and gated residuals.
    """
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    spark = f.class_name.startswith("MuseSpark")
    plain = replace(attention(f, qkv_bias=bias, output_bias=bias), separate_gate=True)
    if spark:
        f.per_layer("mlp_layer_types", count, ("sparse",))
        inside = f.size("moe_hidden_size")
        mlp = replace(experts(f, router_bias=True), expert_hidden=inside, router_norm=2 * inside)
        around = (*norms(hidden, 3), Tensor("residual_gate", "norm", hidden, copies=2, split="whole"))
        layers = [Layer(replace(plain, window=window), mlp, around) for window in windows(f, count)]
    else:
        dense = DenseMlp(hidden, f.size("intermediate_size"))
        layers = [Layer(replace(plain, window=window), dense, norms(hidden, 4)) for window in windows(f, count)]
    return stack(f, layers)
