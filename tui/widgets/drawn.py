"""A widget that shows drawn lines and sends again only the cells that changed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.draw.runs import Row, merged
from tui.palette import style

if TYPE_CHECKING:
    from tui.answer import Answer

JOIN = 40
"""Unchanged cells between two changes that are cheaper to send again than to jump over."""


class Drawn(Widget):
    """Rows of runs from `draw`, one `Strip` a line; a redraw refreshes only the spans that differ."""

    answer: reactive["Answer | None"] = reactive(None, repaint=False, init=False)
    """Bound down from the page; `draw` is called again whenever it changes."""

    _rows: Sequence[Row] = ()
    _drawn_at = Size(0, 0)

    def draw(self, width: int, height: int) -> Sequence[Row]:
        """The lines to show in that many cells; fewer lines than rows leave the rest empty."""
        raise NotImplementedError

    def watch_answer(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draws again and refreshes what differs."""
        if self._drawn_at != self.size:
            self.refresh()
            return
        before, self._rows = self._rows, self._draw()
        changed = list(changes(before, self._rows, self.size.width))
        if changed:
            self.refresh(*changed)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn_at = Size(0, 0)

    def _draw(self) -> Sequence[Row]:
        width, height = self.size
        return [merged(row) for row in self.draw(width, height)][:height] if width and height else ()

    def render_line(self, y: int) -> Strip:
        if self._drawn_at != self.size:
            self._rows, self._drawn_at = self._draw(), self.size
        if y >= len(self._rows):
            return Strip.blank(self.size.width)
        theme = self.app.theme
        segments = [Segment(text, style(theme, name)) for text, name in self._rows[y]]
        return Strip(segments).adjust_cell_length(self.size.width)


def changes(before: Sequence[Row], after: Sequence[Row], width: int) -> Iterator[Region]:
    """The regions, joined over short gaps, in which two drawings of one size differ."""
    for y in range(max(len(before), len(after))):
        old = before[y] if y < len(before) else []
        new = after[y] if y < len(after) else []
        if old != new:
            for start, end in _spans(_cells(old, width), _cells(new, width)):
                yield Region(start, y, end - start, 1)


def _cells(row: Row, width: int) -> list[tuple[str, str]]:
    cells = [(character, name) for text, name in row for character in text]
    return cells[:width] + [(" ", "")] * (width - len(cells))


def _spans(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    start = end = -1
    for x, (one, other) in enumerate(zip(old, new, strict=True)):
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
