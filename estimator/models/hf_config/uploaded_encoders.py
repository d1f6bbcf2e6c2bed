"""Readers of encoders whose classes come with the uploads: nomic-embed, GTE, Jina's embeddings v2 and v3."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import norms
from estimator.models.hf_config.encoders import bert_layers, encoder_attention, encoder_stack, encoder_width
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp, MixtureOfExperts
from estimator.models.tensors import Tensor


@reads(NomicBertModel="nomic_bert")
def nomic_bert(f: Fields) -> Architecture:
    """nomic-embed: rotary positions, gated MLPs without biases; version 2 has biases and plain MLPs, every second one
    of experts with one bias for all.
    """
    hidden = encoder_width(f)
    bias = f.flag("qkv_proj_bias")
    f.refuse_unless("mlp_fc1_bias", bias)
    f.refuse_unless("mlp_fc2_bias", bias)
    f.refuse_unless("activation_function", *(("gelu",) if bias else ("swiglu",)))
    mixer = encoder_attention(f, bias=bias)
    width = f.size("intermediate_size", "n_inner")
    plain = Layer(mixer, DenseMlp(hidden, width, gated=not bias, bias=bias), norms(hidden, 2, True))
    layers, every = [plain] * f.layers(), f.config.get("moe_every_n_layers")
    if every not in (None, 0, -1):
        f.refuse_unless("num_shared_experts", 0)
        bank = MixtureOfExperts(
            hidden=hidden,
            experts=f.size("num_experts"),
            per_token=f.size("moe_top_k", default=1),
            intermediate=width,
            gated=False,
        )
        shared_bias = Tensor("experts_bias", "norm", hidden, split="whole")
        routed = Layer(mixer, bank, (*norms(hidden, 2, True), shared_bias))
        period = f.size("moe_every_n_layers")
        layers = [routed if layer % period == 1 % period else plain for layer in range(f.layers())]
    types = f.size("type_vocab_size", default=2)
    return encoder_stack(f, layers, token_types=types, rotary=mixer.head_dim)


@reads(GteModel="gte", NewModel="new", GteNewModel="")
def gte(f: Fields) -> Architecture:
    """gte-multilingual and Snowflake arctic-embed-m-v2: rotary positions, a gated MLP with one bias."""
    hidden = encoder_width(f)
    f.refuse_unless("position_embedding_type", "rope")
    f.refuse_unless("layer_norm_type", "layer_norm")
    f.refuse_unless("pack_qkv", True)
    mixer = encoder_attention(f, bias=True)
    mlp = DenseMlp(hidden, f.size("intermediate_size"))
    down_bias = Tensor("down_bias", "norm", hidden, split="whole")
    layers = [Layer(mixer, mlp, (*norms(hidden, 2, True), down_bias))] * f.layers()
    return encoder_stack(f, layers, token_types=f.count("type_vocab_size"), rotary=mixer.head_dim)


@reads(JinaBertModel="")
def jina_bert(f: Fields) -> Architecture:
    """jina-embeddings-v2 (arXiv:2310.19923): BERT with ALiBi and gated MLPs, of which only the output has a bias.

    The code model norms queries and keys as well, under a class of the same name, and is refused.
    """
    f.refuse_unless("position_embedding_type", "alibi")
    f.refuse_unless("feed_forward_type", "geglu", "reglu")
    remote = f.section("auto_map")
    if remote and any("qk-post-norm" in str(value) for value in remote.config.values()):
        raise f.wrong("auto_map", "jina-bert-v2-qk-post-norm", "norms over queries and keys are not modelled")
    hidden = encoder_width(f)
    mlp = DenseMlp(hidden, f.size("intermediate_size"))
    down_bias = Tensor("down_bias", "norm", hidden, split="whole")
    layers = [Layer(encoder_attention(f, bias=True), mlp, (*norms(hidden, 2, True), down_bias))] * f.layers()
    return encoder_stack(f, layers, token_types=f.size("type_vocab_size", default=2))


@reads(JinaEmbeddingsV3Model="jina_embeddings_v3")
def jina_embeddings_v3(f: Fields) -> Architecture:
    """jina-embeddings-v3 (arXiv:2409.10173): XLM-R with rotary positions; Jina's own upload holds an adapter a task."""
    tasks = len(f.words("lora_adaptations")) if f.has("lora_adaptations") else 0
    rank = f.size("lora_rank", default=4) if tasks else 0
    rotating = Fields({**f.config, "position_embedding_type": "absolute"}, f.path, f.class_name)
    layers = [_with_adapters(layer, tasks, rank) for layer in bert_layers(rotating)]
    context = f.size("max_position_embeddings") - 2
    types = f.size("type_vocab_size", default=1)
    rotary = encoder_width(f) // f.size("num_attention_heads")
    words, hidden = f.size("vocab_size"), encoder_width(f)
    tables = (Tensor("table_adapters", "norm", rank * (words + types + 2 * hidden), copies=tasks, split="whole"),)
    pooler = (Tensor("pooler_adapters", "norm", rank * 2 * hidden, copies=tasks, split="whole"),)
    return encoder_stack(
        f,
        layers,
        token_types=types,
        context=max(context, 1),
        rotary=rotary,
        extras=(*tables, *pooler) if tasks else (),
    )


def _with_adapters(layer: Layer, tasks: int, rank: int) -> Layer:
    """A layer with low-rank adapters of every matrix for each task; queries, keys and values are one matrix."""
    if not tasks or not isinstance(layer.mixer, Attention) or not isinstance(layer.mlp, DenseMlp):
        return layer
    hidden, wide = layer.mixer.hidden, layer.mlp.intermediate
    sides = hidden + 3 * hidden + 2 * hidden + 2 * (hidden + wide)
    return replace(layer, extras=(*layer.extras, Tensor("task_adapters", "router", sides, rank, copies=tasks)))
