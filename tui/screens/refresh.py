"""Refreshing prices from AWS: asked in the background, the difference shown, and written when enter says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.worker import Worker, get_current_worker

from catalog.load import Catalog
from catalog.sources import aws
from catalog.sources.checkpoint import Cancelled
from catalog.sources.price_refresh import Refresh, refresh_all
from estimator.errors import InputError
from estimator.printable import without_controls
from tui.draw.runs import Row, clip, wrap_text
from tui.screens.modal import Modal
from tui.screens.scrolling import scroll_bindings
from tui.widgets.drawing import Drawing

LINES = 14
"""Lines of the difference shown at once; the rest is scrolled to."""


class RefreshView(Drawing):
    """Draws a price refresh: its progress; then what would change, jumps first; or why nothing can be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.what, self.share, self.problem, self.top = "asking", 0.0, "", 0
        self.fresh: Refresh | None = None

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return LINES + 3 if self.fresh else 3 + len(wrap_text(self.problem, width))

    def draw(self, width: int, height: int) -> Sequence[Row]:
        if self.problem:
            return [*([(line, "bad")] for line in wrap_text(self.problem, width)), [], [("esc closes", "dim")]]
        if self.fresh is None:
            done = round(self.share * width)
            bar: Row = [("█" * done, "accent"), ("░" * (width - done), "dim")]
            return [[(clip(self.what, width), "text")], bar, [("esc cancels; nothing is written yet", "dim")]]
        changes = [(str(change), "warn" if change.jumps else "text") for change in self.fresh.changes]
        lines = [*((problem, "bad") for problem in self.fresh.problems), *changes] or [("no price differs", "text")]
        self.top = max(0, min(self.top, len(lines) - LINES))
        jumps = sum(change.jumps for change in self.fresh.changes)
        words = f"{len(changes)} prices differ, {jumps} by over 5 %: enter writes them, esc leaves them"
        shown: list[Row] = [
            [(clip(without_controls(text), width), style)] for text, style in lines[self.top : self.top + LINES]
        ]
        return [[(clip(words, width), "title")], *shown]


class RefreshPrices(Modal[bool]):
    """The modal of a price refresh. Returns whether prices were written."""

    CSS_PATH = "refresh.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *scroll_bindings("step", "cancel"),
        Binding("enter", "write", "Write", show=False),
    ]

    @dataclass
    class Progressed(Message):
        what: str
        share: float

    @dataclass
    class Answered(Message):
        fresh: Refresh

    @dataclass
    class Refused(Message):
        reason: str

    def __init__(self, catalog: Catalog, regions: Sequence[str]) -> None:
        super().__init__()
        self.catalog, self.regions = catalog, regions
        self.asking: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        view = RefreshView()
        named = self.regions[0] if len(self.regions) == 1 else f"{len(self.regions)} regions"
        view.border_title = f"prices of {named} from AWS"
        yield view

    def on_mount(self) -> None:
        self.asking = self.ask()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def ask(self) -> None:
        """Asks AWS in a thread, which only posts messages."""
        worker = get_current_worker()

        def progress(what: str, done: int, total: int) -> None:
            if worker.is_cancelled:
                raise Cancelled
            self.post_message(self.Progressed(what, done / total if total else 0.0))

        try:
            self.post_message(self.Answered(refresh_all(self.catalog, self.regions, aws.clients(), progress)))
        except InputError as error:
            self.post_message(self.Refused(str(error)))
        except Cancelled:
            return

    @on(Progressed)
    def show_progress(self, event: Progressed) -> None:
        view = self.query_one(RefreshView)
        view.what, view.share = without_controls(event.what), event.share
        view.redraw()

    @on(Answered)
    def show_changes(self, event: Answered) -> None:
        view = self.query_one(RefreshView)
        if not event.fresh.regions:
            view.problem = "; ".join(event.fresh.problems) or "no region answered"
        view.fresh = event.fresh
        view.refresh(layout=True)
        view.redraw()

    @on(Refused)
    def show_refusal(self, event: Refused) -> None:
        view = self.query_one(RefreshView)
        view.problem = event.reason
        view.refresh(layout=True)
        view.redraw()

    def action_step(self, by: int) -> None:
        view = self.query_one(RefreshView)
        view.top += by
        view.redraw()

    def action_write(self) -> None:
        """Writes the prices that were shown; before that enter does nothing."""
        fresh = self.query_one(RefreshView).fresh
        if fresh is None or not fresh.regions:
            return
        try:
            list(fresh.keep())
        except OSError as error:
            self.post_message(self.Refused(f"{error.filename}: {error.strerror}"))
            return
        self.dismiss(True)

    def action_cancel(self) -> None:
        if self.asking:
            self.asking.cancel()
        self.dismiss(False)
