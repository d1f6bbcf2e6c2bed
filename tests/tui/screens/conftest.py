"""A screen as text, and a room of its own for every test's files."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App


class ScreenText(SingleFileSnapshotExtension):
    """One reviewable text file a snapshot."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def screen(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(ScreenText)


def screen_text(app: App[None]) -> str:
    """What the terminal shows, without styles."""
    rows = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in row).rstrip() for row in rows) + "\n"


def page_text(app: App[None]) -> str:
    """The screen without its tab line, which one snapshot alone shows: a new page leaves the pictures as they are."""
    scenario, _, *page = screen_text(app).split("\n")
    return "\n".join([scenario, *page])


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def _no_machine_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and answers are the same on every machine."""
    from catalog.sources import this_machine

    monkeypatch.setattr(this_machine, "detect", lambda inventory: this_machine.ThisMachine())
