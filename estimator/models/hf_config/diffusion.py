"""Readers of diffusion language models: LLaDA and Dream, which fill in a masked text in several passes over all
of it.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import divides, norms, stack
from estimator.models.hf_config.dense import both_ways, llama_like
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp

NOTE = "masked diffusion: every pass reads the whole text, so no cache is kept"


def _diffusion(architecture: Architecture) -> Architecture:
    """The architecture with attention both ways and no cache."""
    return replace(both_ways(architecture), task="diffusion", notes=(*architecture.notes, NOTE))


@reads(LLaDAModelLM="llada")
def llada(f: Fields) -> Architecture:
    """LLaDA (arXiv:2502.09992): Llama's parts under OLMo's names, in its `llama` kind of block."""
    f.refuse_unless("block_type", "llama")
    f.refuse_unless("include_bias", False)
    f.refuse_unless("include_qkv_bias", False)
    f.refuse_unless("attention_layer_norm", False)
    f.refuse_unless("alibi", False)
    hidden, heads = f.size("d_model"), f.size("n_heads")
    groups = f.size("n_kv_heads", default=heads)
    divides("n_kv_heads", groups, heads)
    divides("n_heads", heads, hidden)
    mixer = Attention(hidden=hidden, heads=heads, kv_heads=groups, head_dim=hidden // heads)
    layer = Layer(mixer, DenseMlp(hidden, f.size("mlp_hidden_size")), norms(hidden, 2))
    architecture = stack(
        f,
        [layer] * f.layers("n_layers"),
        hidden=hidden,
        vocabulary=f.size("embedding_size", "vocab_size"),
        rotary=hidden // heads,
    )
    context = f.size("max_sequence_length", default=0, most=1 << 30)
    return _diffusion(replace(architecture, tied=f.flag("weight_tying"), max_context=context))


@reads(DreamModel="Dream")
def dream(f: Fields) -> Architecture:
    """Dream (arXiv:2508.15487): Qwen2.5's parts."""
    return _diffusion(llama_like(f, qkv_bias=True))
