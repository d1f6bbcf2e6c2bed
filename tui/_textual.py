"""The one place that touches Textual's private parts: a terminal is sent only the cells that changed.

Textual writes whole regions: four full screens while it starts, one for every layout change. Over SSH that is most of
what a user waits for, so each frame is compared with the one before it (measured: 20 kB of a start become 6).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip

JOIN = 40
"""Unchanged cells between two changes that are cheaper to send again than to jump over."""


class FrugalApp(App[None]):
    """An application that remembers what the terminal shows."""

    _shown: Sequence[Strip] = ()
    _sized: Size | None = None

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._disable_notifications = True  # `notify` is one line of ours; a rack for toasts costs a layout at start

    def watch_suspensions(self) -> None:
        """To be called once mounted."""
        self.app_resume_signal.subscribe(self, lambda _: self.forget_shown())

    def forget_shown(self) -> None:
        """The next frame is sent whole: the terminal may show something else by now."""
        self._shown = ()

    def on_resize(self, event: Resize) -> None:
        if self._sized not in (None, event.size):
            self.forget_shown()  # what a terminal keeps of a frame when it changes its size is its own matter
        self._sized = event.size

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        whole = isinstance(renderable, LayoutUpdate | ChopsUpdate) and not self._batch_count
        if not whole or self.is_headless or not self._running:
            super()._display(screen, renderable)
            return
        frame = screen._compositor.render_strips()
        if len(frame) != len(self._shown):
            self._shown = [Strip([], 0)] * len(frame)
        update: Any = Difference(self._shown, frame)
        if update.spans:
            super()._display(screen, update)
        self._shown = frame


class Difference(CompositorUpdate):
    """The cells in which a frame differs from the one before it."""

    def __init__(self, before: Sequence[Strip], after: Sequence[Strip]) -> None:
        self.after = after
        self.spans = [
            (y, start, end)
            for y, (old, new) in enumerate(zip(before, after, strict=True))
            if old != new
            for start, end in spans(old, new)
        ]

    def render_segments(self, console: Console) -> str:
        return "".join(
            Control.move_to(start, y).segment.text + self.after[y].crop(start, end).render(console)
            for y, start, end in self.spans
        )


def spans(old: Strip, new: Strip) -> Iterator[tuple[int, int]]:
    """From where to where two lines of cells differ, joined over short gaps; wide characters make the line one span."""
    before, after = _cells(old), _cells(new)
    if len(before) != len(after) or len(after) != new.cell_length:
        yield 0, new.cell_length
        return
    start = end = -1
    for x, (one, other) in enumerate(zip(before, after, strict=True)):
        if one == other:
            continue
        if start < 0:
            start = x
        elif x - end > JOIN:
            yield start, end
            start = x
        end = x + 1
    if start >= 0:
        yield start, end


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(character, segment.style) for segment in strip for character in segment.text]
