"""A picker whose choices are rows of a table."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache

from tui.draw.runs import Row, wrap_text
from tui.draw.table import BLANK, Cell, Column, fit_columns, header_row, table_row, widen_columns
from tui.screens.picker import Picker

WHOLE = 1000
"""Cells of a dialog that is as wide as the terminal lets it be."""


class TablePicker(Picker):
    """A picker whose choices are rows of a table, each column as wide as its widest cell.

    What there is no room for goes by the columns' priority: what a choice is called and the figure that decides are of
    priority 0 and stay. The rest of a choice is in its detail.
    """

    DETAIL = 3

    def __init__(self, names: Sequence[str], current: str = "") -> None:
        super().__init__(names, current)
        self.columns_at = cache(self._columns_at)

    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """The columns, what a choice is called first."""

    @abstractmethod
    def values(self, name: str) -> Mapping[str, Cell]:
        """A choice's cells by column."""

    def subject(self) -> str:
        """What stands over the titles of the columns."""
        return ""

    def heading(self, cells: int) -> list[Row]:
        subject: list[Row] = [[(line, "bold")] for line in wrap_text(self.subject(), cells)] if self.subject() else []
        return [*subject, header_row(self.columns_at(cells), cells)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        columns = self.columns_at(cells)
        values = dict(self.values(name))
        if highlighted:
            values[columns[0].key] = values[columns[0].key]._replace(style="cursor")
        return table_row(columns, values, cells)

    def detail(self, name: str, cells: int) -> str:
        """What the choice is called, and what its line has no room for."""
        values, room = self.values(name), {column.key: column.width for column in self.columns_at(cells)}
        texts = {each: values.get(each.key, BLANK).text.strip() for each in self.columns()[1:]}
        left_out = {each: text for each, text in texts.items() if len(text) > room.get(each.key, 0)}
        said = ", ".join(f"{each.title} {text}".strip() for each, text in left_out.items())
        return f"{self.called(name)}: {said}" if said else self.called(name)

    def called(self, name: str) -> str:
        """What a choice is called, in whole."""
        return self.values(name)[self.columns()[0].key].text

    def detail_lines(self, cells: int) -> int:
        """None where every column is there, and as wide as it gets."""
        columns, shown = self.columns(), self.columns_at(cells)
        return self.DETAIL if len(shown) < len(columns) or shown[0].width < columns[0].most else 0

    def _columns_at(self, cells: int) -> tuple[Column, ...]:
        return fit_columns(widen_columns(self.columns(), [self.values(name) for name in self.names]), cells)
