"""Readers of newer latent attention: the hybrid GLM-5 with Kimi delta attention, Hunyuan V4, Mistral Large 4, dots3,
A.X K2.
"""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.hybrid import LINEAR
from estimator.models.hf_config.latent import hyper_connections, indexer_owners, latent_attention
from estimator.models.hf_config.moe import SHARED, dense_first, experts
from estimator.models.hf_config.registry import reads
from estimator.models.mixers import Indexer, KimiDeltaAttention, LatentAttention
from estimator.models.mlps import MixtureOfExperts
from estimator.models.tensors import Tensor

INDEXED = "indexed_attention"
POOLED = "the indexer's keys are counted one per token, which is the most that an engine keeps of pooled ones"


def _sparse(f: Fields) -> MixtureOfExperts:
    shared = f.count(*SHARED, default=1) * f.size("moe_intermediate_size")
    return experts(f, shared=shared, router_bias=True)


def _owners(f: Fields, layers: int) -> list[bool]:
    """The layers that run an indexer, as a file that must list them does."""
    if not f.has("indexer_types"):
        raise f.missing("indexer_types")
    return indexer_owners(f, layers)


def _indexer(f: Fields, pool_tokens: int = 0) -> Indexer:
    if f.is_null("q_lora_rank"):
        raise f.wrong("q_lora_rank", None, "the indexer projects the compressed query, so there must be one")
    return Indexer(
        heads=f.size("index_n_heads"),
        dim=f.size("index_head_dim"),
        top_k=f.size("index_topk"),
        pool_tokens=pool_tokens,
    )


@reads(Glm5NextForCausalLM="glm5_next_text")
def glm5_next(f: Fields) -> Architecture:
    """The hybrid GLM-5: three layers of Kimi delta attention to one of indexed latent attention, hyper-connections."""
    count, hidden = f.layers(), hidden_size(f)
    delta = KimiDeltaAttention(
        hidden=hidden,
        heads=f.size("linear_num_heads"),
        head_dim=f.size("linear_head_dim"),
        kernel=f.factor("linear_conv_kernel_dim", default=4),
    )
    owner = latent_attention(f, _indexer(f, f.size("index_kpool", default=16, most=4096)))
    reuser = replace(owner, indexer=None)
    around = (*norms(hidden, 2), *hyper_connections(hidden, f.factor("hc_mult")))
    kinds, owners = f.per_layer("layer_types", count, (LINEAR, INDEXED)), _owners(f, count)
    mlps = dense_first(f, count, _sparse(f))
    layers = [
        Layer(delta if kind == LINEAR else owner if owns else reuser, mlp, around)
        for kind, owns, mlp in zip(kinds, owners, mlps, strict=True)
    ]
    architecture = stack(f, layers, rotary=owner.rope_dim)
    return replace(architecture, notes=(*architecture.notes, POOLED))


@reads(HYV4ForCausalLM="hy_v4", HYV4VLTextForCausalLM="hy_v4_vl_text")
def hunyuan_v4(f: Fields) -> Architecture:
    """Hunyuan V4: indexed latent attention with sinks and a gate of its own, plain hyper-connections."""
    count, hidden = f.layers(), hidden_size(f)
    owner = replace(latent_attention(f, _indexer(f)), separate_gate=True, sinks=True)
    reuser: LatentAttention = replace(owner, indexer=None)
    streams = f.factor("hc_mult")
    connections = (
        Tensor("hc_fn", "norm", 2 * streams, streams * hidden, copies=2, split="whole"),
        Tensor("hc_base_scale", "norm", 2 * streams + 2, copies=2, split="whole"),
    )
    around = (*norms(hidden, 2), *connections)
    layers = [
        Layer(owner if owns else reuser, mlp, around)
        for owns, mlp in zip(_owners(f, count), dense_first(f, count, _sparse(f)), strict=True)
    ]
    merge = (Tensor("hc_head", "norm", streams, streams * hidden), Tensor("hc_head_base", "norm", streams + 1))
    return stack(f, layers, rotary=owner.rope_dim, final=merge)


@reads(MistralLarge4TextForCausalLM="mistral_large4_text")
def mistral_large4(f: Fields) -> Architecture:
    """Mistral Large 4: indexed latent attention without compressed queries; every fourth layer rotates nothing, and its
    keys are all compressed.
    """
    count, hidden = f.layers(), hidden_size(f)
    if f.has("kv_source_layers") and f.integers("kv_source_layers") != list(range(count)):
        raise f.wrong("kv_source_layers", None, "layers that read another layer's latent cache are not modelled")
    rotated = [(layer + 1) % 4 != 0 for layer in range(count)]
    if f.has("no_rope_layers"):
        rotated = [flag != 0 for flag in f.choices("no_rope_layers", count)]
    indexer = Indexer(f.size("index_n_heads"), f.size("index_head_dim"), f.size("index_topk"))
    config = Fields({**f.config, "q_lora_rank": None}, f.path, f.class_name)
    rotating = latent_attention(config, indexer)
    still = replace(rotating, nope_dim=rotating.nope_dim + rotating.rope_dim, rope_dim=0)
    owners = indexer_owners(f, count)
    heads = (Tensor("softmax_scaling", "norm", rotating.heads, copies=2),)
    choice = (
        Tensor("indexer.scaling", "norm", indexer.heads, copies=2, split="whole"),
        Tensor("indexer.q_input_norm", "norm", hidden, copies=2, split="whole"),
    )
    sparse = replace(_sparse(f), router_bias=False)
    layers = []
    for rotates, owns, mlp in zip(rotated, owners, dense_first(f, count, sparse, dense=1), strict=True):
        mixer = rotating if rotates else still
        around = (*norms(hidden, 2), *heads, *(choice if owns else ()))
        layers.append(Layer(mixer if owns else replace(mixer, indexer=None), mlp, around))
    alpha = Tensor("rotary_alpha", "norm", rotating.rope_dim // 2, split="whole")
    return stack(f, layers, rotary=rotating.rope_dim, final=(alpha,))


_DOTS_SLIDING = {
    "num_attention_heads": 64,
    "q_lora_rank": 1024,
    "kv_lora_rank": 1024,
    "qk_nope_head_dim": 192,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
}
"""What dots3's sliding layers have where nothing else is said (Dots3NoteTextConfig)."""


@reads(Dots3NoteForCausalLM="dots3_note_text")
def dots3(f: Fields) -> Architecture:
    """dots3: latent attention throughout, indexed in one layer of four, over a window and of other widths elsewhere."""
    count, hidden = f.layers(), hidden_size(f)
    f.refuse_unless("mlp_bias", False)
    f.refuse_unless("use_dsa", True)
    f.refuse_unless("use_sliding_window", True)
    kinds = [FULL if layer < 2 or layer % 4 == 1 else SLIDING for layer in range(count)]
    if f.has("layer_types"):
        kinds = f.per_layer("layer_types", count, (FULL, INDEXED, SLIDING))
    full = replace(latent_attention(f, _indexer(f)), head_gate=True, rope_norm=True)
    local = _sliding_dots(f, kinds)
    width = f.size("shared_experts_intermediate_size", "moe_shared_expert_intermediate_size", default=1536)
    sparse = experts(f, shared=f.count(*SHARED, default=1) * width, router_bias=True)
    layers = [
        Layer(local if kind == SLIDING else full, mlp, norms(hidden, 2))
        for kind, mlp in zip(kinds, dense_first(f, count, sparse, dense=1), strict=True)
    ]
    return stack(f, layers, rotary=full.rope_dim)


def _sliding_dots(f: Fields, kinds: list[str]) -> LatentAttention:
    """The sliding layers' attention: widths of its own, by layer in transformers' files, as `swa_…` in the upload's.

    Raises InputError where they differ from layer to layer.
    """
    stated = {name: f.config.get(f"swa_{name}", usual) for name, usual in _DOTS_SLIDING.items()}
    per_layer = f.section("per_layer_config")
    if per_layer:
        places = {place for place, kind in enumerate(kinds) if kind == SLIDING}
        sections = [each for key, each in per_layer.config.items() if str(key).isdigit() and int(key) in places]
        if any(each != sections[0] for each in sections):
            raise f.wrong("per_layer_config", None, "sliding layers that differ from each other are not modelled")
        inherited = {name: f.config.get(name) for name in _DOTS_SLIDING}
        stated = {**inherited, **Fields(sections[0], "per_layer_config").config} if sections else inherited
    mixer = latent_attention(Fields({**f.config, **stated}, f.path, f.class_name))
    window = f.size("sliding_window", "sliding_window_size", default=512)
    return replace(mixer, head_gate=True, rope_norm=True, window=window)


@reads(AXK2ForCausalLM="axk2")
def axk2(f: Fields) -> Architecture:
    """A.X K2: indexed latent attention whose queries and gates are one product, norms behind low-rank gates."""
    count, hidden = f.layers(), hidden_size(f)
    mixer = replace(latent_attention(f, _indexer(f)), gated_queries=True)
    rank = f.size("gated_norm_rank", default=16)
    gate = (Tensor("norm_gate", "router", rank, hidden), Tensor("norm_gate_up", "router", hidden, rank))
    layers = [
        Layer(mixer, mlp, (*norms(hidden, 2), *gate, *(gate if isinstance(mlp, MixtureOfExperts) else ())))
        for mlp in dense_first(f, count, _sparse(f), dense=1)
    ]
    return stack(f, layers, rotary=mixer.rope_dim)
