"""Files of unknown origin, read whole: regular ones only, and never more than a limit.

A FIFO would wait for a writer for ever, a device such as /dev/zero has no end, and both claim a size of 0.
"""

import os
import stat
from errno import EFBIG, EINVAL
from pathlib import Path
from typing import BinaryIO


def open_binary(path: Path | str) -> BinaryIO:
    """A regular file, open for reading. Raises OSError, at once where it is something else."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(EINVAL, "not a regular file", str(path))


def read_bytes(path: Path | str, limit_bytes: int) -> bytes:
    """The content of a regular file. Raises OSError, whose strerror says what is wrong, also where it is too large."""
    with open_binary(path) as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(EFBIG, f"the file is larger than {_size(limit_bytes)}", str(path))
    return content


def read_text(path: Path | str, limit_bytes: int, encoding: str = "utf-8") -> str:
    """The content of a regular text file. Raises OSError, and UnicodeDecodeError where it is no such text."""
    return read_bytes(path, limit_bytes).decode(encoding)


def _size(limit_bytes: int) -> str:
    return f"{limit_bytes // 1_000_000} MB" if limit_bytes >= 1_000_000 else f"{limit_bytes:,} bytes"
