"""Named sessions: one is saved under a name of its own, another is opened; no file is written over another."""

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.questions import uploads
from estimator.errors import InputError
from estimator.printable import without_controls
from tui.draw.runs import Row, clip, fit_row
from tui.screens.fetch import Fetch
from tui.screens.name import NameLine
from tui.screens.page import Page
from tui.screens.picker import Picker
from tui.state import session_files, store
from tui.state.session_files import SavedSession

LONGEST_PATH = 300
"""Characters of a path that may be typed."""


class SessionPicker(Picker):
    """A picker of sessions. Returns the path of one as text."""

    PROMPT = "session: a name, a model"

    def __init__(self, sessions: Sequence[SavedSession], current: Path | None) -> None:
        self.by_name = {f"{each.name} {each.model} {each.path}": each for each in sessions}
        super().__init__(list(self.by_name))
        self.current = current

    def heading(self, cells: int) -> list[Row]:
        return [fit_row([(f"{'session':<26}{'saved':<18}{'pins':<6}model", "title")], cells)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        each = self.by_name[name]
        title = "(without a name)" if each.path == store.default_path() else each.name
        return fit_row(
            [
                (f"{clip(without_controls(title), 25):<26}", "cursor" if highlighted else "text"),
                (f"{each.saved:%Y-%m-%d %H:%M}  ", "dim"),
                (f"{each.pins or '':<6}", "accent"),
                (each.model.rpartition("/")[2], "text"),
                ("  ‹ open" if each.path == self.current else "", "dim"),
            ],
            cells,
        )

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
        if path.exists() and path != editor.kept_in:
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
