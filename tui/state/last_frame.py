"""The page as it was drawn for a question that is asked again: shown until its answer is there, then replaced whole.

A frame is kept with a key of everything that its answer is made of: program, catalogue, session, look, size and day.
Any other key, or a file that is not exactly as it was written, is no frame.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from zlib import crc32

from catalog import atomic, cache, regular_file
from tui.draw.palette import NAMES
from tui.draw.runs import Row

MOST_BYTES = 1_000_000
"""Largest frame that is read; one of 250 columns and 60 lines has 50 kB."""
PACKAGE = Path(__file__).parents[1]

Drawings = Mapping[str, Sequence[Row]]
"""The lines of every drawing of a page, by the name of its class."""


def default_path() -> Path:
    """Where the last frame is kept: in the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("llmcalc-tui", appauthor=False) / "frame.json"


class LastFrame:
    """The frame of one question: `asked` are the files that say it (session, configuration), `look` is how it looks."""

    def __init__(self, path: Path, folders: cache.Folders, asked: Iterable[Path], look: Iterable[object]) -> None:
        self.path, self.folders, self.asked, self.look = path, folders, tuple(asked), tuple(look)

    def key(self, width: int, height: int) -> str:
        """Names everything that a frame of that size depends on, the day included: prices age by it."""
        digest = crc32(repr((*self.look, width, height, date.today().isoformat())).encode())
        for path in self.asked:
            try:
                digest = crc32(regular_file.read_bytes(path, MOST_BYTES), crc32(b"file", digest))
            except OSError:
                digest = crc32(b"none", digest)
        return f"{cache.Stamp(self.folders).quick((PACKAGE,))} {digest:08x}"

    def read(self, width: int, height: int) -> Drawings:
        """The frame of that size; empty where the last one was another's, or its file is not as we write it."""
        try:
            checksum, _, text = regular_file.read_text(self.path, MOST_BYTES).partition(" ")
            if int(checksum, 16) != crc32(text.encode()):
                return {}
            document = json.loads(text)
            if document["key"] != self.key(width, height):
                return {}
            return {name: [_row(runs) for runs in rows] for name, rows in document["drawings"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def write(self, width: int, height: int, drawings: Drawings) -> None:
        """Keeps a frame in the place of the last one. Nothing is said where it can not be written: it is a cache."""
        text = json.dumps({"key": self.key(width, height), "drawings": drawings}, ensure_ascii=False)
        with suppress(OSError, UnicodeEncodeError):
            atomic.write(self.path, f"{crc32(text.encode()):08x} {text}")


def _row(runs: list[list[str]]) -> Row:
    """One line of a frame. Raises ValueError for what no drawing of ours has."""
    row = [(text, style) for text, style in runs]
    if not all(text.isprintable() and style in NAMES for text, style in row):
        raise ValueError("not as we draw")
    return row
