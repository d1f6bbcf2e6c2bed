"""Catalogue files that the program writes itself, told apart from those that a person wrote or edited.

Their first line carries a checksum of the rest. What has none, or another one, was touched by hand: it is copied
beside itself before it is replaced.
"""

from pathlib import Path
from zlib import crc32

from catalog import atomic, regular_file

MARK = "# Written by llmcalc-tui; an edit of yours is kept as a copy when it is written again. Checksum "
LIMIT_BYTES = 4_000_000


def write(path: Path, text: str) -> Path | None:
    """Replaces a file that the program writes, and returns the copy that was made of one that a person wrote. Raises
    OSError.
    """
    copy = None
    if path.exists() and not untouched(path):
        copy = _free(path)
        atomic.write(copy, regular_file.read_bytes(path, LIMIT_BYTES))
    atomic.write(path, f"{MARK}{crc32(text.encode()):08x}\n{text}")
    return copy


def untouched(path: Path) -> bool:
    """Whether a file stands as the program wrote it."""
    try:
        first, _, rest = regular_file.read_text(path, LIMIT_BYTES).partition("\n")
    except (OSError, UnicodeDecodeError):
        return False
    return first == f"{MARK}{crc32(rest.encode()):08x}"


def _free(path: Path) -> Path:
    """The first name beside a file that no copy has yet: x.yaml.bak, x.yaml.bak2 …"""
    numbers = ("", *range(2, 1000))
    names = (path.with_name(f"{path.name}.bak{number}") for number in numbers)
    return next(each for each in names if not each.exists())
