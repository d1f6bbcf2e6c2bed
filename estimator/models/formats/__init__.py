"""Number formats of weights and of the KV cache: bits with their scales, and which tensors stay 16-bit."""

from estimator.errors import unknown_name
from estimator.models.formats import exllama, gguf, integers, microscaled
from estimator.models.formats.base import EVERYTHING, EXPERTS, LINEAR, CacheFormat, Stored, WeightFormat
from estimator.models.formats.integers import integer_format
from estimator.models.formats.names import ALIASES, CACHE_ALIASES, USUAL_MIX, format_in_name, key
from estimator.models.formats.table import CACHES, WEIGHTS

__all__ = [
    "CACHE_FORMATS",
    "EVERYTHING",
    "EXPERTS",
    "LINEAR",
    "USUAL_MIX",
    "WEIGHT_FORMATS",
    "CacheFormat",
    "Stored",
    "WeightFormat",
    "cache_format",
    "find_weight_format",
    "format_in_name",
    "integer_format",
    "weight_format",
]

WEIGHT_FORMATS = {each.id: each for each in (*WEIGHTS, *gguf.MIXES)}
CACHE_FORMATS = {each.id: each for each in CACHES}


def weight_format(name: str) -> WeightFormat:
    """The weight format of an id or common name. Raises InputError listing what exists."""
    weights = find_weight_format(name)
    if weights is None:
        raise unknown_name("weights", f"unknown format {name[:40]!a}", name[:40], WEIGHT_FORMATS)
    return weights


def find_weight_format(name: str) -> WeightFormat | None:
    """The weight format of an id or common name; None where there is none."""
    wanted = key(name)
    return WEIGHT_FORMATS.get(ALIASES.get(wanted, wanted)) or next(
        filter(None, (each.parse(wanted) for each in (gguf, integers, exllama, microscaled))), None
    )


def cache_format(name: str) -> CacheFormat:
    """The cache format of an id or common name. Raises InputError listing what exists."""
    wanted = key(name)
    cache = CACHE_FORMATS.get(CACHE_ALIASES.get(wanted, wanted)) or CACHE_FORMATS.get(wanted.replace("-", "_"))
    if cache is None:
        raise unknown_name("kv", f"unknown format {name[:40]!a}", name[:40], CACHE_FORMATS)
    return cache
