"""The header of a GGUF file: metadata, and every tensor's type and shape. Weights are never read.

The format: github.com/ggml-org/ggml docs/gguf.md. Block sizes of the types: ggml/src/ggml-common.h.
"""

import re
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from catalog.sources import model_file
from catalog.sources.checkpoint import Stored, total
from estimator.errors import InputError
from estimator.printable import printable

MAGIC = b"GGUF"
HEADER_LIMIT_BYTES = 256_000_000
MOST_TENSORS = 200_000
MOST_KEYS = 10_000
MOST_PARTS = 1_000
"""Engineering guesses, a hundred times what published files have; a header is read whole."""
KEPT_ARRAY = 4_096
"""Longest array whose values are kept; a tokenizer's only has its length counted."""


class Block(NamedTuple):
    """One block of a GGML type: its number of weights, and the bytes that they share."""

    weights: int
    bytes: int


TYPES = {
    0: ("F32", Block(1, 4)),
    1: ("F16", Block(1, 2)),
    2: ("Q4_0", Block(32, 18)),
    3: ("Q4_1", Block(32, 20)),
    6: ("Q5_0", Block(32, 22)),
    7: ("Q5_1", Block(32, 24)),
    8: ("Q8_0", Block(32, 34)),
    9: ("Q8_1", Block(32, 36)),
    10: ("Q2_K", Block(256, 84)),
    11: ("Q3_K", Block(256, 110)),
    12: ("Q4_K", Block(256, 144)),
    13: ("Q5_K", Block(256, 176)),
    14: ("Q6_K", Block(256, 210)),
    15: ("Q8_K", Block(256, 292)),
    16: ("IQ2_XXS", Block(256, 66)),
    17: ("IQ2_XS", Block(256, 74)),
    18: ("IQ3_XXS", Block(256, 98)),
    19: ("IQ1_S", Block(256, 50)),
    20: ("IQ4_NL", Block(32, 18)),
    21: ("IQ3_S", Block(256, 110)),
    22: ("IQ2_S", Block(256, 82)),
    23: ("IQ4_XS", Block(256, 136)),
    24: ("I8", Block(1, 1)),
    25: ("I16", Block(1, 2)),
    26: ("I32", Block(1, 4)),
    27: ("I64", Block(1, 8)),
    28: ("F64", Block(1, 8)),
    29: ("IQ1_M", Block(256, 56)),
    30: ("BF16", Block(1, 2)),
    31: ("Q4_0", Block(32, 18)),
    32: ("Q4_0", Block(32, 18)),
    33: ("Q4_0", Block(32, 18)),
    34: ("TQ1_0", Block(256, 54)),
    35: ("TQ2_0", Block(256, 66)),
    36: ("IQ4_NL", Block(32, 18)),
    37: ("IQ4_NL", Block(32, 18)),
    38: ("IQ4_NL", Block(32, 18)),
    39: ("MXFP4", Block(32, 17)),
    40: ("NVFP4", Block(64, 36)),
    41: ("Q1_0", Block(128, 18)),
    42: ("Q2_0", Block(64, 18)),
}


class StoredTensor(NamedTuple):
    """One tensor of a GGUF file; its dimensions run from the inside out."""

    type: str
    """Name of its block type, in capitals as ggml writes it: Q4_K."""
    shape: tuple[int, ...]
    stored: Stored


class Header(NamedTuple):
    """The header of a GGUF file: metadata and tensor descriptions, which stand before its first weight."""

    metadata: Mapping[str, Any]
    """Values by key; a long array is given as its length."""
    tensors: Mapping[str, StoredTensor]

    @property
    def stored(self) -> dict[str, Stored]:
        """Elements and bytes of the file's tensors, by GGML type."""
        return total([{each.type: each.stored} for each in self.tensors.values()])


def is_gguf(path: Path) -> bool:
    """Whether a file begins as GGUF files do, whatever it is called. Raises InputError where it can not be read."""
    return model_file.begins_with(path, MAGIC)


def read(path: Path) -> Header:
    """The GGUF header of a file, or of all parts together where it is split (`…-00001-of-00003.gguf`).

    Raises InputError for a file that is not GGUF, is cut short, claims absurd sizes, or lacks one of its parts.
    """
    first = _read_part(path)
    parts = first.metadata.get("split.count", 0)
    if not isinstance(parts, int) or parts < 2:
        return first
    named = re.fullmatch(r"(.*)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if named is None or int(named[3]) != parts or parts > MOST_PARTS:
        raise InputError(printable(path), f"one of {parts} parts, not named …-00001-of-{parts % 100_000:05}.gguf")
    metadata: dict[str, Any] = {}
    tensors: dict[str, StoredTensor] = {}
    for number in range(1, parts + 1):
        part = _read_part(path.with_name(f"{named[1]}-{number:05}-of-{named[3]}.gguf"))
        metadata = {**part.metadata, **metadata}
        tensors |= part.tensors
    return Header(metadata, tensors)


def _read_part(path: Path) -> Header:
    try:
        with model_file.opened(path) as file:
            return _header(_Cursor(file, printable(path)))
    except (struct.error, UnicodeDecodeError):
        raise InputError(printable(path), "the GGUF header is cut short or damaged") from None


def _header(cursor: "_Cursor") -> Header:
    if cursor.take(4) != MAGIC:
        raise cursor.wrong("not a GGUF file")
    version = cursor.number("<I")
    if version not in (2, 3):
        raise cursor.wrong(f"GGUF version {version} is not read; 2 and 3 are")
    tensors, keys = cursor.number("<Q"), cursor.number("<Q")
    if tensors > MOST_TENSORS or keys > MOST_KEYS:
        raise cursor.wrong(f"claims {tensors} tensors and {keys} keys")
    metadata = {cursor.text(): cursor.value(cursor.number("<I")) for _ in range(keys)}
    return Header(metadata, dict(cursor.tensor() for _ in range(tensors)))


class _Cursor:
    """Reads little-endian values one after another, and no further than a header may reach."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.file, self.where, self.position = file, where, 0

    def wrong(self, reason: str) -> InputError:
        """The error about this file."""
        return InputError(self.where, reason)

    def take(self, size: int) -> bytes:
        """The next bytes. Raises InputError at the end of the file."""
        self._advance(size)
        content = self.file.read(size)
        if len(content) < size:
            raise self.wrong("the GGUF header is cut short")
        return content

    def number(self, form: str) -> Any:
        """The next number, in the notation of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self) -> str:
        """The next text: its length in bytes, then UTF-8."""
        return self.take(self.number("<Q")).decode("utf-8", "replace")

    def tensor(self) -> tuple[str, StoredTensor]:
        """Name and description of the next tensor."""
        name = self.text()
        dimensions = self.number("<I")
        if dimensions > 4:
            raise self.wrong(f"a tensor of {dimensions} dimensions")
        shape = tuple(self.number("<Q") for _ in range(dimensions))
        code = self.number("<I")
        self.number("<Q")  # where its data starts
        if code not in TYPES:
            raise self.wrong(f"tensor type {code} of {printable(name, 60)} is not known")
        dtype, block = TYPES[code]
        count = prod(shape)
        if count >= 1 << 63:
            raise self.wrong(f"{printable(name, 60)} claims {count:,} elements")
        return name, StoredTensor(dtype, shape, Stored(count, -(-count // block.weights) * block.bytes))

    def value(self, kind: int) -> Any:
        """One metadata value; the kinds are numbered as in the format's description."""
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            raise self.wrong(f"a metadata value of unknown kind {kind}")
        inner, length = self.number("<I"), self.number("<Q")
        if inner == ARRAY:
            raise self.wrong("nested metadata arrays")
        if length <= KEPT_ARRAY:
            return [self.value(inner) for _ in range(length)]
        self._skip(inner, length)
        return length

    def _skip(self, kind: int, length: int) -> None:
        if kind in SCALARS:
            self._jump(length * struct.calcsize(SCALARS[kind]))
            return
        for _ in range(length):
            self._jump(self.number("<Q"))

    def _jump(self, size: int) -> None:
        self._advance(size)
        self.file.seek(size, 1)

    def _advance(self, size: int) -> None:
        self.position += size
        if self.position > HEADER_LIMIT_BYTES:
            raise self.wrong(f"a header longer than {HEADER_LIMIT_BYTES} bytes")


SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
TEXT, ARRAY = 8, 9
