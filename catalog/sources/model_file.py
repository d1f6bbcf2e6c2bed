"""Files of a model on disk: regular ones only, bounded, and whatever goes wrong is one line that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from catalog import regular_file
from estimator.errors import InputError
from estimator.printable import printable


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file of a model, open for reading in binary. Raises InputError naming it, also where reading fails inside the
    block.
    """
    try:
        with regular_file.open_binary(path) as file:
            yield file
    except OSError as error:
        raise InputError(printable(path), error.strerror or "can not be read") from None


def read_bytes(path: Path, limit_bytes: int) -> bytes:
    """The whole content of a model's file of at most `limit_bytes` bytes. Raises InputError naming the file."""
    try:
        return regular_file.read_bytes(path, limit_bytes)
    except OSError as error:
        raise InputError(printable(path), error.strerror or "can not be read") from None


def begins_with(path: Path, magic: bytes) -> bool:
    """Whether a file's first bytes are `magic`. Raises InputError naming a file that can not be read."""
    with opened(path) as file:
        return file.read(len(magic)) == magic
