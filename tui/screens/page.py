"""The frame that every page shares: scenario line, tabs and status, the page's own body, one hint line."""

from abc import abstractmethod
from typing import ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.reactive import reactive
from textual.screen import Screen

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.state.answer import Answer
from tui.state.editing import Change, SessionEditor
from tui.state.last_frame import Drawings
from tui.state.pinning import toggle_pin
from tui.state.pins import LETTERS
from tui.widgets.drawing import Drawing
from tui.widgets.frame import Head, Hints

AnyDrawing = TypeVar("AnyDrawing", bound=Drawing)


class Page(Screen[None]):
    """The base of all pages: it draws `answer`, hands changes to the app, and keeps no state that a session should
    hold.

    A subclass names itself, takes `BINDINGS = bindings(NAME)` and yields its widgets from `body`, each through `bound`.
    """

    NAME: ClassVar[str]
    AUTO_FOCUS = ""
    """Keys are the page's own; a line that is typed into takes the focus itself, and only while it is shown."""

    answer: reactive[Answer | None] = reactive(None, repaint=False, init=False)

    def compose(self) -> ComposeResult:
        yield self.bound(Head(self.NAME))
        yield from self.body()
        yield self.bound(Hints(self.NAME))

    @abstractmethod
    def body(self) -> ComposeResult:
        """The page's own widgets, between the tabs and the hint line."""

    @property
    def figure(self) -> str:
        """The figure under the cursor, where the page has one: the working that is shown first."""
        return ""

    @property
    def session_editor(self) -> SessionEditor:
        """The app, as what changes the session."""
        return cast(SessionEditor, self.app)

    def edit(self, change: Change) -> str:
        """Makes a change of the session as it is now; returns why it was refused, or nothing."""
        return self.session_editor.edit(change)

    def say(self, text: str, refused: bool = True) -> None:
        """Shows a message in the place of the hints until the next key."""
        self.session_editor.say(text, refused)

    def action_panel(self, name: str) -> None:
        """Opens a panel over the selected row; what is chosen there becomes the scenario."""
        from tui.screens.panel import Panel
        from tui.screens.panels import PANELS

        answer = self.answer
        if answer is None or answer.selected is None:
            self.say("no row is shown; esc clears the filter")
            return
        self.app.push_screen(Panel(PANELS[name](answer, answer.selected, self.figure)), self.take_scenario)

    def action_pin(self) -> None:
        """Pins the selected row for the comparison, or drops its pin."""
        before = len(self.answer.session.pins) if self.answer else 0
        if not self.edit(toggle_pin) and self.answer:
            pins = self.answer.session.pins
            done = f"pinned as {LETTERS[len(pins) - 1]}" if len(pins) > before else "no longer pinned"
            self.say(f"{done} · 5 compares {len(pins)}", refused=False)

    def action_launch(self) -> None:
        """Opens the launch command of the selected row; what is copied there goes to the clipboard and to a file."""
        from tui.screens.launch import panel_of

        try:
            panel = panel_of(self.answer) if self.answer else None
        except InputError as error:
            self.say(error.complaint)
            return
        if panel:
            self.app.push_screen(panel, lambda text: self.take_away(text, "launch", "txt") if text else None)

    def action_copy(self) -> None:
        """Copies the page's text to the clipboard and to a file."""
        self.take_away(self.copied_text(), "llmcalc", "md")

    def copied_text(self) -> str:
        """What `y` copies: the selected row with its titles, and the command that gives it again."""
        from tui.screens.exports import row_text

        return row_text(self.answer) if self.answer else ""

    def action_export(self) -> None:
        """Asks for a form and writes the page in it."""
        from tui.screens.exports import FORMS
        from tui.screens.picker import Picker

        def write(form: str | None) -> None:
            if form:
                self._export(FORMS[form])

        self.app.push_screen(Picker(list(FORMS)), write)

    def _export(self, ending: str) -> None:
        from tui.screens.exports import write

        text = self.app.export_screenshot() if ending == "svg" else self.exported_text(ending)
        try:
            path = write("llmcalc", ending, text)
        except OSError as error:
            self.say(f"not written: {error.filename or ''}: {error.strerror}")
        else:
            self.say(f"written to {path}", refused=False)

    def exported_text(self, ending: str) -> str:
        """The page as a file of that kind: the rows of the leaderboard as they are shown."""
        from tui.screens.exports import report, table_csv, table_json

        assert self.answer is not None
        if ending == "csv":
            return table_csv(self.answer.rows)
        if ending == "json":
            return table_json(self.answer.session.scenario, self.answer.rows)
        return report(self.answer)

    def take_away(self, text: str, name: str, ending: str) -> None:
        """Copies a text to the clipboard of the terminal (OSC 52), and always also to a file, whose name is said."""
        from tui.screens.exports import write

        if not text:
            self.say("nothing to copy")
            return
        self.app.copy_to_clipboard(text)
        try:
            path = write(name, ending, text)
        except OSError as error:
            self.say(f"copied; no file: {error.strerror}", refused=False)
        else:
            self.say(f"copied, and written to {path}", refused=False)

    def take_scenario(self, scenario: Scenario | None) -> None:
        """Makes the scenario that a panel returned the session's; None leaves it as it is."""
        if scenario is not None:
            self.edit(lambda answer: answer.session.with_scenario(scenario))

    def bound(self, widget: AnyDrawing) -> AnyDrawing:
        """A widget with the answer from its first frame on, and every later one bound down to it."""
        widget.set_reactive(Drawing.answer, self.answer)
        if self.answer is None:
            widget.opening = self.session_editor.opening.get(type(widget).__name__, ())
        widget.data_bind(Page.answer)
        return widget

    def drawings(self, answer: Answer) -> Drawings:
        """What every drawing of the page shows of an answer, by the name of its class."""
        shown = {}
        for widget in self.query(Drawing):
            widget.set_reactive(Drawing.answer, answer)
            shown[type(widget).__name__] = widget.drawn()
            widget.set_reactive(Drawing.answer, self.answer)
        return shown

    def on_descendant_focus(self) -> None:
        self.query_one(Hints).redraw()

    def on_descendant_blur(self) -> None:
        self.query_one(Hints).redraw()
