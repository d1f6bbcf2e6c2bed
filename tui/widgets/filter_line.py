"""The filter line, in place of the hint line while one types."""

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input


class FilterLine(Input):
    """The line that the filter is typed into. It says every change; enter keeps the filter, escape clears it."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "clear_filter", "Clear", show=False),
    ]

    class Typed(Message):
        """Message: the text of the filter so far."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Message: the filter is done with."""

    def __init__(self) -> None:
        super().__init__(
            placeholder="filter: g6e|p5  nvidia  fits  tpot<50ms  $<10  class=A  -inf2", select_on_focus=False
        )
        self.cursor_blink = False
        self.display = self.can_focus = False

    def open(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)
        self.display = self.can_focus = True
        self.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()

    def action_clear_filter(self) -> None:
        self.post_message(self.Typed(""))
        self.close()

    def on_blur(self, event: events.Blur) -> None:
        self.close()

    def close(self) -> None:
        if self.display:
            self.display = self.can_focus = False
            self.post_message(self.Left())
