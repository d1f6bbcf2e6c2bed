"""The header of a safetensors file: 8 bytes of length, then JSON of every tensor's type, shape and place.

The format: github.com/huggingface/safetensors, README and safetensors/src/tensor.rs (its `validate` and `Dtype`).
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from catalog.sources.checkpoint import Stored, parse_json
from estimator.errors import InputError
from estimator.printable import printable

LIMIT_BYTES = 100_000_000
"""Longest header that the format allows."""
FIRST_READ_BYTES = 256 * 1024
"""Enough for the header of most shards, so that one read does."""
MOST_DIMENSIONS = 32
"""Engineering guess: no published tensor has more than six."""
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
"""Bits of one element by data type."""

Reader = Callable[[int, int], bytes]
"""read(start, stop) -> the bytes in between, fewer at the end of the file."""


def read(reader: Reader, where: str, file_bytes: int | None = None) -> dict[str, Stored]:
    """Elements and bytes of a safetensors file by data type, never touching a weight; `file_bytes` is its length, where
    known.

    Raises InputError for a header that contradicts itself or the file: a tensor whose bytes are not those of its shape,
    gaps or overlaps between tensors, data beyond the end.
    """
    first = reader(0, FIRST_READ_BYTES)
    length = int.from_bytes(first[:8], "little")
    if len(first) < 8 or not 2 <= length <= LIMIT_BYTES:
        raise InputError(where, "not a safetensors file")
    header = first[8 : 8 + length]
    if len(header) < length:
        header += reader(8 + len(header), 8 + length)
    if len(header) < length:
        raise InputError(where, f"truncated: {len(header)} of {length} header bytes")
    tensors = parse_json(header, where, LIMIT_BYTES)
    tensors.pop("__metadata__", None)
    stored, data_bytes = _add_up(tensors, where)
    if file_bytes is not None and 8 + length + data_bytes > file_bytes:
        raise InputError(where, f"truncated: {file_bytes:,} bytes, its header describes {8 + length + data_bytes:,}")
    return stored


def _add_up(tensors: Mapping[str, Any], where: str) -> tuple[dict[str, Stored], int]:
    """Elements and bytes by data type, and the bytes of all tensors together."""
    places: list[tuple[int, int]] = []
    elements: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for name, tensor in tensors.items():
        dtype, count, start, stop = _tensor(name, tensor, where)
        places.append((start, stop))
        elements[dtype] = elements.get(dtype, 0) + count
        sizes[dtype] = sizes.get(dtype, 0) + stop - start
    end = 0
    for start, stop in sorted(places):
        if start != end:
            fault = "overlap" if start < end else "leave a gap"
            raise InputError(where, f"its tensors {fault} at byte {min(start, end):,}")
        end = stop
    return {dtype: Stored(elements[dtype], sizes[dtype]) for dtype in sorted(elements)}, end


def _tensor(name: str, tensor: object, where: str) -> tuple[str, int, int, int]:
    """Data type, elements, first byte and the byte after the last. Raises InputError for what is not a tensor."""
    shown = f"tensor {printable(name, 60)}"
    match tensor:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [start, stop]} if len(shape) <= MOST_DIMENSIONS:
            numbers = (*shape, start, stop)
        case _:
            raise InputError(where, f"{shown} without dtype, shape and data_offsets")
    if any(type(each) is not int or not 0 <= each < 1 << 63 for each in numbers):
        raise InputError(where, f"{shown} of a size that is no whole number below 2^63")
    if dtype not in BITS:
        raise InputError(where, f"{shown} of the unknown type {printable(dtype, 20)}")
    count = prod(shape)
    if 8 * (stop - start) != count * BITS[dtype]:
        raise InputError(where, f"{shown} has {count:,} elements of {dtype} in {stop - start:,} bytes")
    return dtype, count, start, stop
