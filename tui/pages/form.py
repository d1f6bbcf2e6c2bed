"""The workload form as rows: groups of fields in as many columns as there is room for."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from tui.draw.runs import Row, clip, fit_row, merge_runs, pointer
from tui.options.fields import Field, Section

LEAST_COLUMN = 37
NAME = 24


class Spot(NamedTuple):
    """Where a field's value stands: the first cell of its text, and how many cells it has."""

    field: Field
    section: str
    x: int
    y: int
    cells: int


def lay_out(sections: Sequence[Section], cells: int, lines: int) -> list[Spot]:
    """Whole sections in columns of about equal height, a blank line between them where `lines` have room for it."""
    columns = max(1, min(cells // LEAST_COLUMN, 4, len(sections)))
    heights = tuple(len(section.fields) + 1 for section in sections)
    chosen = balance(heights, columns)
    gap = 1 if all(_height(heights, chosen, column) <= lines for column in range(columns)) else 0
    column_cells = cells // columns
    spots: list[Spot] = []
    tops = [0] * columns
    for section, column in zip(sections, chosen, strict=True):
        x, y = column * column_cells + NAME + 2, tops[column]
        value_cells = column_cells - NAME - 3
        spots += [
            Spot(field, section.title, x, y + 1 + index, value_cells) for index, field in enumerate(section.fields)
        ]
        tops[column] = y + len(section.fields) + 1 + gap
    return sorted(spots, key=lambda spot: (spot.x, spot.y))


@cache
def balance(heights: tuple[int, ...], columns: int) -> tuple[int, ...]:
    """The column of each section: the lowest page, the first section on the left, then in reading order."""
    ways = (way for way in product(range(columns), repeat=len(heights)) if way[0] == 0)
    return min(ways, key=lambda way: (max(_height(heights, way, each) for each in range(columns)), way))


def _height(heights: Sequence[int], chosen: Sequence[int], column: int) -> int:
    """Of one column, with blank lines between its sections."""
    own = [height for height, at in zip(heights, chosen, strict=True) if at == column]
    return sum(own) + max(len(own) - 1, 0)


def form_rows(
    sections: Sequence[Section], spots: Sequence[Spot], cells: int, cursor: int, refused: str = ""
) -> list[Row]:
    """Every line of the form; the field at `cursor` is marked, and in the warning colour where it is `refused`."""
    titles = {section.fields[0].name: section.title for section in sections}
    lines: dict[int, list[tuple[int, Row]]] = {}
    for index, spot in enumerate(spots):
        left = spot.x - NAME - 2
        here = index == cursor
        if spot.field.name in titles:
            title = fit_row([(f"  {titles[spot.field.name]}", "title")], NAME + 2 + spot.cells)
            lines.setdefault(spot.y - 1, []).append((left, title))
        style = "bad" if here and refused else "bold" if here else "text" if spot.field.text else "faint"
        row: Row = [
            pointer(here),
            (f"{clip(spot.field.name, NAME - 1):<{NAME}}", "bold" if here else "dim"),
            (f"{clip(spot.field.shown, spot.cells):<{spot.cells}}", style),
        ]
        lines.setdefault(spot.y, []).append((left, row))
    return [_line(lines.get(y, []), cells) for y in range(max(lines, default=-1) + 1)]


def _line(parts: Sequence[tuple[int, Row]], cells: int) -> Row:
    row: Row = []
    at = 0
    for left, part in sorted(parts, key=lambda each: each[0]):
        row += [(" " * (left - at), "text"), *part]
        at = left + sum(len(text) for text, _ in part)
    return fit_row(merge_runs(row), cells)
