"""Decode context parallelism: each of several ranks keeps every n-th token of a sequence, where all would hold copies.

The rules are vLLM's (docs/serving/context_parallel_deployment.md, vllm/config/model.py): stripes divide the
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
from estimator.models.mixers import Attention, LatentAttention, Mixer, side_by_side
from estimator.models.model import Model

LATENT, GROUPED = "latent attention", "grouped-query attention"
STRIPED = frozenset({LATENT, GROUPED})
"""Kinds of layers whose tokens are striped; others may stand beside them where the engine says so."""


class Cached(NamedTuple):
    """What of an architecture decides how its cache can be striped."""

    kinds: frozenset[str]
    kv_heads: int
    """Most of any layer; 1 for latent vectors."""
    queries: int
    """Query heads for each key-value head, of which every layer has a multiple; 0 for latent vectors."""


@lru_cache(maxsize=1024)
def cached(architecture: Architecture) -> Cached:
    """The kinds of layers that keep a cache or a state, and the heads to divide."""
    kinds, kv_heads, queries = set(), 1, 0
    for group in architecture.groups:
        for part in side_by_side(group.layer.mixer):
            kinds.add(_kind(part))
            if isinstance(part, Attention):
                kv_heads = max(kv_heads, part.kv_heads)
                queries = gcd(queries, part.heads // part.kv_heads)
    return Cached(frozenset(kinds), kv_heads, queries)


def _kind(mixer: Mixer) -> str:
    if mixer.cross_width:
        return "cross attention"
    if mixer.window:
        return "windows"
    if mixer.index_width or (isinstance(mixer, LatentAttention) and mixer.sparse_top_k):
        return "sparse attention"
    if isinstance(mixer, Attention | LatentAttention):
        return GROUPED if isinstance(mixer, Attention) else LATENT
    return "recurrent states"


def copies(architecture: Architecture, tp: int) -> int:
    """Tensor-parallel ranks that hold the same keys and values of the same tokens, without stripes."""
    return max(tp // cached(architecture).kv_heads, 1)


def legal_stripes(model: Model, tp: int, engine: EngineProfile) -> tuple[int, ...]:
    """Over how many of `tp` ranks the engine can stripe a sequence; 1 is none."""
    held = cached(model.architecture)
    if not held.kinds & STRIPED or not held.kinds <= {*engine.stripes}:
        return (1,)
    most = copies(model.architecture, tp)
    return tuple(count for count in range(1, most + 1) if tp % count == 0 and held.queries % count == 0)


def stripe_refusal(model: Model, tp: int, count: int, engine: EngineProfile) -> Refusal | None:
    """Why the engine can not stripe a sequence over `count` of `tp` ranks; None where it can."""
    legal = legal_stripes(model, tp, engine)
    if count in legal:
        return None
    kinds = cached(model.architecture).kinds
    if not engine.stripes:
        reason = f"{engine.name} does not have it"
    elif beside := kinds - {*engine.stripes}:
        reason = f"{engine.name} has none for models with {' and '.join(sorted(beside))}"
    elif not kinds & STRIPED:
        reason = f"{model.id} keeps no tokens"
    else:
        held = copies(model.architecture, tp)
        reason = f"TP{tp} holds {held} {'copies' if held > 1 else 'copy'} of the cache, {count} ranks can not share it"
    return Refusal("decode_context_parallel", f"{reason}; legal: {', '.join(map(str, legal))}")


def check_stripes(model: Model, engine: EngineProfile, count: int) -> None:
    """Raises InputError for a count that the engine can stripe at no tensor-parallel degree of the model."""
    degrees = legal_tensor_parallel(model, engine, MOST_RANKS)
    refusals = [stripe_refusal(model, tp, count, engine) for tp in degrees] if count > 1 else []
    if refusals and refusals[-1] and all(refusals):
        raise InputError(*refusals[-1])
