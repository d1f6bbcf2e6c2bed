"""Rows of styled text: a run is (text, style name), a row is its runs from left to right."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

from estimator.printable import without_controls

Run = tuple[str, str]
Row = list[Run]

STYLES = (
    "text",
    "dim",
    "bold",
    "title",
    "accent",
    "good",
    "warn",
    "bad",
    "up",
    "down",
    "better",
    "worse",
    "gathered",
    "overhead",
    "cursor",
    "key",
    "grid",
    "axis",
    "weights",
    "kv",
    "activation",
    "runtime",
    "graphs",
    "reserve",
    "free",
    "compute",
    "memory",
    "network",
    "latency",
    "series0",
    "series1",
    "series2",
    "series3",
)
"""Every style name that drawing functions use; what each looks like is the theme's matter."""


def pointer(here: bool, mark: str = "› ") -> Run:
    """The mark of the chosen line, and as many blanks before the others."""
    return (mark, "cursor") if here else (" " * len(mark), "text")


def width(row: Iterable[Run]) -> int:
    return sum(len(text) for text, _ in row)


def rows_as_text(rows: Iterable[Iterable[Run]]) -> str:
    """The rows as text, without trailing blanks: for tests, files and screen readers."""
    return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)


def merge_runs(row: Iterable[Run]) -> Row:
    """Neighbours of equal style joined, so that a terminal gets as few runs as can be."""
    runs: Row = []
    for text, style in row:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + text, style)
        elif text:
            runs.append((text, style))
    return runs


def clip(text: str, cells: int) -> str:
    """Text in at most `cells` columns; what does not fit ends in an ellipsis."""
    if len(text) <= cells:
        return text
    return text[: cells - 1] + "…" if cells > 0 else ""


def wrap_text(text: str, cells: int) -> list[str]:
    """Text in lines of whole words, without control characters; a word that is longer than a line is broken."""
    return wrap(without_controls(" ".join(text.split())), max(cells, 10), break_on_hyphens=False) or [""]


def hang(row: Row, text: str, style: str, cells: int) -> list[Row]:
    """The row with a text after it, in as many lines as it takes: under its beginning, or where too little room is left
    there, indented under the row."""
    room = cells - width(row)
    if len(text) <= room:
        return [fit_row([*row, (text, style)], cells)]
    if room >= LEAST_HANGING:
        first, *more = wrap_text(text, room)
        indent = width(row)
    else:
        first, more, indent = "", wrap_text(text, cells - INDENT), INDENT
    rows = [fit_row([*row, (first, style)], cells)]
    return rows + [fit_row([(" " * indent, "text"), (line, style)], cells) for line in more]


LEAST_HANGING = 24
"""Cells that a text beside a row needs, so that its lines hold more than a word or two."""
INDENT = 6


def first_that_fits(options: Sequence[Row], cells: int) -> Row:
    """The first of several ways to say it that has room; the last where none has."""
    return next((row for row in options if width(row) <= cells), options[-1])


def fit_row(row: Sequence[Run], cells: int, style: str = "text") -> Row:
    """A row of runs cut or padded to exactly `cells` columns."""
    runs: Row = []
    left = cells
    for text, name in row:
        if len(text) > left:
            runs.append((clip(text, left), name))
            left = 0
            break
        runs.append((text, name))
        left -= len(text)
    return merge_runs([*runs, (" " * left, style)])


def justify(left: Sequence[Run], right: Sequence[Run], cells: int) -> Row:
    """A row with `left` at the left edge and `right` at the right one; the left gives way, a blank stays
    between them.
    """
    row = fit_row(left, max(cells - width(right), 0))
    if right and row and not row[-1][0].endswith(" "):
        row = [*fit_row(row, width(row) - 1), (" ", "text")]
    return fit_row([*row, *right], cells)


def side_by_side(
    left: Sequence[Row], right: Sequence[Row], left_cells: int, right_cells: int, gap: str = " "
) -> list[Row]:
    """Two blocks of rows side by side, the shorter padded with blank rows."""
    rows = []
    for index in range(max(len(left), len(right))):
        first = left[index] if index < len(left) else []
        second = right[index] if index < len(right) else []
        rows.append(merge_runs([*fit_row(first, left_cells), (gap, "dim"), *fit_row(second, right_cells)]))
    return rows


def unmarked(title: str) -> str:
    """A title of a frame, which is read as markup, so that it shows what it says."""
    return title.replace("[", "\\[")
