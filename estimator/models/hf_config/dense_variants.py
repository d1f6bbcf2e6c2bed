"""Readers of dense decoders that differ from Llama by a part: BitNet, DiffLlama, Granite with windows,
nanochat, Doge.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, attention, even_heads, hidden_size, norms, stack, windows
from estimator.models.hf_config.dense import llama_like
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.heads import HEAD_STYLES, HeadStyle
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@reads(BitNetForCausalLM="bitnet")
def bitnet(f: Fields) -> Architecture:
    """BitNet b1.58 (arXiv:2402.17764): norms inside attention and MLP; the head is stored apart."""
    inner = (*norms(hidden_size(f), 1), Tensor("ffn_sub_norm", "norm", f.size("intermediate_size"), split="whole"))
    return llama_like(f, qkv_bias=f.flag("attention_bias"), output_bias=f.flag("attention_bias"), extras=inner)


@reads(DiffLlamaForCausalLM="diffllama")
def diffllama(f: Fields) -> Architecture:
    """DiffLlama: differential attention (arXiv:2410.05258), where four vectors a layer weigh two softmaxes against each
    other.
    """
    bias, mixer = f.flag("attention_bias"), attention(f)
    weighing = (Tensor("lambda", "norm", mixer.head_dim, copies=4, split="whole"),)
    return llama_like(f, qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias"), extras=weighing)


@reads(GraniteSWAForCausalLM="granite_swa")
def granite_swa(f: Fields) -> Architecture:
    """Granite with windows: attention has sinks; every fourth layer, from the first, is full."""
    count, hidden, bias = f.layers(), hidden_size(f), f.flag("attention_bias")
    if f.has("layer_types"):
        slides = windows(f, count)
    else:
        slides = [f.size("sliding_window") if layer % 4 else 0 for layer in range(count)]
    mlp = DenseMlp(hidden, f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    layers = [
        Layer(attention(f, window=window, qkv_bias=bias, output_bias=bias, sinks=True), mlp, norms(hidden, 2))
        for window in slides
    ]
    return stack(f, layers, tied=True)


@reads(NanoChatForCausalLM="nanochat")
def nanochat(f: Fields) -> Architecture:
    """karpathy/nanochat: norms without parameters, squared ReLU."""
    bias, hidden = f.flag("attention_bias"), hidden_size(f)
    mixer = attention(f, qkv_bias=bias, output_bias=bias)
    mlp = DenseMlp(hidden, f.size("intermediate_size"), gated=False)
    return stack(f, [Layer(mixer, mlp)] * f.layers(), final_norms=0)


@reads(DogeForCausalLM="doge")
def doge(f: Fields) -> Architecture:
    """Doge: dynamic mask attention with a step per key head, residual weights; its experts of single vectors are not
    modelled.
    """
    f.refuse_unless("is_moe", False)
    f.refuse_unless("attention_bias", False)
    hidden = hidden_size(f)
    mixer = attention(f, window=f.count("sliding_window"), head_norm=True)
    step = Tensor("dt_proj", "router", mixer.kv_heads, mixer.kv_heads * mixer.head_dim)
    residual = (Tensor("A", "norm", mixer.kv_heads), Tensor("residual", "norm", hidden, copies=2, split="whole"))
    mlp = DenseMlp(hidden, f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    return stack(f, [Layer(mixer, mlp, (*norms(hidden, 2), step, *residual))] * f.layers())


HEAD_STYLES["ModernBertDecoderForCausalLM"] = HeadStyle(
    classifier="dense", transform_norm_bias=False, dense_bias=False, projection_bias=False
)


@reads(ModernBertDecoderForCausalLM="modernbert-decoder")
def modernbert_decoder(f: Fields) -> Architecture:
    """ModernBERT read from left to right: a norm behind the embedding, none before the first attention."""
    hidden, count = hidden_size(f), f.layers()
    bias, norm_bias = f.flag("attention_bias"), f.flag("norm_bias")
    f.refuse_unless("classifier_bias", False)
    full = even_heads(hidden, f.size("num_attention_heads"), bias=bias)
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, SLIDING))
    else:
        every = f.size("global_attn_every_n_layers", default=3)
        kinds = [SLIDING if layer % every else FULL for layer in range(count)]
    local = f.size("sliding_window", default=f.size("local_attention", default=128) // 2)
    mlp = DenseMlp(hidden, f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    layers = [
        Layer(
            full if kind == FULL else replace(full, window=local),
            mlp,
            norms(hidden, 1 if place == 0 else 2, norm_bias),
        )
        for place, kind in enumerate(kinds)
    ]
    vectors = 2 if norm_bias else 1
    transform = (
        *norms(hidden, 1, norm_bias),  # behind the embedding
        Tensor("lm_head.dense", "head", hidden, hidden, split="whole"),
        Tensor("lm_head.norm", "norm", hidden, copies=vectors, split="whole"),
    )
    return stack(
        f,
        layers,
        tied=True,
        norm_bias=norm_bias,
        head_bias=f.flag("decoder_bias", default=True),
        final=transform,
    )
