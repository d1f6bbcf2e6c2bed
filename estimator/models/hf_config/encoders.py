"""Readers of encoders: BERT and its kin, which read a text at once and keep no cache."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, even_heads, norms, stack
from estimator.models.hf_config.dense import both_ways, llama_like
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.heads import HEAD_STYLES, HeadStyle
from estimator.models.hf_config.registry import find_reader, reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

POOLED = HeadStyle(pooler=True, classifier="pooler")
DENSE = HeadStyle(pooler=True, classifier="dense")
HEAD_STYLES |= {
    "BertModel": POOLED,
    "ErnieModel": POOLED,
    "AlbertModel": POOLED,
    "MegatronBertModel": POOLED,
    "NomicBertModel": HeadStyle(classifier="pooler"),
    "GteModel": HeadStyle(classifier="pooler"),
    "NewModel": HeadStyle(classifier="pooler"),
    "GteNewModel": HeadStyle(classifier="pooler"),
    "JinaBertModel": POOLED,
    "LlamaBidirectionalModel": HeadStyle(projection_bias=False),
    "RobertaModel": DENSE,
    "XLMRobertaModel": DENSE,
    "XLMRobertaXLModel": DENSE,
    "CamembertModel": DENSE,
    "Data2VecTextModel": DENSE,
    "RobertaPreLayerNormModel": DENSE,
    "JinaEmbeddingsV3Model": DENSE,
    "MPNetModel": DENSE,
    "ElectraModel": HeadStyle(classifier="dense"),
    "DistilBertModel": HeadStyle(classifier="dense"),
    "DebertaV2Model": HeadStyle(classifier="dense"),
    "ModernBertModel": HeadStyle(classifier="dense", transform_norm_bias=False, dense_bias=False, everywhere=True),
    "EuroBertModel": HeadStyle(classifier="dense", transform=False, tied=False),
}


def encoder_width(f: Fields) -> int:
    """Width of the residual stream, in elements, under any of the names that encoders use."""
    return f.size("hidden_size", "dim", "n_embd")


def encoder_attention(f: Fields, *, bias: bool, output_bias: bool | None = None) -> Attention:
    """Attention of every token to all others of its text."""
    heads = f.size("num_attention_heads", "n_heads", "n_head")
    even = even_heads(encoder_width(f), heads, bias=bias, output_bias=output_bias)
    return replace(even, bidirectional=True, head_dim=f.size("head_dim", default=even.head_dim))


def encoder_stack(
    f: Fields,
    layers: list[Layer],
    *,
    positions: int = 0,
    token_types: int = 0,
    embedding_norms: int = 1,
    final_norms: int = 0,
    norm_bias: bool = True,
    context: int = 0,
    extras: tuple[Tensor, ...] = (),
    width: int = 0,
    rotary: int = 0,
) -> Architecture:
    """Tables, layers and norms of an encoder; `width` is that of an embedding narrower than the layers."""
    hidden = encoder_width(f)
    table = width or hidden
    architecture = stack(
        f,
        layers,
        tied=True,
        final_norms=final_norms,
        norm_bias=norm_bias,
        final=(*norms(table, embedding_norms, norm_bias), *extras),
        rotary=rotary,
        hidden=hidden,
    )
    tables = [Tensor("word_embeddings", "embedding", architecture.vocabulary, table)]
    if positions:
        tables.append(Tensor("position_embeddings", "embedding", positions, table, split="whole"))
    if token_types:
        tables.append(Tensor("token_type_embeddings", "embedding", token_types, table, split="whole"))
    return replace(
        architecture,
        embedding=tuple(tables),
        head=(),
        tied=False,
        max_context=context or architecture.max_context,
        task="embedding",
    )


def bert_layers(f: Fields, *, layer_norms: int = 2) -> list[Layer]:
    """Post-norm blocks with biases everywhere (arXiv:1810.04805)."""
    hidden = encoder_width(f)
    f.refuse_unless("position_embedding_type", "absolute")
    f.refuse_unless("is_decoder", False)
    f.refuse_unless("add_cross_attention", False)
    mlp = DenseMlp(hidden, f.size("intermediate_size", "hidden_dim", "n_inner"), gated=False, bias=True)
    layer = Layer(encoder_attention(f, bias=True), mlp, norms(hidden, layer_norms, True))
    return [layer] * f.layers()


@reads(AlbertModel="albert")
def albert(f: Fields) -> Architecture:
    """ALBERT (arXiv:1909.11942): BERT whose layers are one layer run again and again, over a narrower embedding."""
    f.refuse_unless("inner_group_num", 1)
    hidden, narrow = encoder_width(f), f.size("embedding_size", default=128)
    sets = min(f.size("num_hidden_groups", default=1), f.layers())
    architecture = encoder_stack(
        f,
        bert_layers(f),
        positions=f.size("max_position_embeddings"),
        token_types=f.size("type_vocab_size", default=2),
        width=narrow,
        extras=(
            Tensor("embedding_hidden_mapping_in", "router", hidden, narrow),
            Tensor("mapping_bias", "norm", hidden, split="whole"),
        ),
    )
    (group,) = architecture.groups
    return replace(architecture, groups=(replace(group, stored=sets),))


@reads(BertModel="bert", ErnieModel="ernie", MegatronBertModel="megatron-bert")
def bert(f: Fields) -> Architecture:
    """BERT; ERNIE may add a table of tasks; Megatron-BERT norms after its layers instead of its embedding."""
    f.refuse_unless("use_task_id", False)
    megatron = f.class_name == "MegatronBertModel"
    return encoder_stack(
        f,
        bert_layers(f),
        positions=f.size("max_position_embeddings"),
        token_types=f.size("type_vocab_size", default=2),
        embedding_norms=0 if megatron else 1,
        final_norms=1 if megatron else 0,
    )


@reads(
    RobertaModel="roberta",
    XLMRobertaModel="xlm-roberta",
    XLMRobertaXLModel="xlm-roberta-xl",
    CamembertModel="camembert",
    Data2VecTextModel="data2vec-text",
    RobertaPreLayerNormModel="roberta-prelayernorm",
)
def roberta(f: Fields) -> Architecture:
    """RoBERTa and XLM-R (BGE-M3, multilingual E5): positions start behind the padding token.

    The XL and pre-norm variants norm once more after the layers, XL not after its embedding.
    """
    rotating = find_reader("JinaEmbeddingsV3Model")
    if rotating and f.config.get("position_embedding_type") == "rotary":
        return rotating(f)
    positions = f.size("max_position_embeddings")
    extra_large = f.class_name == "XLMRobertaXLModel"
    pre_norm = f.class_name == "RobertaPreLayerNormModel"
    return encoder_stack(
        f,
        bert_layers(f),
        positions=positions,
        token_types=f.size("type_vocab_size", default=2),
        embedding_norms=0 if extra_large else 1,
        final_norms=1 if extra_large or pre_norm else 0,
        context=max(positions - f.count("pad_token_id", default=1) - 1, 1),
    )


@reads(ElectraModel="electra")
def electra(f: Fields) -> Architecture:
    """ELECTRA: BERT behind an embedding of its own width and a projection."""
    hidden, width = encoder_width(f), f.size("embedding_size", default=128)
    projection = (Tensor("embeddings_project", "router", hidden, width), Tensor("project_bias", "norm", hidden))
    return encoder_stack(
        f,
        bert_layers(f),
        positions=f.size("max_position_embeddings"),
        token_types=f.size("type_vocab_size", default=2),
        width=width,
        extras=projection if width != hidden else (),
    )


@reads(DistilBertModel="distilbert")
def distilbert(f: Fields) -> Architecture:
    """DistilBERT: six BERT layers without token types; sinusoidal positions are stored all the same."""
    return encoder_stack(f, bert_layers(f), positions=f.size("max_position_embeddings"))


@reads(MPNetModel="mpnet")
def mpnet(f: Fields) -> Architecture:
    """MPNet: BERT with one table of relative positions, shared by the layers."""
    buckets = f.size("relative_attention_num_buckets", default=32)
    table = Tensor("relative_attention_bias", "norm", buckets, f.size("num_attention_heads"))
    positions = f.size("max_position_embeddings")
    return encoder_stack(f, bert_layers(f), positions=positions, extras=(table,), context=max(positions - 2, 1))


@reads(DebertaV2Model="deberta-v2")
def deberta_v2(f: Fields) -> Architecture:
    """DeBERTa-v2 and v3 (arXiv:2111.09543): disentangled attention over a table of relative positions."""
    hidden = encoder_width(f)
    f.refuse_unless("embedding_size", hidden)
    f.refuse_unless("conv_kernel_size", 0)
    f.refuse_unless("pooler_hidden_size", hidden)
    relative = f.flag("relative_attention")
    extras: tuple[Tensor, ...] = ()
    if relative:
        span = f.config.get("max_relative_positions")
        span = f.size("max_position_embeddings") if span in (None, -1, 0) else f.size("max_relative_positions")
        buckets = f.config.get("position_buckets")
        rows = span if buckets in (None, -1, 0) else f.size("position_buckets")
        f.refuse_unless("share_att_key", True)
        extras = (Tensor("rel_embeddings", "embedding", 2 * rows, hidden, split="whole"),)
        if "layer_norm" in f.text("norm_rel_ebd", default="none"):
            extras += norms(hidden, 1, True)
    absolute = f.flag("position_biased_input", default=True)
    return encoder_stack(
        f,
        bert_layers(f),
        positions=f.size("max_position_embeddings") if absolute else 0,
        token_types=f.count("type_vocab_size"),
        extras=extras,
    )


@reads(ModernBertModel="modernbert")
def modernbert(f: Fields) -> Architecture:
    """ModernBERT (arXiv:2412.13663): gated MLPs, every third layer global, the others over `local_attention` tokens."""
    hidden, count = encoder_width(f), f.layers()
    bias = f.flag("attention_bias")
    f.refuse_unless("norm_bias", False)
    f.refuse_unless("classifier_bias", False)
    f.refuse_unless("decoder_bias", True)
    full = encoder_attention(f, bias=bias)
    local = replace(full, window=f.size("local_attention", default=128))
    mlp = DenseMlp(hidden, f.size("intermediate_size"), bias=f.flag("mlp_bias"))
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, SLIDING))
    else:
        every = f.size("global_attn_every_n_layers", default=3)
        kinds = [FULL if layer % every == 0 else SLIDING for layer in range(count)]
    layers = [
        Layer(full if kind == FULL else local, mlp, norms(hidden, 1 if place == 0 else 2))
        for place, kind in enumerate(kinds)
    ]
    head = hidden // f.size("num_attention_heads")
    return encoder_stack(f, layers, final_norms=1, norm_bias=False, rotary=head)


@reads(EuroBertModel="eurobert")
def eurobert(f: Fields) -> Architecture:
    """EuroBERT: a Llama that looks both ways."""
    f.refuse_unless("mlp_bias", False)
    hidden, bias = encoder_width(f), f.flag("attention_bias")
    heads = f.size("num_attention_heads")
    groups = f.size("num_key_value_heads", default=heads)
    even = even_heads(hidden, heads, groups, bias=bias)
    mixer = replace(even, bidirectional=True, head_dim=f.size("head_dim", default=even.head_dim))
    mlp = DenseMlp(hidden, f.size("intermediate_size"))
    layers = [Layer(mixer, mlp, norms(hidden, 2))] * f.layers()
    return encoder_stack(f, layers, embedding_norms=0, final_norms=1, norm_bias=False, rotary=mixer.head_dim)


@reads(LlamaBidirectionalModel="llama_bidirec")
def llama_bidirectional(f: Fields) -> Architecture:
    """Llama that looks both ways: NVIDIA's embedding and reranking models."""
    body = llama_like(f, qkv_bias=f.flag("attention_bias"), output_bias=f.flag("attention_bias"))
    return replace(both_ways(body), head=(), tied=False, task="embedding")
