"""A line-drawn table: columns dropped by priority, never squashed; cells as (text, style)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tui.draw.runs import Row, clip, fit_row, merge_runs


class Column(NamedTuple):
    """One column of a drawn table, `width` cells wide; `priority` 0 always stays, the highest goes first when room is
    short.
    """

    key: str
    title: str
    width: int
    priority: int = 0
    align: Literal["left", "right"] = "right"
    most: int = 0
    """Cells it may grow to where there is room to spare; 0 keeps `width`."""


class Cell(NamedTuple):
    """The text of one table cell; an empty style takes the row's."""

    text: str
    style: str = ""


BLANK = Cell("")
GAP = 2
"""Cells that are added to a column's width where there is room, so that the eye finds the next one."""


def fit_columns(columns: Sequence[Column], cells: int) -> tuple[Column, ...]:
    """The columns that `cells` have room for, with the room left over given to those that may grow."""
    kept = list(columns)
    while len(kept) > 1 and _total(kept) > cells:
        least = max(range(len(kept)), key=lambda index: (kept[index].priority, index))
        if kept[least].priority == 0:
            break
        del kept[least]
    spare = cells - _total(kept)
    for index, column in enumerate(kept):
        grown = min(max(column.most - column.width, 0), max(spare, 0))
        kept[index] = column._replace(width=column.width + grown)
        spare -= grown
    return tuple(kept)


def widen_columns(columns: Sequence[Column], rows: Iterable[Mapping[str, Cell]]) -> tuple[Column, ...]:
    """The columns, each as wide as its title and the widest of its cells; further apart where there is room."""
    widest = {column.key: max(len(column.title), column.width) for column in columns}
    for row in rows:
        for key, cell in row.items():
            widest[key] = max(widest.get(key, 0), len(cell.text))
    return tuple(column._replace(width=widest[column.key], most=widest[column.key] + GAP) for column in columns)


def header_row(
    columns: Sequence[Column], cells: int, sorted_by: str = "", descending: bool = False, chosen: str = ""
) -> Row:
    """The row of a table's titles, each whole; the sorted one carries an arrow, in the gap before it where it is full.

    The chosen one is marked by a pointer on the left of its title, and by its style.
    """
    row: Row = []
    for column in columns:
        arrow = ("▼" if descending else "▲") if column.key == sorted_by else ""
        inside = arrow if len(column.title) < column.width else ""
        marked = (column.title.rstrip() + inside).ljust(len(column.title) + len(inside))  # blanks stay behind an arrow
        before = arrow if arrow and not inside else " "
        text, style = _aligned(marked, column), "accent" if arrow else "title"
        if column.key == chosen:
            before, text, style = *_pointed(before, text), "key"
        row.append((before, style if before != " " else "title"))
        row.append((text, style))
    return fit_row(merge_runs(row[1:]), cells, "title")


def _pointed(before: str, title: str) -> tuple[str, str]:
    """The cell before a title and the title, a pointer on its left."""
    blanks = len(title) - len(title.lstrip())
    if blanks:
        return before, " " * (blanks - 1) + "›" + title.lstrip()
    return ("›", title) if before == " " else (before, title)


def table_row(columns: Sequence[Column], values: Mapping[str, Cell], cells: int, style: str = "text") -> Row:
    """One row of a table from values by column key; a missing value is blank."""
    row: Row = []
    for column in columns:
        cell = values.get(column.key, BLANK)
        row.append((_aligned(clip(cell.text, column.width), column), cell.style or style))
        row.append((" ", style))
    return fit_row(merge_runs(row[:-1]), cells, style)


def _aligned(text: str, column: Column) -> str:
    return text.ljust(column.width) if column.align == "left" else text.rjust(column.width)


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(columns) - 1
