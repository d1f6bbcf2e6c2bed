"""Decode context parallelism (DCP): each of several ranks keeps every n-th token of a sequence, where all would hold
copies.

The rules are vLLM's (docs/serving/context_parallel_deployment.md, vllm/config/model.py): the ranks divide the
tensor-parallel ranks, there are at most as many as copies of the cache, and they divide the query heads of a key-value
head.
"""

from functools import lru_cache
from math import gcd
from typing import NamedTuple

from estimator.engines.profiles import EngineProfile
from estimator.errors import InputError, Refusal
from estimator.layouts.legal import MOST_RANKS, legal_tensor_parallel
from estimator.models.architecture import Architecture
from estimator.models.mixers import Mixer, side_by_side
from estimator.models.model import Model

LATENT, GROUPED = "latent attention", "grouped-query attention"
DIVISIBLE_KINDS = frozenset({LATENT, GROUPED})
"""Kinds of layers whose tokens can be divided over ranks; a model may have others as well where the engine says so."""


class CacheHeads(NamedTuple):
    """Properties of an architecture that decide over how many ranks a sequence's cache can be divided."""

    kinds: frozenset[str]
    """Kinds of layers that keep a cache or a state."""
    kv_heads: int
    """Most key-value heads of any layer; 1 for latent vectors."""
    queries: int
    """Query heads for each key-value head, of which every layer has a multiple; 0 for latent vectors."""


@lru_cache(maxsize=1024)
def cache_heads(architecture: Architecture) -> CacheHeads:
    """What limits the division of a sequence's cache: kinds of layers that keep a cache or a state, and heads to
    divide.
    """
    kinds, kv_heads, queries = set(), 1, 0
    for group in architecture.groups:
        for part in side_by_side(group.layer.mixer):
            kinds.add(_kind(part))
            if part.key_value_heads:
                kv_heads = max(kv_heads, part.key_value_heads)
                queries = gcd(queries, part.query_heads // part.key_value_heads)
    return CacheHeads(frozenset(kinds), kv_heads, queries)


def _kind(mixer: Mixer) -> str:
    if mixer.cross_width:
        return "cross attention"
    if mixer.window:
        return "windows"
    if mixer.index_width or mixer.attended_tokens:
        return "sparse attention"
    if not mixer.query_heads:
        return "recurrent states"
    return LATENT if mixer.is_latent else GROUPED


def cache_copies(architecture: Architecture, tp: int) -> int:
    """Tensor-parallel ranks that hold the same keys and values where decode context parallelism is off."""
    return max(tp // cache_heads(architecture).kv_heads, 1)


def legal_context_parallel(model: Model, tp: int, engine: EngineProfile) -> tuple[int, ...]:
    """Degrees of decode context parallelism that an engine takes at a tensor-parallel degree; 1 is off."""
    heads = cache_heads(model.architecture)
    if not heads.kinds & DIVISIBLE_KINDS or not heads.kinds <= {*engine.context_parallel}:
        return (1,)
    most = cache_copies(model.architecture, tp)
    return tuple(count for count in range(1, most + 1) if tp % count == 0 and heads.queries % count == 0)


def context_parallel_refusal(model: Model, tp: int, dcp: int, engine: EngineProfile) -> Refusal | None:
    """Why an engine can not divide a sequence's cache over `dcp` of `tp` ranks; None where it can."""
    legal = legal_context_parallel(model, tp, engine)
    if dcp in legal:
        return None
    kinds = cache_heads(model.architecture).kinds
    if not engine.context_parallel:
        reason = f"{engine.name} does not have it"
    elif unknown := kinds - {*engine.context_parallel}:
        reason = f"{engine.name} has none for models with {' and '.join(sorted(unknown))}"
    elif not kinds & DIVISIBLE_KINDS:
        reason = f"{model.id} keeps no tokens"
    else:
        copies = cache_copies(model.architecture, tp)
        noun = "copies" if copies > 1 else "copy"
        reason = f"TP{tp} holds {copies} {noun} of the cache, {dcp} ranks can not share it"
    return Refusal("decode_context_parallel", f"{reason}; legal: {', '.join(map(str, legal))}")


def check_context_parallel(model: Model, engine: EngineProfile, dcp: int) -> None:
    """Raises InputError for a degree of decode context parallelism that is legal at no tensor-parallel degree of the
    model.
    """
    if dcp <= 1:
        return
    degrees = legal_tensor_parallel(model, engine, MOST_RANKS)
    refusals = [context_parallel_refusal(model, tp, dcp, engine) for tp in degrees]
    if refusals and refusals[-1] and all(refusals):
        raise InputError(*refusals[-1])
