"""Gemma 1 to 4: tied embeddings, sandwich norms, sliding patterns."""

from estimator.architecture import Architecture
from estimator.hf_config.decoder import windows
from estimator.hf_config.dense import llama_like
from estimator.hf_config.fields import Fields
from estimator.hf_config.registry import reads


@reads(GemmaForCausalLM="gemma")
def gemma(f: Fields) -> Architecture:
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, tied=True)


@reads(Gemma2ForCausalLM="gemma2", Gemma3ForCausalLM="gemma3_text")
def gemma2(f: Fields) -> Architecture:
    """Gemma 2 alternates window and full attention, Gemma 3 keeps every sixth layer full and norms the heads."""
    third = f.class_name.startswith("Gemma3")
    every = f.size("sliding_window_pattern", "_sliding_window_pattern", default=6) if third else 2
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        layer_windows=windows(f, f.layers(), every=every),
        qkv_bias=bias,
        output_bias=bias,
        head_norm=third,
        layer_norms=4,
        tied=True,
    )
