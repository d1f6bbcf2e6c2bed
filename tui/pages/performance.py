"""The Performance page as rows: roofline, time per operator, throughput curve and layouts of the machine."""

from collections.abc import Sequence
from typing import NamedTuple

from estimator.results import Band, Evaluation, OperatorTime
from tui.draw.bars import LIMITS, OperatorBar, operator_bars
from tui.draw.cells import seconds_cell
from tui.draw.curve import OperatingPoint, Series, curve
from tui.draw.figures import NOTHING, count, duration, significant, span
from tui.draw.roofline import Point, Roof, roofline
from tui.draw.runs import Row, fit_row, hang, justify, side_by_side
from tui.draw.table import BLANK, Cell, Column, fit_columns, header_row, table_row
from tui.pages.leaderboard import shorter_layout
from tui.pages.memory import heading_row
from tui.state.readings import layout, refusal, users

WIDE = 120
OVERLAID = 90
"""Columns of a roofline from which other accelerators are drawn into it."""
TALL = 30
"""Lines from which a wide page shows everything at once."""
VIEWS = ("operators", "curve", "layouts")
MOST_OPERATORS = 7

LAYOUT_COLUMNS = (
    Column("mark", "", 1, align="left"),
    Column("layout", "layout", 9, align="left", most=14),
    Column("ttft", "TTFT", 7, 1),
    Column("tpot", "TPOT", 7),
    Column("user", "tok/s/user", 10, 3),
    Column("speed", "tok/s", 7),
    Column("users", "users", 7, 2),
    Column("usd", "$/Mtok", 7),
    Column("note", "", 9, 4, "left", most=24),
)


class PerformanceFacts(NamedTuple):
    """What the Performance page shows, worked out."""

    heading: str
    aside: str
    roofs: Sequence[Roof]
    points: Sequence[Point]
    other_roofs: Sequence[Roof]
    """Rooflines of the best rows on other accelerators; drawn where there is room."""
    other_points: Sequence[Point]
    """Points under the roofs; `series` counts from the first of the other roofs."""
    prefill: Sequence[OperatorTime]
    decode: Sequence[OperatorTime]
    ttft_s: Band
    tpot_s: Band
    before: tuple[float, float] | None
    """TTFT and TPOT before the last change of the scenario."""
    prefill_bound: str
    decode_bound: str
    operating: Sequence[OperatingPoint]
    users: float
    """The chosen concurrency."""
    least_per_user: float | None
    """Tokens/s of a user that the service level asks for."""
    layouts: Sequence[Evaluation]
    chosen_layout: str
    other_series: Sequence[Series] = ()
    """The throughput of the pins, by their letters."""


def performance_page(facts: PerformanceFacts, view: str, cells: int, lines: int) -> list[Row]:
    """The Performance page in exactly `lines` rows of `cells` columns; a large one shows every view."""
    head = [heading_row(facts.heading, facts.aside, cells)]
    room = lines - len(head)
    if shows_everything(cells, lines):
        body = _everything(facts, cells, room)
    elif view == "curve":
        body = _curve(facts, cells, room)
    elif view == "layouts":
        body = _layouts(facts, cells)
    elif cells >= WIDE:
        left = cells * 3 // 5
        right = cells - left - 3
        body = side_by_side(_roofline(facts, left, room), _operators(facts, right), left, right, "  ")
    else:
        body = _roof_over_operators(facts, cells, room)
    body = body[:room]
    return [*head, *(fit_row(row, cells) for row in body), *([fit_row([], cells)] * (room - len(body)))]


def shows_everything(cells: int, lines: int) -> bool:
    """Whether a page of that size has room for every view at once."""
    return cells >= WIDE and lines > TALL


def _everything(facts: PerformanceFacts, cells: int, lines: int) -> list[Row]:
    left = cells * 3 // 5
    right = cells - left - 3
    upper = lines * 11 // 20
    roof = _roofline(facts, left, upper)
    below = _curve(facts, left, lines - upper)
    side = [*_operators(facts, right), fit_row([], right)]
    side += [fit_row([], right)] * (upper - len(side))
    return side_by_side([*roof, *below], [*side, *_layouts(facts, right)], left, right, "  ")


def _roof_over_operators(facts: PerformanceFacts, cells: int, lines: int) -> list[Row]:
    half = (cells - 2) // 2
    if facts.decode:
        prefill = _step(facts.prefill, _prefill_title(facts), half)
        decode = _step(facts.decode, _decode_title(facts), cells - half - 2)
        below = side_by_side(prefill, decode, half, cells - half - 2, "  ")
    else:
        below = _step(facts.prefill, _prefill_title(facts), cells)
    below = below[: max(lines - 9, 4)]
    return [*_roofline(facts, cells, lines - len(below)), *below]


def _roofline(facts: PerformanceFacts, cells: int, lines: int) -> list[Row]:
    if cells < OVERLAID:
        return roofline(cells, lines, facts.roofs, facts.points)
    others = [point._replace(series=point.series + len(facts.roofs)) for point in facts.other_points]
    return roofline(cells, lines, [*facts.roofs, *facts.other_roofs], [*facts.points, *others])


def _operators(facts: PerformanceFacts, cells: int) -> list[Row]:
    prefill = _step(facts.prefill, _prefill_title(facts), cells)
    if not facts.decode:
        return prefill
    return [*prefill, fit_row([], cells), *_step(facts.decode, _decode_title(facts), cells)]


def _prefill_title(facts: PerformanceFacts) -> tuple[str, str]:
    then = facts.before[0] if facts.before else facts.ttft_s.typical
    return (
        f"{'prefill' if facts.decode else 'pass'}: {LIMITS[facts.prefill_bound]}",
        f"TTFT {_moved(facts.ttft_s, then)}",
    )


def _decode_title(facts: PerformanceFacts) -> tuple[str, str]:
    then = facts.before[1] if facts.before else facts.tpot_s.typical
    return f"decode: {LIMITS[facts.decode_bound]}", f"TPOT {_moved(facts.tpot_s, then)}"


def _moved(band: Band, then: float) -> str:
    """`41.2ms▼ 34–48ms`: the figure, which way the last edit moved it, its band."""
    now = band.typical
    mark = "" if duration(now) == duration(then) else "▲" if now > then else "▼"
    return f"{duration(now)}{mark} {span(band, seconds_cell)}"


def _step(operators: Sequence[OperatorTime], title: tuple[str, str], cells: int) -> list[Row]:
    """A step's longest operators; the rest in one bar."""
    ordered = sorted(operators, key=lambda each: -each.seconds)
    bars = [OperatorBar(each.name, each.seconds, each.bound) for each in ordered]
    if len(bars) > MOST_OPERATORS:
        rest = bars[MOST_OPERATORS - 1 :]
        bars = [*bars[: MOST_OPERATORS - 1], OperatorBar("other", sum(bar.seconds for bar in rest), rest[0].bound)]
    name, figure = title
    cells -= 1
    if len(name) + len(figure) >= cells:
        figure = figure.rpartition(" ")[0]
    rows = [justify([(name, "title")], [(figure, "text")], cells), *operator_bars(bars, cells)]
    return [[(" ", "text"), *row] for row in rows]


def _curve(facts: PerformanceFacts, cells: int, lines: int) -> list[Row]:
    if not facts.operating:
        return [fit_row([(" No load fits this candidate.", "dim")], cells)]
    series = Series(facts.chosen_layout, tuple(facts.operating))
    return curve(cells, lines, [series, *facts.other_series], facts.least_per_user, facts.users)


def _layouts(facts: PerformanceFacts, cells: int) -> list[Row]:
    title = fit_row([(" layouts of this machine", "title")], cells)
    return [title, *layout_rows(facts.layouts, facts.chosen_layout, cells)]


def layout_rows(layouts: Sequence[Evaluation], chosen: str, cells: int) -> list[Row]:
    """Rows of a machine's layouts, those that fit first; the chosen one is marked, the one with most throughput
    starred.
    """
    needed = max((len(shorter_layout(layout(each))[-1]) for each in layouts), default=0)
    columns = fit_columns([_with_room(column, needed) for column in LAYOUT_COLUMNS], cells)
    rows = [header_row(columns, cells)]
    fastest = max((_speed(each) for each in layouts), default=0.0)
    star = "★ most throughput" if columns[-1].width >= len("★ most throughput") else "★ tok/s"
    for each in sorted(layouts, key=lambda each: each.verdict != "fits"):
        here = layout(each) == chosen
        values = _layout_cells(each, here, star if _speed(each) == fastest > 0 else "")
        name = shorter_layout(layout(each))
        values["layout"] = Cell(next((text for text in name if len(text) <= columns[1].width), name[-1]))
        if each.verdict == "fits":
            rows.append(table_row(columns, values, cells, "bold" if here else "text"))
        else:
            named = table_row(columns[:2], values, columns[0].width + columns[1].width + 1, "dim")
            rows += hang([*named, (" ", "text")], refusal(each), "dim", cells)
    return rows


def _with_room(column: Column, needed: int) -> Column:
    return column._replace(width=max(column.width, needed)) if column.key == "layout" else column


def _layout_cells(row: Evaluation, here: bool, star: str) -> dict[str, Cell]:
    speed, tokens = row.performance, row.cost.usd_per_1m_tokens
    return {
        "mark": Cell("›", "cursor") if here else BLANK,
        "ttft": Cell(duration(speed.ttft_s.typical) if speed else NOTHING),
        "tpot": Cell(duration(speed.tpot_s.typical) if speed else NOTHING),
        "user": Cell(significant(speed.tokens_per_s_per_user.typical) if speed else NOTHING),
        "speed": Cell(count(speed.output_tokens_per_s.typical) if speed else NOTHING),
        "users": Cell(count(users(row))),
        "usd": Cell(significant(tokens.typical) if tokens else NOTHING),
        "note": Cell(star, "good"),
    }


def _speed(row: Evaluation) -> float:
    return row.performance.output_tokens_per_s.typical if row.performance else 0.0
