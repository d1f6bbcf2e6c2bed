"""Number formats of weights and of the KV cache: bits with their scales, and which tensors stay 16-bit."""

from estimator.errors import InputError
from estimator.formats import gguf
from estimator.formats.base import EVERYTHING, EXPERTS, LINEAR, CacheFormat, Stored, WeightFormat
from estimator.formats.names import ALIASES, CACHE_ALIASES, base_name, format_in_name, key
from estimator.formats.table import CACHES, WEIGHTS

__all__ = [
    "CACHE_FORMATS",
    "EVERYTHING",
    "EXPERTS",
    "LINEAR",
    "WEIGHT_CYCLE",
    "WEIGHT_FORMATS",
    "CacheFormat",
    "Stored",
    "WeightFormat",
    "base_name",
    "cache_format",
    "format_in_name",
    "next_weight_format",
    "weight_format",
]

WEIGHT_FORMATS = {each.id: each for each in (*WEIGHTS, *gguf.MIXES)}
CACHE_FORMATS = {each.id: each for each in CACHES}

WEIGHT_CYCLE = ("bf16", "fp8", "int8", "int4-awq", "nvfp4", "mxfp4")
"""The order in which one key walks through the common formats."""


def weight_format(name: str) -> WeightFormat:
    """The format of that id or common name. Raises InputError listing what exists."""
    wanted = key(name)
    found = WEIGHT_FORMATS.get(ALIASES.get(wanted, wanted)) or gguf.parse(wanted)
    if found is None:
        raise InputError("weights", f"unknown format {name[:40]!a}; one of {', '.join(WEIGHT_FORMATS)}")
    return found


def cache_format(name: str) -> CacheFormat:
    """The format of that id or common name. Raises InputError listing what exists."""
    wanted = key(name)
    found = CACHE_FORMATS.get(CACHE_ALIASES.get(wanted, wanted)) or CACHE_FORMATS.get(wanted.replace("-", "_"))
    if found is None:
        raise InputError("kv", f"unknown format {name[:40]!a}; one of {', '.join(CACHE_FORMATS)}")
    return found


def next_weight_format(current: str, native: str = "bf16") -> str:
    """The format after this one in the cycle, the checkpoint's own format first."""
    cycle = list(dict.fromkeys((native, *WEIGHT_CYCLE)))
    return cycle[(cycle.index(current) + 1) % len(cycle)] if current in cycle else cycle[0]
