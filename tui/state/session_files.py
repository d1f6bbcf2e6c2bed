"""Named sessions as files: where they lie, what each holds and since when, read without answering them."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from estimator.errors import InputError
from estimator.printable import printable
from tui.state import store
from tui.state.session import Session

ENDING = ".yaml"
LEGAL = re.compile(r"[\w][\w .()+-]{0,79}")
"""Names that are one file name on every system."""
HEAD_BYTES = 20_000
"""How much of a file is read for the list."""


class SavedSession(NamedTuple):
    """One session of the list of saved ones."""

    path: Path
    saved: datetime
    model: str
    """Model with its weight format, as the file says; empty where it does not."""
    pins: int

    @property
    def name(self) -> str:
        return self.path.stem


def folder() -> Path:
    """Folder of named sessions: beside the one that is kept without a name."""
    return store.default_path().parent / "sessions"


def path_of(text: str) -> Path:
    """The file of a session by its name, or a written path. Raises InputError for a text that is neither."""
    text = text.strip()
    if "/" in text or text.endswith((ENDING, ".yml")):
        return store.whole_path(text)
    if not LEGAL.fullmatch(text):
        raise InputError("save as", f"{printable(text, 40)!r} is no name: letters, digits, blanks and . - + ( )")
    return folder() / f"{text}{ENDING}"


def suggested_name(session: Session, path: Path | None) -> str:
    """A name to save a session under: the name or path that it has, else one by its model."""
    if path is not None and path != store.default_path():
        return path.stem if path.parent == folder() else str(path)
    return re.sub(r"[^\w.-]", "-", session.scenario.model.rpartition("/")[2])[:40]


def saved_sessions(current: Path | None = None) -> list[SavedSession]:
    """The named sessions and the one that is open, the last saved first."""
    paths = set(folder().glob(f"*{ENDING}")) | ({store.default_path()} if store.default_path().is_file() else set())
    if current is not None and current.is_file():
        paths.add(current)
    known = [saved for path in paths if (saved := _look_into(path))]
    return sorted(known, key=lambda each: each.saved, reverse=True)


def _look_into(path: Path) -> SavedSession | None:
    """What a file of ours says in its lines of `name: JSON`; None where it can not be read."""
    try:
        saved = datetime.fromtimestamp(path.stat().st_mtime)
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return None
    lines = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    model = f"{_text(lines.get('model'))} {_text(lines.get('weights'))}".strip()
    return SavedSession(path=path, saved=saved, model=model, pins=lines.get(store.PINS, "").count('"machine": '))


def _text(value: str | None) -> str:
    try:
        return printable(json.loads(value), 80) if value else ""
    except ValueError:
        return printable(value, 80)
