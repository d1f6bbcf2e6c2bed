"""The leaderboard's widget: its rows, and the selected candidate under or beside them."""

from collections.abc import Sequence

from textual import events
from textual.message import Message

from tui.draw.runs import Row, fit_row
from tui.pages.candidate import pane, strip
from tui.pages.leaderboard import TableContext, candidate_line, heading_line, lines, title_line, whereabouts
from tui.state.answer import Answer
from tui.widgets.drawing import Drawing, scroll_to

WIDE = 140
"""Columns from which on the candidate has a pane of its own beside the table."""
PANE = 46
STRIP = 4


class Table:
    """The lines of the leaderboard in so many cells, each made once: a move of the cursor makes two."""

    def __init__(self, answer: Answer, cells: int) -> None:
        self.answer, self.context = answer, TableContext.of(cells, answer)
        self._lines: dict[tuple[int, bool], Row] = {}

    def shows(self, answer: Answer, cells: int) -> bool:
        """Whether that answer has these very lines: its rows are the same, and so is what stands beside them."""
        one, other = self.answer, answer
        same = one.rows is other.rows and one.board is other.board and one.before is other.before
        looks = ((each.session.columns, each.session.pins) for each in (one, other))
        return same and cells == self.context.cells and len({*looks}) == 1

    def line(self, at: int, selected: bool) -> Row:
        """The line of the row at that place."""
        key = at, selected
        if key not in self._lines:
            self._lines[key] = candidate_line(self.answer.rows[at], at + 1, selected, self.context)
        return self._lines[key]


class Board(Drawing):
    """Draws the leaderboard; it scrolls by half pages, so that most steps send nothing but the cursor."""

    class Chosen(Message):
        """Message: a row was clicked."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    class Titled(Message):
        """Message: the title of a column was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class Scrolled(Message):
        """Message: the wheel turned by so many rows."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    _top = 0
    table: Table | None = None
    _selection = ""
    """The row that the table was last scrolled to; an edit that moves it elsewhere does not move the table."""

    @property
    def columns_shown(self) -> tuple[str, ...]:
        """Keys of the columns that there is room for."""
        if self.answer is None:
            return ()
        width = self.size.width - PANE if self.size.width >= WIDE else self.size.width
        return tuple(column.key for column in TableContext.of(width, self.answer).columns)

    @property
    def half_page(self) -> int:
        return max(1, (self._rows_shown(self.size.width, self.size.height) - 1) // 2)

    def draw(self, width: int, height: int) -> Sequence[Row]:
        answer = self.answer
        if answer is None:
            return ()
        if width >= WIDE:
            table = self._table(answer, width - PANE, height)
            pane_rows = (
                pane(answer.detail, answer.session.scenario, answer.best, answer.inventory, PANE - 3)
                if answer.detail
                else []
            )
            pane_rows += [[]] * (height - len(pane_rows))
            return [[*row, (" │ ", "grid"), *side] for row, side in zip(table, pane_rows, strict=False)]
        table = self._table(answer, width, height - STRIP)
        rule: Row = [(" " + "─" * (width - 2), "grid")]
        return [
            *table,
            rule,
            *(
                strip(answer.detail, answer.session.scenario, answer.best, answer.inventory, width)
                if answer.detail
                else []
            ),
        ]

    def _table(self, answer: Answer, width: int, height: int) -> list[Row]:
        """Exactly that many lines, the titles first."""
        if self.table is None or not self.table.shows(answer, width):
            self.table = Table(answer, width)
        table = self.table
        shown = lines(answer.rows, answer.session)
        at = answer.cursor
        cursor = shown.index(at) if shown else 0
        room = height - 1
        if answer.session.selection != self._selection or not answer.session.follow:
            self._selection = answer.session.selection
            self._top = scroll_to(self._top, cursor, len(shown), room)
        self._top = max(0, min(self._top, len(shown) - room))
        rows = [title_line(table.context, answer.session.sort, answer.session.reverse, answer.session.column)]
        for each in shown[self._top : self._top + room]:
            if isinstance(each, str):
                rows.append(heading_line(each, width))
            else:
                rows.append(table.line(each, each == at))
        if not shown:
            rows.append(heading_line("no row passes the filter; esc clears it", width))
        rows += [fit_row([], width)] * (height - len(rows))
        if shown and not self._top <= cursor < self._top + room:
            rows[-1] = whereabouts(answer, width)
        return rows

    def _rows_shown(self, width: int, height: int) -> int:
        return height - 1 - (0 if width >= WIDE else STRIP)

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 and (column := self._column_at(event.x)):
            self.post_message(self.Titled(column))
            return
        shown = lines(self.answer.rows, self.answer.session) if self.answer else []
        at = self._top + event.y - 1
        inside = 1 <= event.y <= self._rows_shown(*self.size) and at < len(shown)
        if inside and isinstance(position := shown[at], int):
            self.post_message(self.Chosen(position))

    def _column_at(self, x: int) -> str:
        """The column whose cells include that one; empty beside the table."""
        if self.answer is None:
            return ""
        width = self.size.width - PANE if self.size.width >= WIDE else self.size.width
        frame = TableContext.of(width, self.answer)
        left = frame.gutter
        for column in frame.columns:
            if left <= x < left + column.width:
                return column.key
            left += column.width + 1
        return ""

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Scrolled(-1))
