"""A model being read: from the Hub in the background, with its progress, cancelled by esc."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.worker import Worker, get_current_worker

from catalog.sources.checkpoint import Cancelled
from catalog.sources.resolve import resolve
from estimator.errors import InputError
from estimator.printable import without_controls
from tui.draw.runs import Row, clip, unmarked, wrap_text
from tui.screens.modal import Modal
from tui.state.calculator import Calculator
from tui.widgets.drawing import Drawing

LEAST_BETWEEN_S = 0.1
"""Progress is shown ten times a second at most."""


class FetchView(Drawing):
    """A model on its way from the Hub: the file that is read, a bar of its bytes; or why it can not be fetched."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name_shown = without_controls(name)
        self.what, self.share, self.problem = "asking", 0.0, ""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 2 + len(wrap_text(self.problem, width))

    def draw(self, width: int, height: int) -> Sequence[Row]:
        if self.problem:
            return [*([(line, "bad")] for line in wrap_text(self.problem, width)), [], [("esc closes", "dim")]]
        done = round(self.share * width)
        return [
            [(clip(self.what, width), "text")],
            [("█" * done, "accent"), ("░" * (width - done), "dim")],
            [("esc cancels", "dim")],
        ]


class Fetch(Modal[str | None]):
    """A modal that reads a model. Returns the name under which the calculator now has it, or None."""

    CSS_PATH = "fetch.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "Cancel", show=False)]

    @dataclass
    class Progressed(Message):
        what: str
        share: float

    @dataclass
    class Refused(Message):
        reason: str

    @dataclass
    class Done(Message):
        """Message: the calculator knows the model."""

    def __init__(self, name: str, calculator: Calculator) -> None:
        super().__init__()
        self.wanted, self.calculator = name, calculator
        self.reading: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        view = FetchView(self.wanted)
        view.border_title = unmarked(clip(without_controls(self.wanted), 60))
        yield view

    def on_mount(self) -> None:
        self.reading = self.read()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def read(self) -> None:
        """Reads the model in a thread, which only posts messages."""
        worker = get_current_worker()
        shown = 0.0

        def progress(what: str, done: int, total: int) -> None:
            nonlocal shown
            if worker.is_cancelled:
                raise Cancelled
            if time.monotonic() - shown >= LEAST_BETWEEN_S:
                shown = time.monotonic()
                self.post_message(self.Progressed(what, min(done / total, 1.0) if total else 0.0))

        try:
            self.calculator.resolved[self.wanted] = resolve(self.wanted, self.calculator.catalog, progress)
        except InputError as error:
            self.post_message(self.Refused(str(error)))
        except Cancelled:
            return
        else:
            if not worker.is_cancelled:
                self.post_message(self.Done())

    @on(Progressed)
    def show_progress(self, event: Progressed) -> None:
        view = self.query_one(FetchView)
        view.what, view.share = without_controls(event.what), event.share
        view.redraw()

    @on(Refused)
    def show_refusal(self, event: Refused) -> None:
        view = self.query_one(FetchView)
        view.problem = event.reason
        view.refresh(layout=True)
        view.redraw()

    @on(Done)
    def finish(self) -> None:
        self.dismiss(self.wanted)

    def action_cancel(self) -> None:
        if self.reading:
            self.reading.cancel()
        self.dismiss(None)
