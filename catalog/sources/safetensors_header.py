"""The header of a safetensors file: 8 bytes of length, then JSON of every tensor's type, shape and place."""

from collections.abc import Callable
from math import prod

from catalog.sources.checkpoint import Stored, parse_json, total
from estimator.errors import InputError

LIMIT_BYTES = 100_000_000
"""Longest header that the format allows."""
FIRST_READ_BYTES = 256 * 1024
"""Enough for the header of most shards, so that one read does."""

Reader = Callable[[int, int], bytes]
"""read(start, stop) -> the bytes in between, fewer at the end of the file."""


def read(reader: Reader, where: str) -> dict[str, Stored]:
    """Elements and bytes by data type, never touching a weight. Raises InputError for a header that is not one."""
    first = reader(0, FIRST_READ_BYTES)
    length = int.from_bytes(first[:8], "little")
    if len(first) < 8 or not 2 <= length <= LIMIT_BYTES:
        raise InputError(where, "not a safetensors file")
    header = first[8 : 8 + length]
    if len(header) < length:
        header += reader(8 + len(header), 8 + length)
    if len(header) < length:
        raise InputError(where, f"truncated: {len(header)} of {length} header bytes")
    return _stored(header, where)


def _stored(header: bytes, where: str) -> dict[str, Stored]:
    tensors = []
    for name, tensor in parse_json(header, where, LIMIT_BYTES).items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (start, stop) = tensor["dtype"], tensor["shape"], tensor["data_offsets"]
            counts = [int(dimension) for dimension in shape]
            size = int(stop) - int(start)
        except (TypeError, KeyError, ValueError, OverflowError):
            raise InputError(where, "a tensor without dtype, shape and data_offsets") from None
        if not isinstance(dtype, str) or size < 0 or any(count < 0 for count in counts):
            raise InputError(where, "a tensor of negative size")
        tensors.append({dtype: Stored(prod(counts), size)})
    return total(tensors)
