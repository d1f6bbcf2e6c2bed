"""The leaderboard's lines: a rank, its badges, the columns that fit, and how the last edit moved each figure."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from estimator.results import Evaluation
from tui.draw.figures import NOTHING, significant, size
from tui.draw.runs import Row, clip, fit_row, width
from tui.draw.table import Cell, Column, fit_columns, header_row, table_row
from tui.state.answer import Answer
from tui.state.columns import BY_KEY, BoardColumn, columns_of
from tui.state.pins import pin_marks
from tui.state.readings import Figure, devices, instance, missing_price, refusal, shortcomings
from tui.state.session import Session

if TYPE_CHECKING:
    from estimator.scenario.inventory import Inventory
    from tui.state.remedies import Remedies

DELTA = 5
"""Cells of an arrow with its percentage."""


class TableContext(NamedTuple):
    """What every line of one drawing of the leaderboard shares: columns, widths, the answer before."""

    columns: tuple[Column, ...]
    before: Mapping[str, Evaluation]
    inventory: "Inventory"
    cells: int
    digits: int
    """Cells that the last rank takes."""
    remedies: "Remedies | None" = None
    pins: Mapping[str, str] = {}
    """The mark of each machine that is pinned."""
    ties: frozenset[int] = frozenset()
    """Ranks of rows whose cost can not be told from that of the row over them, as they are shown."""

    @classmethod
    def of(cls, cells: int, answer: Answer) -> "TableContext":
        digits = max(2, len(str(len(answer.rows))))
        scenario = answer.session.scenario
        most = MOST_WORDS if cells >= ROOMY else 0
        needed = [_as_wide_as_needed(each, answer, most) for each in columns_of(scenario, answer.session.columns)]
        if answer.session.view == "accelerators" or scenario.deployment != "cloud":
            needed[0] = needed[0]._replace(title="machine")  # an instance type, or hardware of one's own
        columns = fit_columns(needed, cells - digits - 2)
        return cls(
            columns=columns,
            before=answer.before,
            inventory=answer.inventory,
            cells=cells,
            digits=digits,
            remedies=answer.remedies,
            pins=pin_marks(answer.session.pins, scenario),
            ties=ties(answer),
        )

    @property
    def gutter(self) -> int:
        """Width of the cells before the columns: cursor, rank, tie or badge."""
        return self.digits + 2


def _as_wide_as_needed(reading: BoardColumn, answer: Answer, most: int) -> Column:
    """A column of words with room for the longest of them in its shortest form, and up to `most` cells where there is
    room to spare; one of figures as it is."""
    column = reading.cell
    if column.key not in SHORTER:
        return column
    texts = {
        _words(reading, row, answer.inventory)
        for row in answer.rows
        if reading.before_note != "never" or row.verdict == "fits"
    }
    needed = max((len(SHORTER[column.key](text)[-1]) for text in texts), default=0)
    longest = max((len(text) for text in texts), default=0)
    wide = max(column.width, needed)
    return column._replace(width=wide, most=max(wide, min(longest, most)))


def _words(reading: BoardColumn, row: Evaluation, inventory: "Inventory") -> str:
    return devices(row, inventory) if reading.key == "devices" else reading.text(row)


def title_line(frame: TableContext, sort: str, reverse: bool, chosen: str = "") -> Row:
    """The leaderboard's titles; the sorted one carries an arrow, the one under the column cursor a pointer
    before it.
    """
    descending = BY_KEY[sort].descending != reverse if sort in BY_KEY else False
    columns = [_titled(column, sort, column.width) for column in frame.columns]
    return [
        ("#".rjust(frame.gutter - 1) + " ", "title"),
        *header_row(columns, frame.cells - frame.gutter, sort, descending, chosen),
    ]


def _titled(column: Column, sort: str, width: int) -> Column:
    """Over the figures, not over the slot after them."""
    reading = BY_KEY[column.key]
    slot = DELTA if width >= reading.cell.width + DELTA - 1 else 1
    if not reading.changes or len(column.title) + slot > width:
        return column
    return column._replace(title=column.title + " " * (slot - (column.key == sort)))


def whereabouts(answer: Answer, cells: int) -> Row:
    """Where the selected row is that went out of sight: `g7e.2xlarge: now 50.9 GiB short, rank 37 · g top`."""
    row = answer.selected
    if row is None:
        return fit_row([], cells)
    state = note(row) if row.verdict != "fits" else ", ".join(shortcomings(row, answer.session.scenario))
    words = f" {instance(row)}: now {', '.join(filter(None, (state, f'rank {answer.cursor + 1}')))}"
    tail: Row = [(" · ", "grid"), ("g", "key"), (" top", "dim")]
    return fit_row([(clip(words, cells - width(tail)), "warn"), *tail], cells)


def heading_line(text: str, cells: int) -> Row:
    """A line between two groups of the leaderboard's rows."""
    return fit_row([("     ", "text"), (text, "title")], cells)


def ties(answer: Answer) -> frozenset[int]:
    """Ranks of rows that tie with the row over them; a filter or an order may have parted the two."""
    neighbours = {(id(above), id(row)) for above, row in pairwise(answer.board.rows)}
    shown = enumerate(pairwise(answer.rows), 2)
    return frozenset(rank for rank, (above, row) in shown if row.tie and (id(above), id(row)) in neighbours)


def candidate_line(row: Evaluation, rank: int, selected: bool, frame: TableContext) -> Row:
    """One candidate's line: figures where it fits; else by how much it does not, and what would help."""
    fits = row.verdict == "fits"
    style = "text" if fits else "dim"
    name = Cell(instance(row), "cursor" if selected else "bold" if fits else "dim")
    number = (str(rank) if fits else "–").rjust(frame.digits)
    missed = fits and not (row.meets_service_level and row.holds_load)
    unmeasured = row.confidence == "C"  # such a row neither leads nor wears the badge without saying so
    marks = (
        (missed, "!", "warn"),
        (row.best_value, "☆" if unmeasured else "★", "badge"),
        (fits and unmeasured and rank == 1, "?", "warn"),
        (rank in frame.ties, "=", "dim"),
    )
    badge = next(((mark, style) for holds, mark, style in marks if holds), (" ", "text"))
    pin = frame.pins.get(row.candidate.machine, " ")
    gutter: Row = [("▌", "cursor") if selected else (pin, "accent"), (number, "cursor" if selected else "dim"), badge]
    remark = note(row, frame.remedies)
    values = {"instance": name, "devices": Cell(devices(row, frame.inventory))}
    for column in frame.columns:
        if column.key in values:
            cell = values[column.key]
            values[column.key] = cell._replace(text=_shortest_that_fits(column.key, cell.text, column.width))
    shown: list[Column] = []
    for column in frame.columns:
        if remark and not _stays_before_note(column, fits):
            break
        reading = BY_KEY[column.key]
        values.setdefault(column.key, _cell(reading, row, frame.before.get(row.candidate.machine), column.width))
        shown.append(column)
    cells = frame.cells - frame.gutter
    taken = sum(column.width + 1 for column in shown)
    line = gutter + table_row(shown, values, min(taken, cells), style)
    if remark and fits:
        return fit_row(line + _priceless(row, frame, values, taken), frame.cells)
    if remark:
        line += [(_remark_in(remark, max(0, cells - taken)), "dim")]
    return fit_row(line, frame.cells)


def _remark_in(remark: str, cells: int) -> str:
    """What does not fit by how much and what would help; where that is too long, by how much: `−6.2 GiB` at least."""
    options = (remark, remark.partition(" · ")[0], f"−{remark.partition(' short')[0]}")
    return next((each for each in options if len(each) <= cells), _clip_words(remark, cells))


def _clip_words(text: str, cells: int) -> str:
    """Text in at most that many cells, cut between words so that no number loses digits."""
    kept = text[: max(cells, 0)].rpartition(" ")[0]
    return f"{kept.rstrip(',;:')}…" if kept else clip("…", cells)


def note(row: Evaluation, remedies: "Remedies | None" = None) -> str:
    """The words in the place of a row's figures: how much is short and what would help, or why there is no price."""
    memory = row.training.memory if row.training else row.memory
    if row.verdict == "does_not_fit" and memory and memory.shortfall_bytes > 0:
        short = f"{size(memory.shortfall_bytes)} short"
        remedy = row.suggestion or (remedies.of(row) if remedies else "")
        return f"{short} · {remedy}" if remedy else short
    if row.verdict != "fits":
        return refusal(row)
    return missing_price(row)[0]


def _stays_before_note(column: Column, fits: bool) -> bool:
    """Whether a column keeps its cell left of what stands in place of figures."""
    stays = BY_KEY[column.key].before_note
    return stays == "always" or (stays == "where refused" and not fits)


def _priceless(row: Evaluation, frame: TableContext, values: dict[str, Cell], taken: int) -> Row:
    """The reason over the two cost columns, and the speed figures after it."""
    costs = [column for column in frame.columns if BY_KEY[column.key].cost]
    room = sum(column.width for column in costs) + len(costs) - 1
    full, short = missing_price(row)
    rest = [column for column in frame.columns if not (_stays_before_note(column, True) or BY_KEY[column.key].cost)]
    before = frame.before.get(row.candidate.machine)
    for column in rest:
        values[column.key] = _cell(BY_KEY[column.key], row, before, column.width)
    text = next((each for each in (full, short, NOTHING) if len(each) <= room), NOTHING)
    line: Row = [(text.rjust(room) + (" " if rest else ""), "dim")]
    return line + table_row(rest, values, frame.cells - frame.gutter - taken - room - 1)


def _cell(column: BoardColumn, row: Evaluation, before: Evaluation | None, width: int) -> Cell:
    """The figure with a slot after it: the arrow of the last edit, and by how much where there is room for that."""
    text = column.text(row)
    if not column.changes:
        return Cell(_shortest_that_fits(column.key, text, width))
    way = direction(column, row, before)
    arrow, style = _ARROWS[way], column.style_of_change(way)
    if way and before and width >= column.cell.width + DELTA - 1:
        arrow = arrow + _difference(column.figure(row), column.figure(before))
    slot = DELTA if width >= column.cell.width + DELTA - 1 else 1
    for shown in (text, round_band(text), text.partition("±")[0]):
        if len(shown) + slot <= width:
            return Cell(shown + arrow.ljust(slot), style)
    return Cell(text.partition("±")[0], style)


def _shortest_that_fits(key: str, text: str, width: int) -> str:
    forms = SHORTER[key](text) if key in SHORTER else (text,)
    return next((each for each in forms if len(each) <= width), forms[-1])


def shorter_layout(layout: str) -> tuple[str, ...]:
    """`TP1·DP8·EP8`, `TP1DP8EP8`, `DP8EP8`: a layout in fewer and fewer cells."""
    return layout, layout.replace("·", ""), layout.removeprefix("TP1·").replace("·", "")


def shorter_setup(setup: str) -> tuple[str, ...]:
    """`TP8 · FSDP x2 + host`, `TP8·FSDP x2+host`, `TP8FSDPx2+host`: a run's setup in fewer and fewer cells."""
    closer = setup.replace(" · ", "·").replace(" + ", "+")
    return setup, closer, closer.replace("·", "").replace(" ", "")


def shorter_machine(name: str) -> tuple[str, ...]:
    """`p6-b200.48xlarge`, `p6-b200.48xl`; `rtxpro6000-workstation`, `rtxpro6000-ws`."""
    short = name.replace("xlarge", "xl")
    for long, brief in (("workstation", "ws"), ("jetson-", ""), ("radeon-", ""), ("ryzen-ai-", "ai-")):
        short = short.replace(long, brief)
    return name, name.replace("xlarge", "xl"), short


SHORTER: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "instance": shorter_machine,
    "devices": lambda text: (text,),
    "layout": shorter_layout,
    "setup": shorter_setup,
    "settings": lambda text: (text,),
}
"""The columns that hold words, and their words in fewer and fewer cells."""
MOST_WORDS = 26
"""Cells that a column of words may take where there is room to spare."""
ROOMY = 80
"""Cells of a table in which words may be written whole; in less, the reasons after them need the room."""


def round_band(band_text: str) -> str:
    """`11.9±29` as `12±29`: where room is short a figure gives up its last digit before its band."""
    figure, sign, half = band_text.partition("±")
    try:
        value = float(figure)
    except ValueError:  # no figure, or one with a letter after it
        return band_text
    return (f"{value:.0f}" if value >= 1 else significant(value, 1)) + sign + half


def direction(column: BoardColumn, row: Evaluation, before: Evaluation | None) -> int:
    """How a column's figure of a row moved with the last edit: 1 it rose, -1 it fell, 0 it reads the same."""
    if before is None or not column.changes or column.text(row) == column.text(before):
        return 0
    if row.candidate.machines != before.candidate.machines:
        return 0  # another fleet: its figures are no change of this one's
    now, then = column.figure(row), column.figure(before)
    if not isinstance(now, float | int) or not isinstance(then, float | int):
        return 0
    return 1 if now > then else -1


def _difference(now: Figure, then: Figure) -> str:
    """The relative change in at most four cells."""
    if not isinstance(now, float | int) or not isinstance(then, float | int) or then <= 0:
        return ""
    change = abs(now / then - 1)
    if change < 0.005:
        return ""
    return f"{change:.0%}" if change < 9.995 else f"x{min(now / then, 999):.0f}"


_ARROWS = {0: " ", 1: "▲", -1: "▼"}


def lines(rows: Sequence[Evaluation], session: Session) -> list[int | str]:
    """Positions of the leaderboard's rows from top to bottom, with headings between groups where view and order have
    them.
    """
    if session.view != "recommended" or session.sort:
        return list(range(len(rows)))
    shown: list[int | str] = []
    for at, row in enumerate(rows):
        several = row.candidate.accelerators > 1
        if at == 0 or several != (rows[at - 1].candidate.accelerators > 1):
            shown.append("several accelerators, by hourly cost" if several else "one accelerator, by hourly cost")
        shown.append(at)
    return shown
