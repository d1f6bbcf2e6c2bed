"""Files of unknown origin, read whole: regular ones only, and never more than a limit.

A FIFO would wait for a writer for ever, a device such as /dev/zero has no end, and both claim a size of 0.
"""

import os
import stat
from errno import EFBIG, EINVAL
from pathlib import Path


def read_bytes(path: Path | str, limit_bytes: int) -> bytes:
    """The content of a regular file. Raises OSError, whose strerror says what is wrong, also where it is too large."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(EINVAL, "not a regular file", str(path))
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(EFBIG, f"the file is larger than {_size(limit_bytes)}", str(path))
    return content


def read_text(path: Path | str, limit_bytes: int, encoding: str = "utf-8") -> str:
    """The content of a regular text file. Raises OSError, and UnicodeDecodeError where it is no such text."""
    return read_bytes(path, limit_bytes).decode(encoding)


def _size(limit_bytes: int) -> str:
    return f"{limit_bytes // 1_000_000} MB" if limit_bytes >= 1_000_000 else f"{limit_bytes:,} bytes"
