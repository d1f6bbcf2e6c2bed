"""The frame that every page shares: scenario line, tabs and status, the page's own body, one hint line."""

from typing import ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.reactive import reactive
from textual.screen import Screen

from estimator.scenario.scenario import Scenario
from tui.state.answer import Answer
from tui.state.editing import Change, SessionEditor
from tui.state.pins import LETTERS, toggle_pin
from tui.widgets.drawing import Drawing
from tui.widgets.frame import Head, Hints

AnyDrawing = TypeVar("AnyDrawing", bound=Drawing)


class Page(Screen[None]):
    """A page draws `answer` and hands changes to the app; it keeps no state that a session should hold.

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

    def body(self) -> ComposeResult:
        """The widgets between the tabs and the hint line."""
        raise NotImplementedError

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
        """Shows a line until the next key."""
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

    def take_scenario(self, scenario: Scenario | None) -> None:
        """Makes the scenario that a panel returned the session's; None leaves it as it is."""
        if scenario is not None:
            self.edit(lambda answer: answer.session.with_scenario(scenario))

    def bound(self, widget: AnyDrawing) -> AnyDrawing:
        """The widget with the answer from its first frame on, and every later one bound down to it."""
        widget.set_reactive(Drawing.answer, self.answer)
        widget.data_bind(Page.answer)
        return widget

    def on_descendant_focus(self) -> None:
        self.query_one(Hints).redraw()

    def on_descendant_blur(self) -> None:
        self.query_one(Hints).redraw()
