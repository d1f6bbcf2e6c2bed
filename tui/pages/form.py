"""The workload form as rows: groups of fields in as many columns as there is room for."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from tui.draw.runs import Row, clip, fit_row, merge_runs, pointer
from tui.options.fields import OWNED, Field, Section
from tui.options.options import GROUPS

LEAST_COLUMN = 37
NAME = 24
SOMETIMES = OWNED | {"accepted-tokens", "draft-model", "burstiness"}
"""Fields that another field brings: what owned hardware costs, who drafts and what it yields, how arrivals clump."""


class Spot(NamedTuple):
    """Place of a form field's value: the first cell of its text, and how many cells it has."""

    field: Field
    section: str
    left: int
    """First cell of its column."""
    x: int
    y: int
    cells: int


def lay_out(sections: Sequence[Section], cells: int, lines: int) -> list[Spot]:
    """Places of a form's fields: whole sections in columns of about equal height, a blank line between where there is
    room.

    A section keeps its column through edits: the columns are balanced over the fields that may come as well.
    """
    columns = max(1, min(cells // LEAST_COLUMN, 4, len(sections)))
    heights = tuple(len(section.fields) + 1 for section in sections)
    chosen = balance(tuple(_most_lines(section) for section in sections), columns)
    gap = 1 if all(_height(heights, chosen, column) <= lines for column in range(columns)) else 0
    column_cells = cells // columns
    spots: list[Spot] = []
    tops = [0] * columns
    for section, column in zip(sections, chosen, strict=True):
        left, top = column * column_cells, tops[column]
        for index, field in enumerate(section.fields):
            room = min(max(column_cells - NAME - 3, len(field.shown)), column_cells - len(field.name) - 4)
            x = left + column_cells - 1 - max(room, 1)  # a long value starts left of the others rather than be cut
            spots.append(
                Spot(field=field, section=section.title, left=left, x=x, y=top + 1 + index, cells=max(room, 1))
            )
        tops[column] = top + len(section.fields) + 1 + gap
    return sorted(spots, key=lambda spot: (spot.left, spot.y))


def _most_lines(section: Section) -> int:
    """Lines of a section with the fields that come and go by an edit of another one."""
    here = {field.name for field in section.fields}
    options = next((group.options for group in GROUPS if group.title == section.title), ())
    return 1 + len(here | {option.name for option in options if option.name in SOMETIMES})


@cache
def balance(heights: tuple[int, ...], columns: int) -> tuple[int, ...]:
    """The column of each section: the lowest page, the first section on the left, then in reading order."""
    ways = (way for way in product(range(columns), repeat=len(heights)) if way[0] == 0)
    return min(ways, key=lambda way: (max(_height(heights, way, each) for each in range(columns)), way))


def _height(heights: Sequence[int], chosen: Sequence[int], column: int) -> int:
    """Lines of one column, with blank lines between its sections."""
    own = [height for height, at in zip(heights, chosen, strict=True) if at == column]
    return sum(own) + max(len(own) - 1, 0)


def form_rows(
    sections: Sequence[Section], spots: Sequence[Spot], cells: int, cursor: int, refused: str = ""
) -> list[Row]:
    """Every line of the form; the field at `cursor` is marked, and in the warning colour where it is `refused`."""
    titles = {section.fields[0].name: section.title for section in sections}
    lines: dict[int, list[tuple[int, Row]]] = {}
    for index, spot in enumerate(spots):
        here = index == cursor
        names = spot.x - spot.left - 2
        if spot.field.name in titles:
            title = fit_row([(f"  {titles[spot.field.name]}", "title")], names + 2 + spot.cells)
            lines.setdefault(spot.y - 1, []).append((spot.left, title))
        style = "bad" if here and refused else "bold" if here else "text" if spot.field.text else "faint"
        row: Row = [
            pointer(here),
            (f"{clip(spot.field.name, names - 1):<{names}}", "bold" if here else "dim"),
            (f"{clip(spot.field.shown, spot.cells):<{spot.cells}}", style),
        ]
        lines.setdefault(spot.y, []).append((spot.left, row))
    return [_line(lines.get(y, []), cells) for y in range(max(lines, default=-1) + 1)]


def _line(parts: Sequence[tuple[int, Row]], cells: int) -> Row:
    row: Row = []
    at = 0
    for left, part in sorted(parts, key=lambda each: each[0]):
        row += [(" " * (left - at), "text"), *part]
        at = left + sum(len(text) for text, _ in part)
    return fit_row(merge_runs(row), cells)
