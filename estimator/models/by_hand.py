"""Models known by a few numbers: parameters given by hand, and plain sizes such as "70B"."""

from dataclasses import dataclass
from typing import Annotated

from estimator.bounds import Ge, Gt, Le
from estimator.checks import check
from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer, LayerGroup
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp, MixtureOfExperts, Mlp
from estimator.models.tensors import Tensor, parameters

Width = Annotated[int, Ge(1), Le(1 << 20)]
VOCABULARY = 128_256
"""Llama-3's, for a model of which nothing else is known."""
CONTEXT = 131_072


@dataclass(frozen=True, slots=True)
class ManualModel:
    """What a person can read off a model card."""

    parameters: Annotated[float, Ge(1e5), Le(1e15)]
    hidden: Width
    layers: Annotated[int, Ge(1), Le(2048)]
    heads: Width
    kv_heads: Width | None = None
    """None is one per query head."""
    head_dim: Width | None = None
    experts: Annotated[int, Ge(1), Le(65536)] | None = None
    experts_per_token: Annotated[int, Ge(1), Le(65536)] | None = None
    active_parameters: Annotated[float, Gt(0), Le(1e15)] | None = None
    """Used where the experts per token are not known."""
    vocabulary: Width = VOCABULARY
    context: Annotated[int, Ge(1), Le(1 << 30)] = CONTEXT


def by_hand(m: ManualModel) -> Architecture:
    """A gated grouped-query decoder of that size: the feed-forward width takes what the total leaves.

    The total comes out within one feed-forward column per layer. Raises InputError where the numbers contradict.
    """
    check(m)
    kv_heads = m.kv_heads or m.heads
    if m.heads % kv_heads:
        raise InputError("kv_heads", f"{kv_heads} does not divide {m.heads} query heads")
    head_dim = m.head_dim or max(m.hidden // m.heads, 1)
    mixer = Attention(m.hidden, m.heads, kv_heads, head_dim)
    norms = (Tensor("layernorm", "norm", m.hidden, 1, 2, split="whole"),)
    table = m.vocabulary * m.hidden
    fixed = 2 * table + m.hidden + m.layers * (parameters(mixer.tensors) + parameters(norms))
    if fixed + 3 * m.hidden * m.layers > m.parameters:
        raise InputError("parameters", f"{m.parameters:,.0f} is less than attention and embedding take ({fixed:,})")
    mlp = _feed_forward(m, (m.parameters - fixed) / m.layers)
    return Architecture(
        class_name="manual",
        hidden=m.hidden,
        vocabulary=m.vocabulary,
        groups=(LayerGroup(m.layers, Layer(mixer, mlp, norms), tuple(range(m.layers))),),
        embedding=(Tensor("embed_tokens", "embedding", m.vocabulary, m.hidden),),
        head=(Tensor("lm_head", "head", m.vocabulary, m.hidden),),
        final=(Tensor("layernorm", "norm", m.hidden, split="whole"),),
        max_context=m.context,
        rotary_dim=head_dim,
        notes=("shape given by hand: the feed-forward width takes what the total leaves",),
    )


def _feed_forward(m: ManualModel, budget: float) -> Mlp:
    """The parameters left for one layer, as one gated MLP or as experts."""
    if not m.experts or m.experts == 1:
        return DenseMlp(m.hidden, max(round(budget / (3 * m.hidden)), 1))
    width = max(round((budget / m.experts - m.hidden) / (3 * m.hidden)), 1)
    chosen = m.experts_per_token
    if chosen is None:
        if m.active_parameters is None:
            raise InputError("experts_per_token", "missing; give it, or the active parameters")
        idle = (m.parameters - m.active_parameters) / (m.layers * 3 * m.hidden * width)
        chosen = min(max(m.experts - round(idle), 1), m.experts)
    if chosen > m.experts:
        raise InputError("experts_per_token", f"{chosen} of only {m.experts} experts")
    return MixtureOfExperts(m.hidden, m.experts, chosen, width)


SIZES = {
    "1B": ManualModel(1.24e9, 2048, 16, 32, 8),
    "3B": ManualModel(3.2e9, 3072, 28, 24, 8),
    "7B": ManualModel(7e9, 4096, 32, 32, 32, vocabulary=32_000, context=4096),
    "8B": ManualModel(8e9, 4096, 32, 32, 8),
    "13B": ManualModel(13e9, 5120, 40, 40, 40, vocabulary=32_000, context=4096),
    "34B": ManualModel(34e9, 8192, 48, 64, 8, vocabulary=32_000, context=16_384),
    "70B": ManualModel(70.6e9, 8192, 80, 64, 8),
    "175B": ManualModel(175e9, 12288, 96, 96, 96, vocabulary=50_257, context=2048),
    "405B": ManualModel(405.9e9, 16384, 126, 128, 8),
}
"""Named assumptions: Llama-2's shape for 7B, 13B, CodeLlama's for 34B, GPT-3's for 175B, Llama-3's for the others."""


def size_preset(name: str) -> Architecture | None:
    """The architecture of a plain size such as `70B` or `70b`; None where there is no such preset."""
    size = SIZES.get(name.strip().upper())
    return by_hand(size) if size else None
