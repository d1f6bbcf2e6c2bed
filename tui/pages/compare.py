"""The Compare page as rows: figures down, pins across, the first pin the baseline."""

from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from estimator.printable import without_controls
from tui.draw.runs import Row, clip, fit_row, pointer, width, wrap_text
from tui.pages.comparison import Compared, Line, common_words, compare_line, lines_for
from tui.state.answer import Answer
from tui.state.pins import LETTERS, Pins

TITLES = 17
"""Cells of a line's name."""
LEAST_COLUMN = 19
"""Cells of a pin: an instance's name with its letter, a figure with its delta and its star."""
MOST_COLUMN = 30
MOST_TEXT = 100
"""Cells of a line of prose; longer ones are hard to read."""
EMPTY = (
    "Nothing is pinned.",
    "space on the leaderboard pins the row under the cursor with its whole scenario: model, formats, load, engine, "
    "layout, region and terms. Change something, pin again, and the two stand side by side here.",
)


FIXED = 3
"""Rows of the page that do not scroll: the names of the pins, what they have in common, the legend."""


class Cursor(NamedTuple):
    """The chosen cell of the comparison: a figure of a pin."""

    line: int
    column: int


def empty_page(cells: int, height: int) -> list[Row]:
    """The Compare page where nothing is pinned: how it is filled."""
    rows: list[Row] = []
    for text in EMPTY:
        rows += [[], *([(f" {line}", "dim")] for line in wrap_text(text, min(cells - 2, MOST_TEXT)))]
    return [fit_row(row, cells) for row in rows][:height]


def compare_page(
    pins: Pins, answers: Sequence[Answer | None], cursor: Cursor, cells: int, height: int, table: Sequence[Row]
) -> list[Row]:
    """The Compare page in exactly `height` rows around those of the table that are in sight."""
    shown, room = columns_shown(len(pins), cursor.column, cells)
    blank: list[Row] = [fit_row([], cells)] * (height - FIXED - len(table))
    return [_heading(pins, shown, cursor, room, cells), *table, *blank, *_foot(answers, len(pins), len(shown), cells)]


def compare_table(answers: Sequence[Answer | None], cursor: Cursor, cells: int, height: int) -> tuple[list[Row], int]:
    """The rows of the comparison, and which of them is the cursor's; it scrolls sideways with the cursor, the baseline
    always in sight.

    The lines stand under the titles of their groups where those leave every line in sight.
    """
    shown, room = columns_shown(len(answers), cursor.column, cells)
    lines = lines_for(answers)
    drawn = [
        _line(line, compare_line(line, answers), shown, cursor._replace(line=cursor.line - at), room, cells)
        for at, line in enumerate(lines)
    ]
    groups = [line.group if line.group and line.group != lines[at - 1].group else "" for at, line in enumerate(lines)]
    titled = sum(map(len, drawn)) + sum(map(bool, groups)) <= height - FIXED
    rows: list[Row] = []
    chosen = 0
    for at, (group, own) in enumerate(zip(groups, drawn, strict=True)):
        if group and titled:
            rows.append(fit_row([(f" {group}", "title")], cells))
        chosen = len(rows) if at == cursor.line else chosen
        rows += own
    return rows, chosen


def columns_shown(pins: int, column: int, cells: int) -> tuple[list[int], int]:
    """Positions of the pins there is room for, the baseline and the chosen one among them, and the cells of each."""
    most = max((cells - TITLES - 3) // LEAST_COLUMN, 1)
    count = min(pins, most)
    room = min((cells - TITLES - 3) // count, MOST_COLUMN)
    if column < count:
        return list(range(count)), room
    return [0, *range(column - count + 2, column + 1)] if count > 1 else [column], room


def _heading(pins: Pins, shown: Sequence[int], cursor: Cursor, room: int, cells: int) -> Row:
    row: Row = [(f"{f' {len(pins)} pins':<{TITLES + 2}}" if len(pins) > 1 else " " * (TITLES + 2), "dim")]
    for at in shown:
        chosen = at == cursor.column
        name = clip(f"{LETTERS[at]} {without_controls(pins[at].label)}", room - 1)
        row += [pointer(chosen, "›"), (f"{name:<{room - 1}}", "cursor" if chosen else "bold")]
    return fit_row(row, cells)


def _line(
    line: Line, compared: Sequence[Compared], shown: Sequence[int], cursor: Cursor, room: int, cells: int
) -> list[Row]:
    """One line of the comparison: a row, or as many as its longest text takes."""
    here = cursor.line == 0
    styles = {at: "cursor" if here and at == cursor.column else "bold" if here else "text" for at in shown}
    title: Row = [pointer(here), (f"{clip(line.title, TITLES):<{TITLES + 1}}", "bold" if here else "dim")]
    if line.figure:
        figures = [run for at in shown for run in _figure(compared[at], styles[at], room)]
        return [fit_row([*title, *figures], cells)]
    texts = {at: break_text(compared[at].delta or compared[at].text, room - 1) for at in shown}
    rows = []
    for index in range(max(map(len, texts.values()))):
        row: Row = list(title) if index == 0 else [(" " * (TITLES + 3), "text")]
        for at, parts in texts.items():
            part = parts[index] if index < len(parts) else ""
            row.append((f"{part:<{room}}", styles[at] if compared[at].delta != "=" else "dim"))
        rows.append(fit_row(row, cells))
    return rows


def break_text(text: str, cells: int) -> list[str]:
    """A name or a few words in lines of at most `cells`, broken at blanks and hyphens."""
    return wrap(without_controls(text), cells) or [""]


def _figure(compared: Compared, style: str, room: int) -> Row:
    """`110ms 1.4× ★`: the figure, its delta and its mark."""
    tail: Row = []
    if compared.delta:
        tail.append((f" {compared.delta}", "dim"))
    if compared.mark:
        tail.append((f" {compared.mark}", "badge"))
    return fit_row([(clip(compared.text, room - 1 - width(tail)), style), *tail], room)


def _foot(answers: Sequence[Answer | None], pins: int, shown: int, cells: int) -> list[Row]:
    """What all pins have in common, and what the marks mean."""
    more = f"{pins - shown} more sideways · " if pins > shown else ""
    legends = [
        f" {more}against A · ★ best of its line  ☆ as good within its band  = the same",
        f" {more}against A · ★ best  ☆ as good  = same",
    ]
    legend = next((text for text in legends if len(text) <= cells), legends[-1])
    return [fit_row([(_alike_text(answers, cells), "dim")], cells), fit_row([(legend, "dim")], cells)]


def _alike_text(answers: Sequence[Answer | None], cells: int) -> str:
    """What all pins have in common, as much as there is room for, and how much more."""
    words = common_words(answers)
    for count in range(len(words), 0, -1):
        more = f" +{len(words) - count}" if count < len(words) else ""
        text = f" all alike: {', '.join(words[:count])}{more}"
        if len(text) <= cells:
            return text
    return ""
