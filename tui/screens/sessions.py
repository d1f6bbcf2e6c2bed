"""Named sessions: one is saved under a name of its own, another is opened; no file is written over another."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from catalog.questions import uploads
from estimator.errors import InputError
from estimator.printable import without_controls
from tui.draw.runs import Row, clip, fit_row
from tui.draw.table import Cell, Column
from tui.screens.fetch import Fetch
from tui.screens.name import NameLine
from tui.screens.page import Page
from tui.screens.table_picker import TablePicker
from tui.state import session_files, store
from tui.state.session_files import SavedSession

COLUMNS = (
    Column("session", "session", 7, 0, "left"),
    Column("saved", "saved", 5, 0, "left"),
    Column("pins", "pins", 4, 2, "left"),
    Column("model", "model", 5, 1, "left"),
)
LONGEST_TITLE = 30
"""Cells of a session's name in the list; a longer one is whole in the detail."""
LONGEST_PATH = 300
"""Characters of a path that may be typed."""


class SessionPicker(TablePicker):
    """A picker of sessions. Returns the path of one as text."""

    PROMPT = "session: a name, a model"
    WIDTH = 110
    DETAIL = 3

    def __init__(self, sessions: Sequence[SavedSession], current: Path | None) -> None:
        self.by_name = {f"{each.name} {each.model} {each.path}": each for each in sessions}
        self.current = current
        super().__init__(list(self.by_name))

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def values(self, name: str) -> Mapping[str, Cell]:
        each = self.by_name[name]
        return {
            "session": Cell(clip(self._title(each), LONGEST_TITLE)),
            "saved": Cell(f"{each.saved:%Y-%m-%d %H:%M}", "dim"),
            "pins": Cell(f"{each.pins or ''}", "accent"),
            "model": Cell(each.model.rpartition("/")[2]),
        }

    def called(self, name: str) -> str:
        return self._title(self.by_name[name])

    def detail(self, name: str, cells: int) -> str:
        return f"{super().detail(name, cells)}, {without_controls(str(self.by_name[name].path))}"

    def detail_lines(self, cells: int) -> int:
        return self.DETAIL

    def _title(self, each: SavedSession) -> str:
        title = "(without a name)" if each.path == store.default_path() else without_controls(each.name)
        return f"{title}{' ‹ open' if each.path == self.current else ''}"

    def nothing(self, cells: int) -> Row:
        return fit_row([("no session has that name; ctrl+s saves one", "dim")], cells)


def save_as(page: Page) -> None:
    """Asks for a name and keeps the session there; a file that is another session's stays as it is."""
    editor = page.session_editor
    if page.answer is None:
        return

    def keep(text: str | None) -> None:
        if text is None or not text.strip():
            return
        try:
            path = session_files.path_of(text)
        except InputError as error:
            page.say(error.complaint)
            return
        if path.exists() and not (editor.kept_in and editor.kept_in.exists() and path.samefile(editor.kept_in)):
            page.say(f"{path} exists and is not this session; give another name, or open it with ctrl+o")
            return
        complaint = editor.keep_in(path)
        page.say(complaint or f"saved as {path}, and kept there", refused=bool(complaint))

    suggestion = session_files.suggested_name(page.answer.session, editor.kept_in)
    page.app.push_screen(NameLine("save the session as", suggestion, LONGEST_PATH), keep)


def open_session(page: Page, show_page: Callable[[], None]) -> None:
    """Asks for a session and goes on with it; a model that is not at hand is fetched first."""
    editor = page.session_editor
    picker = SessionPicker(session_files.saved_sessions(editor.kept_in), editor.kept_in)

    def adopt(path: Path) -> None:
        try:
            session, unknown = store.load_leniently(path)
        except InputError as error:
            page.say(str(error))
            return

        def go_on() -> None:
            notice = f"✗ {' · '.join(unknown)}" if unknown else f"✓ {path.stem}: opened, and kept in {path}"
            complaint = editor.adopt(session, path, notice)
            if complaint:
                page.say(f"{path}: {complaint}")
            else:
                show_page()
                page.say(notice[2:], refused=bool(unknown))

        def fetch(names: Sequence[str]) -> None:
            """Reads what is not at hand, one after the other, and goes on where nothing was cancelled."""
            if names:
                page.app.push_screen(Fetch(names[0], editor.calculator), lambda it: fetch(names[1:]) if it else None)
            else:
                go_on()

        fetch([name for name in uploads(session.scenario) if not editor.calculator.knows(name)])

    page.app.push_screen(picker, lambda name: adopt(picker.by_name[name].path) if name else None)
