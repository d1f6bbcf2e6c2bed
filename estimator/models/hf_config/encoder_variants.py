"""Readers of further encoders: DeBERTa, Longformer, BigBird, RoFormer, LayoutLM, RemBERT and kin."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import even_heads, norms
from estimator.models.hf_config.encoders import DENSE, POOLED, bert_layers, encoder_attention, encoder_stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.heads import HEAD_STYLES, HeadStyle
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

HEAD_STYLES |= {
    "DebertaModel": HeadStyle(classifier="dense"),
    "LongformerModel": DENSE,
    "BigBirdModel": HeadStyle(pooler=True, classifier="dense", keeps_pooler=True),
    "RoFormerModel": HeadStyle(classifier="dense"),
    "NystromformerModel": HeadStyle(classifier="dense"),
    "YosoModel": HeadStyle(classifier="dense"),
    "LayoutLMModel": HeadStyle(pooler=True, keeps_pooler=True),
    "RemBertModel": POOLED,
}


@reads(DebertaModel="deberta")
def deberta(f: Fields) -> Architecture:
    """DeBERTa (arXiv:2006.03654): keys without a bias, and projections of the relative positions in each layer."""
    hidden = f.size("hidden_size")
    f.refuse_unless("pooler_hidden_size", hidden)
    relative = f.flag("relative_attention")
    kinds: list[str] = []
    if f.has("pos_att_type"):  # a list, or its words behind bars in older files
        bars = isinstance(f.config["pos_att_type"], str)
        kinds = f.text("pos_att_type").split("|") if bars else f.words("pos_att_type")
    positions: list[Tensor] = [Tensor("qv_bias", "norm", 2 * hidden)]
    if relative and "c2p" in kinds:
        positions.append(Tensor("pos_proj", "attention", hidden, hidden))
    if relative and "p2c" in kinds:
        positions += [Tensor("pos_q_proj", "attention", hidden, hidden), Tensor("pos_q_bias", "norm", hidden)]
    span = f.config.get("max_relative_positions")
    rows = f.size("max_position_embeddings") if span in (None, -1, 0) else f.size("max_relative_positions")
    table = Tensor("rel_embeddings", "embedding", 2 * rows, hidden, split="whole")
    heads = even_heads(hidden, f.size("num_attention_heads"), bias=False, output_bias=True)
    mlp = DenseMlp(hidden, f.size("intermediate_size"), gated=False, bias=True)
    layer = Layer(replace(heads, bidirectional=True), mlp, (*norms(hidden, 2, True), *positions))
    absolute = f.flag("position_biased_input", default=True)
    return encoder_stack(
        f,
        [layer] * f.layers(),
        positions=f.size("max_position_embeddings") if absolute else 0,
        token_types=f.count("type_vocab_size"),
        extras=(table,) if relative else (),
    )


@reads(LongformerModel="longformer")
def longformer(f: Fields) -> Architecture:
    """Longformer (arXiv:2004.05150): RoBERTa over a window, with projections of their own for tokens that see all."""
    hidden = f.size("hidden_size")
    positions, count = f.size("max_position_embeddings"), f.layers()
    spans = f.choices("attention_window", count) if isinstance(f.config.get("attention_window"), list) else None
    windows = spans or [f.size("attention_window", default=512)] * count
    everywhere = (
        Tensor("qkv_global", "attention", hidden, hidden, copies=3),
        Tensor("qkv_global_bias", "norm", hidden, copies=3),
    )
    mixer = encoder_attention(f, bias=True)
    layers = [
        replace(layer, mixer=replace(mixer, window=window), extras=(*layer.extras, *everywhere))
        for layer, window in zip(bert_layers(f), windows, strict=True)
    ]
    return encoder_stack(
        f,
        layers,
        positions=positions,
        token_types=f.size("type_vocab_size", default=2),
        context=max(positions - f.count("pad_token_id", default=1) - 1, 1),
    )


@reads(
    BigBirdModel="big_bird",
    LayoutLMModel="layoutlm",
    NystromformerModel="nystromformer",
    YosoModel="yoso",
)
def bert_kin(f: Fields) -> Architecture:
    """BERT with another way to attend, whose weights are BERT's; LayoutLM adds four tables of places on a page."""
    hidden, positions = f.size("hidden_size"), f.size("max_position_embeddings")
    f.refuse_unless("use_bias", True)
    f.refuse_unless("conv_window", None)
    layers = bert_layers(f)
    extras: tuple[Tensor, ...] = ()
    if f.class_name == "LayoutLMModel":
        places = f.size("max_2d_position_embeddings", default=1024)
        extras = (Tensor("page_embeddings", "embedding", places, hidden, copies=4, split="whole"),)
    if f.class_name == "NystromformerModel" and f.config.get("conv_kernel_size") is not None:
        taps = Tensor("conv", "norm", f.size("num_attention_heads"), f.size("conv_kernel_size"))
        layers = [replace(layer, extras=(*layer.extras, taps)) for layer in layers]
    spare = 2 if f.class_name in ("NystromformerModel", "YosoModel") else 0
    types = f.size("type_vocab_size", default=1 if f.class_name == "YosoModel" else 2)
    return encoder_stack(f, layers, positions=positions + spare, token_types=types, extras=extras, context=positions)


@reads(RoFormerModel="roformer", RemBertModel="rembert")
def projected_bert(f: Fields) -> Architecture:
    """RoFormer, whose positions rotate and are stored as sinusoids of a head's width, and RemBERT: BERT behind an
    embedding of its own width.
    """
    hidden = f.size("hidden_size")
    roformer = f.class_name == "RoFormerModel"
    width = f.size("embedding_size", default=hidden) if roformer else f.size("input_embedding_size", default=256)
    positions = f.size("max_position_embeddings")
    projection = (Tensor("embeddings_project", "router", hidden, width), Tensor("project_bias", "norm", hidden))
    sinusoids = Tensor(
        "embed_positions", "embedding", positions, hidden // f.size("num_attention_heads"), split="whole"
    )
    return encoder_stack(
        f,
        bert_layers(f),
        positions=0 if roformer else positions,
        token_types=f.size("type_vocab_size", default=2),
        width=width,
        extras=(*(projection if width != hidden else ()), *((sinusoids,) if roformer else ())),
    )
