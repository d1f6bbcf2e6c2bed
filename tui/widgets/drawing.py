"""A widget that shows drawn lines."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip

from tui._textual import ChangingLines
from tui.draw.palette import FILLED, style
from tui.draw.runs import Row, merge_runs

if TYPE_CHECKING:
    from tui.state.answer import Answer


class Drawing(ChangingLines):
    """A widget that shows rows of runs from `draw`, one `Strip` a line, drawn again when the answer or the size is
    another.
    """

    answer: reactive["Answer | None"] = reactive(None, repaint=False, init=False)
    """Bound down from the page; `draw` is called again whenever it changes."""

    opening: Sequence[Row] = ()
    """Lines of the last frame, shown until there is an answer."""
    _rows: Sequence[Row] = ()
    _drawn_at = Size(0, 0)
    _stale = True
    _ground = Style()

    def draw(self, width: int, height: int) -> Sequence[Row]:
        """The lines to show in `width` by `height` cells; fewer lines than rows leave the rest empty."""
        raise NotImplementedError

    def watch_answer(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draws the widget again before the next frame; of it the lines that then differ are painted, and of these the
        cells that differ are sent (see `tui._textual`).
        """
        self._stale = True
        self.refresh_lines()

    def drawn(self) -> Sequence[Row]:
        """The lines as they are sent."""
        return [join_blanks(row) for row in self._lines()]

    def changed_lines(self) -> Iterable[int]:
        if not self._stale and self._drawn_at == self.size:
            return ()
        before, resized = self._rows, self._drawn_at != self.size
        self._rows, self._drawn_at, self._stale = self._lines(), self.size, False
        pairs = zip_longest(before, self._rows)
        return range(self.size.height) if resized else [y for y, (old, new) in enumerate(pairs) if old != new]

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        ground, theme, cells = self._ground, self.app.theme, self.size.width
        if y >= len(self._rows):
            return Strip.blank(cells, ground)
        segments = [Segment(text, ground + style(theme, name)) for text, name in join_blanks(self._rows[y])]
        return Strip(segments).adjust_cell_length(cells, ground)

    def _lines(self) -> Sequence[Row]:
        return self.opening if self.answer is None and self.opening else self.draw(*self.size)


def join_blanks(row: Row) -> Row:
    """A row in as few runs as can be, each an escape sequence on the wire: a blank takes its neighbour's colour."""
    runs: Row = []
    for text, name in row:
        if text.isspace() and name not in FILLED and runs and runs[-1][1] not in FILLED:
            name = runs[-1][1]
        elif len(runs) == 1 and runs[0][0].isspace() and not {runs[0][1], name} & FILLED:
            runs[0] = (runs[0][0], name)
        runs.append((text, name))
    return merge_runs(runs)


def scroll_to(top: int, cursor: int, total: int, height: int) -> int:
    """The first line of a list to show: as before while the cursor is in sight, else half a page beyond it."""
    if height <= 0 or total <= height:
        return 0
    if cursor < top:
        top = cursor - height // 2
    elif cursor >= top + height:
        top = cursor - (height - 1) // 2
    if cursor <= 1:
        top = 0
    return max(0, min(top, total - height))
