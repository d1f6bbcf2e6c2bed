"""Readers of T5, BART, Whisper and their kin: an encoder, and a decoder that attends to itself and to the encoder's
output.
"""

from dataclasses import replace
from typing import NamedTuple

from estimator.models.architecture import Architecture, Layer, grouped
from estimator.models.hf_config.decoder import even_heads, norms, plain_mlp, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention, CrossAttention, Parallel
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor


@reads(
    T5ForConditionalGeneration="t5",
    T5WithLMHeadModel="",
    MT5ForConditionalGeneration="mt5",
    UMT5ForConditionalGeneration="umt5",
)
def t5(f: Fields) -> Architecture:
    """T5 and its kin: relative positions, one bucket table per stack, or per layer in UMT5."""
    hidden, heads = f.size("d_model"), f.size("num_heads")
    head = f.size("d_kv")
    buckets = f.size("relative_attention_num_buckets", default=32)
    gated = f.text("feed_forward_proj", default="relu").startswith("gated")
    mlp = DenseMlp(hidden, f.size("d_ff"), gated=gated)
    own, cross = (
        Attention(hidden=hidden, heads=heads, kv_heads=heads, head_dim=head),
        CrossAttention(hidden=hidden, heads=heads, kv_heads=heads, head_dim=head),
    )
    table = Tensor("relative_attention_bias", "norm", buckets, heads)
    per_layer = (table,) if f.class_name == "UMT5ForConditionalGeneration" else ()
    encoder = Layer(own, mlp, (*norms(hidden, 2), *per_layer))
    decoder = Layer(Parallel((own, cross)), mlp, (*norms(hidden, 3), *per_layer))
    count = f.layers("num_layers")
    tables = () if per_layer else (table, table)
    architecture = stack(
        f,
        [decoder] * (f.layers("num_decoder_layers") if f.has("num_decoder_layers") else count),
        tied=f.class_name in ("T5ForConditionalGeneration", "T5WithLMHeadModel"),
        final_norms=2,
        final=tables,
        rotary=0,
        hidden=hidden,
    )
    return replace(architecture, encoder=grouped([encoder] * count))


@reads(T5EncoderModel="", MT5EncoderModel="", UMT5EncoderModel="")
def t5_encoder(f: Fields) -> Architecture:
    """T5's encoder alone, as sentence-T5 and Instructor embed with it (arXiv:2108.08877)."""
    body_class = f.class_name.replace("EncoderModel", "ForConditionalGeneration")
    return encoder_alone(t5(Fields(f.config, f.path, body_class)))


def encoder_alone(architecture: Architecture) -> Architecture:
    """The encoder of a T5: half of its norms and tables, attention both ways, no cache and no output projection."""
    layers = tuple(
        replace(group, layer=replace(group.layer, mixer=replace(group.layer.mixer, bidirectional=True)))
        for group in architecture.encoder
        if isinstance(group.layer.mixer, Attention)
    )
    hidden = architecture.hidden
    tables = tuple(tensor for tensor in architecture.final if tensor.name == "relative_attention_bias")
    note = "embedding: no text is generated"
    return replace(
        architecture,
        groups=layers,
        encoder=(),
        head=(),
        tied=False,
        final=(*norms(hidden, 1), *tables[:1]),
        task="embedding",
        notes=(*architecture.notes, note),
    )


@reads(
    BartForConditionalGeneration="bart",
    MBartForConditionalGeneration="mbart",
    PegasusForConditionalGeneration="pegasus",
    BlenderbotForConditionalGeneration="blenderbot",
    BlenderbotSmallForConditionalGeneration="blenderbot-small",
    MarianMTModel="marian",
    M2M100ForConditionalGeneration="m2m_100",
    PLBartForConditionalGeneration="plbart",
    MvpForConditionalGeneration="mvp",
    Florence2TextForConditionalGeneration="",
)
def bart(f: Fields) -> Architecture:
    """BART and its kin (arXiv:1910.13461): biases everywhere, one embedding for both stacks.

    NLLB and M2M-100 compute their positions; Pegasus and Marian store sinusoids.
    """
    style = _BART_STYLES[f.class_name.removesuffix("ForConditionalGeneration").removesuffix("MTModel")]
    f.refuse_unless("share_encoder_decoder_embeddings", True)
    f.refuse_unless("use_prompt", False)
    hidden = f.size("d_model")
    norm_count = style.stack_norms
    extras = [*norms(hidden, 2 * style.embedding_norms, True)]
    if style.logit_bias:
        extras.append(Tensor("final_logits_bias", "norm", f.size("vocab_size"), split="whole"))
    rows = f.size("max_position_embeddings") + style.spare_positions
    positions = Tensor("embed_positions", "embedding", rows, hidden, copies=2, split="whole")
    architecture = stack(
        f,
        [_decoder_layer(f, hidden)] * f.layers("decoder_layers"),
        tied=True,
        final_norms=2 * norm_count,
        norm_bias=True,
        tables=(positions,) if style.positions else (),
        final=tuple(extras),
        rotary=0,
        hidden=hidden,
    )
    return replace(architecture, encoder=grouped([_encoder_layer(f, hidden)] * f.layers("encoder_layers")))


class _BartStyle(NamedTuple):
    """The tensors in which a family around BART differs from the others."""

    positions: bool = True
    """Whether position tables are stored."""
    spare_positions: int = 0
    embedding_norms: int = 1
    """LayerNorms behind each stack's embedding."""
    stack_norms: int = 0
    """LayerNorms behind each stack."""
    logit_bias: bool = True


_BART_STYLES = {
    "Bart": _BartStyle(spare_positions=2),
    "Florence2Text": _BartStyle(spare_positions=2, logit_bias=False),
    "PLBart": _BartStyle(spare_positions=2),
    "Mvp": _BartStyle(spare_positions=2),
    "MBart": _BartStyle(spare_positions=2, stack_norms=1),
    "Pegasus": _BartStyle(embedding_norms=0, stack_norms=1),
    "Blenderbot": _BartStyle(embedding_norms=0, stack_norms=1),
    "BlenderbotSmall": _BartStyle(),
    "Marian": _BartStyle(embedding_norms=0),
    "M2M100": _BartStyle(positions=False, embedding_norms=0, stack_norms=1, logit_bias=False),
}


def _encoder_layer(f: Fields, hidden: int, *, key_bias: bool = True) -> Layer:
    heads = f.size("encoder_attention_heads")
    own = replace(even_heads(hidden, heads, bias=key_bias, output_bias=True), bidirectional=True)
    around = norms(hidden, 2, True) if key_bias else (*norms(hidden, 2, True), _query_value_bias(hidden, 1))
    return Layer(own, plain_mlp(hidden, f.size("encoder_ffn_dim"), True), around)


def _decoder_layer(f: Fields, hidden: int, *, key_bias: bool = True) -> Layer:
    heads = f.size("decoder_attention_heads")
    own = even_heads(hidden, heads, bias=key_bias, output_bias=True)
    cross = CrossAttention(
        hidden=hidden, heads=heads, kv_heads=heads, head_dim=own.head_dim, qkv_bias=key_bias, output_bias=True
    )
    around = norms(hidden, 3, True) if key_bias else (*norms(hidden, 3, True), _query_value_bias(hidden, 2))
    return Layer(Parallel((own, cross)), plain_mlp(hidden, f.size("decoder_ffn_dim"), True), around)


def _query_value_bias(hidden: int, attentions: int) -> Tensor:
    """Whisper's keys have no bias, its queries and values do."""
    return Tensor("qv_bias", "norm", 2 * hidden, copies=attentions)


@reads(WhisperForConditionalGeneration="whisper")
def whisper(f: Fields) -> Architecture:
    """Whisper (arXiv:2212.04356): two convolutions over the spectrogram, then an encoder and a decoder."""
    hidden, mels = f.size("d_model"), f.size("num_mel_bins")
    sources, targets = f.size("max_source_positions"), f.size("max_target_positions")
    convolutions = 3 * mels * hidden + hidden + 3 * hidden * hidden + hidden
    tables = (
        Tensor("encoder.embed_positions", "embedding", sources, hidden, split="whole"),
        Tensor("decoder.embed_positions", "embedding", targets, hidden, split="whole"),
    )
    architecture = stack(
        f,
        [_decoder_layer(f, hidden, key_bias=False)] * f.layers("decoder_layers"),
        tied=True,
        final_norms=2,
        norm_bias=True,
        tables=tables,
        final=(Tensor("encoder.conv", "norm", convolutions, split="whole"),),
        rotary=0,
        hidden=hidden,
    )
    encoder = grouped([_encoder_layer(f, hidden, key_bias=False)] * f.layers("encoder_layers"))
    return replace(architecture, encoder=encoder, max_context=targets)
