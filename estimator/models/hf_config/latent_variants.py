"""Readers of newer latent attention: the hybrid GLM-5 with Kimi delta attention, and Hunyuan V4."""

from dataclasses import replace

from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.hybrid import LINEAR
from estimator.models.hf_config.latent import hyper_connections, latent_attention
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
    """The layers that run an indexer; the others reuse the last one's choice."""
    kinds = f.per_layer("indexer_types", layers, ("full", "shared"))
    return [kind == "full" for kind in kinds]


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
        kernel=f.size("linear_conv_kernel_dim", default=4, most=64),
    )
    owner = latent_attention(f, _indexer(f, f.size("index_kpool", default=16, most=4096)))
    reuser = replace(owner, indexer=None)
    around = (*norms(hidden, 2), *hyper_connections(hidden, f.size("hc_mult", most=64)))
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
    streams = f.size("hc_mult", most=64)
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
