"""GGML block types, and the mixes of them in GGUF files as weight formats. Block types: ggml/src/ggml-common.h."""

import re

from estimator.models.formats.base import EVERYTHING, Stored, WeightFormat
from estimator.models.formats.gguf_recipes import LARGE, RECIPES, WITH_WIDE_TABLES, FileShape, Recipe, recipe_types

BLOCK_BITS = {
    "f32": 32.0,
    "f16": 16.0,
    "bf16": 16.0,
    "q4_0": 4.5,
    "q4_1": 5.0,
    "q5_0": 5.5,
    "q5_1": 6.0,
    "q8_0": 8.5,
    "q2_k": 2.625,
    "q3_k": 3.4375,
    "q4_k": 4.5,
    "q5_k": 5.5,
    "q6_k": 6.5625,
    "iq1_s": 1.5625,
    "iq1_m": 1.75,
    "iq2_xxs": 2.0625,
    "iq2_xs": 2.3125,
    "iq2_s": 2.5625,
    "iq3_xxs": 3.0625,
    "iq3_s": 3.4375,
    "iq4_nl": 4.5,
    "iq4_xs": 4.25,
    "tq1_0": 1.6875,
    "tq2_0": 2.0625,
    "mxfp4": 4.25,
}

AVERAGE_BITS = {
    "iq1_s": 2.0042,
    "iq1_m": 2.1460,
    "iq2_xxs": 2.3824,
    "iq2_xs": 2.5882,
    "iq2_s": 2.7403,
    "iq2_m": 2.9294,
    "iq3_xxs": 3.2548,
    "iq3_xs": 3.4977,
    "iq3_s": 3.6606,
    "iq3_m": 3.7628,
    "iq4_xs": 4.4597,
    "iq4_nl": 4.6818,
    "q2_k_s": 2.9697,
    "q2_k": 3.1593,
    "q3_k_s": 3.6429,
    "q3_k_m": 3.9960,
    "q3_k_l": 4.2979,
    "q4_k_s": 4.6672,
    "q4_k_m": 4.8944,
    "q5_k_s": 5.5704,
    "q5_k_m": 5.7036,
    "q6_k": 6.5633,
    "q8_0": 8.5008,
    "f16": 16.0005,
    "bf16": 16.0005,
}
"""Whole files of Llama-3.1-8B (llama.cpp tools/quantize README; iq3_xs and q3_k_m, which it lacks, by recipe)."""

ROW = 256
"""K, IQ and ternary types cut rows into super-blocks of 256."""
_FALLBACKS = {"q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0", "tq1_0": "q4_0", "tq2_0": "q4_0"} | dict.fromkeys(
    ("q2_k", "q3_k", "iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s", "iq4_xs"), "iq4_nl"
)
"""Type with blocks of 32 that takes the place of one with super-blocks where rows are no multiple of 256
(tensor_type_fallback in llama.cpp's src/llama-quant.cpp)."""

_UNTOUCHED = (Stored("norm", "", 32), Stored("router", "", 32))


def _mix(name: str, recipe: Recipe, shape: FileShape) -> WeightFormat:
    """One preset of the quantiser: its base type, and what some tensors of a model of that shape get instead."""
    base = recipe.base
    stored, narrow = [*_UNTOUCHED], {BLOCK_BITS[base]: _narrow_bits(base)}
    for (role, tensor), types in recipe_types(recipe, shape):
        bits = sum(share * BLOCK_BITS[kind] for kind, share in types)
        narrow[bits] = sum(share * _narrow_bits(kind) for kind, share in types)
        stored.append(Stored(role, tensor, bits))
    return _format(name, BLOCK_BITS[base], tuple(stored), tuple(narrow.items()))


def _narrow_bits(kind: str) -> float:
    """Bits per weight of a type in rows that are no multiple of 256."""
    return BLOCK_BITS[_FALLBACKS.get(kind, kind)]


def _uniform(name: str) -> WeightFormat:
    """One type for every matrix."""
    return _format(name, BLOCK_BITS[name], _UNTOUCHED, ((BLOCK_BITS[name], _narrow_bits(name)),))


def _format(
    name: str, bits: float, stored: tuple[Stored, ...], narrow: tuple[tuple[float, float], ...] = ()
) -> WeightFormat:
    kernel = "16" if bits >= 16 else "i8" if bits > 6 else "i4"
    return WeightFormat(
        id=f"gguf-{name}",
        name=f"GGUF {name.upper()}",
        payload_bits=bits,
        compute="bf16",
        kernel=kernel,
        quantises=EVERYTHING,
        exceptions=stored,
        row=ROW,
        narrow_bits=narrow,
        average_bits=AVERAGE_BITS.get(WITH_WIDE_TABLES.get(name, name), 0.0),
    )


def has_super_blocks(weights: WeightFormat) -> bool:
    """Whether most matrices of a GGUF format are K or IQ types: super-blocks of 256, whose scales are packed
    themselves.
    """
    return bool(re.match(r"gguf-(?:q\d_k|iq(?!4_nl)|tq)", weights.id))


MIXES = (
    _uniform("f16"),
    _uniform("bf16"),
    _uniform("q8_0"),
    *(_mix(name, recipe, LARGE) for name, recipe in RECIPES.items()),
    WeightFormat(
        id="gguf-mxfp4",
        name="GGUF MXFP4, experts only",
        payload_bits=BLOCK_BITS["q8_0"],
        compute="bf16",
        kernel="mx",
        quantises=EVERYTHING,
        exceptions=(*_UNTOUCHED, Stored("expert", "", BLOCK_BITS["mxfp4"])),
    ),
)
_BY_ID = {each.id: each for each in MIXES}


def mix_of(weights: WeightFormat, shape: FileShape) -> WeightFormat:
    """A GGUF mix as the quantiser writes it for models of a shape; any other format as it is."""
    name = weights.id.removeprefix("gguf-")
    recipe = RECIPES.get(name) if weights == _BY_ID.get(weights.id) else None
    return _mix(name, recipe, shape) if recipe else weights


_SPELLED = {"small": "s", "medium": "m", "large": "l"}


def parse(name: str) -> WeightFormat | None:
    """The GGUF mix that files and people spell `q4_k_m`, `gguf-Q4_K - Medium` or `gguf iq3_k - 3.4325 bpw`; None
    otherwise.
    """
    stated = re.fullmatch(r"gguf-(\w+)-+(\d{1,2}(?:\.\d{1,6})?)-bpw", name)
    if stated:
        return _format(stated[1], float(stated[2]), _UNTOUCHED) if 0.5 <= float(stated[2]) <= 32 else None
    plain = name.removeprefix("gguf-")
    for word, letter in _SPELLED.items():
        plain = re.sub(rf"-+{word}$", f"_{letter}", plain)
    plain = re.sub(r"_r[48]$", "", plain.replace("-", "_"))  # repacked rows, same bits
    if plain in BLOCK_BITS and f"gguf-{plain}" not in _BY_ID:
        return _uniform(plain)
    return _BY_ID.get(f"gguf-{plain}") or _BY_ID.get(f"gguf-{plain.removesuffix('_m')}")
