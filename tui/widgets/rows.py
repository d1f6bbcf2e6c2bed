"""The rows of the leaderboard, as many as fit, around the selected one."""

from collections.abc import Sequence

from tui.columns import READINGS
from tui.draw.runs import Row
from tui.draw.table import Cell, fit_columns, header_row, table_row
from tui.widgets.drawn import Drawn


class Rows(Drawn):
    """The line-drawn table; `top` follows the selection by half pages, so that most steps move only the cursor."""

    top = 0

    def draw(self, width: int, height: int) -> Sequence[Row]:
        if self.answer is None:
            return ()
        columns = fit_columns([reading.column for reading in READINGS], width - 2)
        rows: list[Row] = [[("  ", "title"), *header_row(columns, width - 2)]]
        for each in self.answer.rows[self.top : self.top + height - 1]:
            values = {reading.column.key: Cell(reading.text(each)) for reading in READINGS}
            rows.append([("  ", "text"), *table_row(columns, values, width - 2)])
        return rows
