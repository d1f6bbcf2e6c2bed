"""The frame that every page shares: scenario line, tabs and status, the page's own body, one hint line."""

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.reactive import reactive
from textual.screen import Screen

from estimator.scenario.scenario import Scenario
from tui.state.answer import Answer
from tui.state.messages import Edited
from tui.widgets.drawing import Drawing
from tui.widgets.frame import Head, Hints

AnyDrawing = TypeVar("AnyDrawing", bound=Drawing)


class Page(Screen[None]):
    """A page draws `answer` and posts `Edited`; it keeps no state of its own that a session should hold.

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

    def action_panel(self, name: str) -> None:
        """Opens a panel over the selected row; what is chosen there becomes the scenario."""
        from tui.screens.panel import Panel
        from tui.screens.panels import PANELS

        answer = self.answer
        if answer is None or answer.selected is None:
            return

        def take(scenario: Scenario | None) -> None:
            if scenario is not None and answer is not None:
                self.post_message(Edited(answer.session.with_scenario(scenario)))

        self.app.push_screen(Panel(PANELS[name](answer, answer.selected, self.figure)), take)

    def bound(self, widget: AnyDrawing) -> AnyDrawing:
        """The widget with the answer from its first frame on, and every later one bound down to it."""
        widget.set_reactive(Drawing.answer, self.answer)
        widget.data_bind(Page.answer)
        return widget
