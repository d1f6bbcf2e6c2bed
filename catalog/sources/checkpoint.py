"""A checkpoint before it is read as a model: its configuration, and what the headers of its files say they store."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from estimator.errors import InputError
from estimator.printable import printable

CONFIG_LIMIT_BYTES = 4_000_000
"""Engineering guess: the longest published config.json, with exceptions tensor by tensor, has about 1 MB."""
INDEX_LIMIT_BYTES = 64_000_000
"""Engineering guess: a million tensors of 64 characters."""
LONGEST_NUMBER = 400
"""Digits; a float ends at 309. Python refuses to print whole numbers of more than 4,300."""

QUANTIZATION_FILES = ("hf_quant_config.json", "quantize_config.json", "quant_config.json")
"""Files in which ModelOpt, AutoGPTQ and AutoAWQ describe a quantisation that config.json does not mention."""
_DESCRIBES_WEIGHTS = ("quantization", "bits", "w_bit")
"""Fields of which such a file has one; exporters to ONNX give other contents the same names."""

Progress = Callable[[str, int, int], None]
"""(what is read, done, of how many); raise Cancelled from it to stop."""


class Cancelled(Exception):
    """Raised where the user gave up waiting for a model."""


class Stored(NamedTuple):
    """Elements and bytes of one data type in the weight files."""

    elements: int
    bytes: int


class Checkpoint(NamedTuple):
    """A model as published: config.json, its quantisation, and the headers of its weights."""

    id: str
    config: Mapping[str, Any]
    quantization: Mapping[str, Any] | None = None
    stored: Mapping[str, Stored] | None = None
    """Elements and bytes by data type, from the headers; None where no weight file was seen."""
    source: str = ""
    """Where it was read: a path or an address."""


def parse_json(text: bytes, where: str, limit: int = CONFIG_LIMIT_BYTES) -> dict[str, Any]:
    """The mapping in a JSON text, bare NaN and Infinity included, as transformers writes them.

    Raises InputError naming `where` for anything else; a field that matters refuses what is no finite number.
    """
    if len(text) > limit:
        raise InputError(where, f"larger than {limit} bytes")
    try:
        value = json.loads(text, parse_int=_whole_number, object_pairs_hook=_mapping)
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"not JSON: {printable(error, 120)}") from None
    if not isinstance(value, dict):
        raise InputError(where, "not a JSON object")
    return value


def quantization_beside(read: Callable[[str], Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """The quantisation that a file beside config.json describes; None without one.

    `read` gives a named file's contents, None where there is none.
    """
    for name in QUANTIZATION_FILES:
        described = read(name)
        if described and any(field in described for field in _DESCRIBES_WEIGHTS):
            return described
    return None


def total(parts: Iterable[Mapping[str, Stored]]) -> dict[str, Stored]:
    """Elements and bytes of several files together, by data type."""
    elements: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for part in parts:
        for dtype, stored in part.items():
            elements[dtype] += stored.elements
            sizes[dtype] += stored.bytes
    return {dtype: Stored(elements[dtype], sizes[dtype]) for dtype in sorted(elements)}


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises ValueError where a key stands twice with two values, of which readers would take one."""
    value = dict(pairs)
    if len(value) < len(pairs):
        for key, each in pairs:
            if value[key] != each:
                raise ValueError(f"{key[:40]!a} stands twice, with two values")
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)
