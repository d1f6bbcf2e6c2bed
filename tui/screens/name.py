"""A modal with one line to type a name into."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.screens.framing import fit_title
from tui.screens.modal import Modal

WIDTH = 90
"""Cells that the line takes where there is room."""


class NameLine(Modal[str | None]):
    """A modal with one line for a name. Returns what was typed, or None; acts on nothing itself."""

    CSS_PATH = "name.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", show=False)]

    def __init__(self, title: str, text: str, most: int = 40) -> None:
        super().__init__()
        self.line_title, self.text, self.most = title, text, most

    def compose(self) -> ComposeResult:
        line = Input(self.text, select_on_focus=True, max_length=self.most)
        line.cursor_blink = False
        line.border_title = fit_title(self.line_title, min(self.app.size.width, WIDTH))
        line.border_subtitle = "enter takes it · esc leaves it"
        yield line

    @on(Input.Submitted)
    def finish(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
