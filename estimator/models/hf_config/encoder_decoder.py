"""T5 and its kin: an encoder, and a decoder that attends to both itself and the encoder's output."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer, grouped
from estimator.models.hf_config.decoder import norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention, CrossAttention, Parallel
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@reads(
    T5ForConditionalGeneration="t5",
    MT5ForConditionalGeneration="mt5",
    UMT5ForConditionalGeneration="umt5",
)
def t5(f: Fields) -> Architecture:
    """Relative positions: one bucket table per stack, or per layer in UMT5."""
    hidden, heads = f.size("d_model"), f.size("num_heads")
    head = f.size("d_kv")
    buckets = f.size("relative_attention_num_buckets", default=32)
    gated = f.text("feed_forward_proj", default="relu").startswith("gated")
    mlp = DenseMlp(hidden, f.size("d_ff"), gated=gated)
    own, cross = Attention(hidden, heads, heads, head), CrossAttention(hidden, heads, heads, head)
    table = Tensor("relative_attention_bias", "norm", buckets, heads)
    per_layer = (table,) if f.class_name == "UMT5ForConditionalGeneration" else ()
    encoder = Layer(own, mlp, (*norms(hidden, 2), *per_layer))
    decoder = Layer(Parallel((own, cross)), mlp, (*norms(hidden, 3), *per_layer))
    count = f.layers("num_layers")
    tables = () if per_layer else (table, table)
    architecture = stack(
        f,
        [decoder] * (f.layers("num_decoder_layers") if f.has("num_decoder_layers") else count),
        tied=f.class_name == "T5ForConditionalGeneration",
        final_norms=2,
        final=tables,
        rotary=0,
        hidden=hidden,
    )
    return replace(architecture, encoder=grouped([encoder] * count))
