"""The latency view as rows: percentiles against the load, and one simulated minute of a replica."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from estimator.advice.load_study import MINUTE_S, LoadStudy, Moment, SeenLoad, study_loads
from estimator.results import Evaluation, Percentiles
from estimator.units import quantity
from tui.draw.axes import decades
from tui.draw.figures import amount, duration, number
from tui.draw.labels import Label, place
from tui.draw.plot import Plot, plot, series_style
from tui.draw.runs import Row, fit_row, justify, side_by_side
from tui.draw.strip import blocks, means
from tui.pages.facts import bench_of, heading
from tui.pages.memory import heading_row
from tui.state.answer import Answer

SHOWN = ("p50", "p95")
BESIDE_EACH_OTHER = 76
"""Columns from which both charts stand side by side."""
NAMES = ("running", "waiting", "cache")
NOTHING_TO_REPLAY = " Nothing is replayed here: prefill stands apart, or the model reads in one pass."


class LatencyFacts(NamedTuple):
    """Everything the view shows, worked out."""

    heading: str
    study: LoadStudy | None
    """None where nothing can be replayed."""
    most_ttft_s: float | None = None
    """What the service level asks of the first token."""
    most_tpot_s: float | None = None


def latency_page(facts: LatencyFacts, cells: int, lines: int) -> list[Row]:
    """The view in exactly `lines` rows of `cells` columns."""
    study = facts.study
    if study is None:
        return [
            heading_row(facts.heading, "", cells),
            *_padded([fit_row([(NOTHING_TO_REPLAY, "dim")], cells)], cells, lines - 1),
        ]
    strip = _minute(study, cells)
    room = lines - 1 - len(strip)
    rows = [heading_row(facts.heading, _aside(study), cells), *_charts(facts, study, cells, room), *strip]
    return _padded(rows, cells, lines)


def _padded(rows: Sequence[Row], cells: int, lines: int) -> list[Row]:
    return [*(fit_row(row, cells) for row in rows[:lines]), *([fit_row([], cells)] * (lines - len(rows)))]


def _aside(study: LoadStudy) -> str:
    asked = "asked " + (
        quantity(study.asked, study.unit[:-1]) if study.unit.isalpha() else f"{amount(study.asked)} {study.unit}"
    )
    knee = f"knee {number(study.knee)}" if study.knee else ""
    return " · ".join(filter(None, (f"{asked}: overloaded" if study.overloaded else asked, knee, "replayed")))


def _charts(facts: LatencyFacts, study: LoadStudy, cells: int, lines: int) -> list[Row]:
    if cells < BESIDE_EACH_OTHER:
        upper = lines // 2
        return [
            *_chart(study, "TTFT", _ttft, facts.most_ttft_s, cells, upper),
            *_chart(study, "TPOT", _tpot, facts.most_tpot_s, cells, lines - upper),
        ]
    left = (cells - 2) // 2
    right = cells - 2 - left
    return side_by_side(
        _chart(study, "TTFT", _ttft, facts.most_ttft_s, left, lines),
        _chart(study, "TPOT", _tpot, facts.most_tpot_s, right, lines),
        left,
        right,
        "  ",
    )


def _ttft(seen: SeenLoad) -> Percentiles:
    return seen.ttft_s


def _tpot(seen: SeenLoad) -> Percentiles:
    return seen.tpot_s


def _chart(
    study: LoadStudy, name: str, of: Callable[[SeenLoad], Percentiles], most_s: float | None, cells: int, lines: int
) -> list[Row]:
    """Percentiles over the load: a line each, the asked load upright, the level across, the knee as a mark."""
    curves = {share: [(seen.load, getattr(of(seen), share)) for seen in study.loads] for share in SHOWN}
    curves = {share: [point for point in points if point[1] > 0] for share, points in curves.items()}
    times = [time for points in curves.values() for _, time in points]
    if not times:
        return [fit_row([(f" {name}: one token, no gap", "dim")], cells)]
    loads = [seen.load for seen in study.loads]
    unit, unit_s = ("s", 1.0) if min(times) >= 0.1 else ("ms", 1e-3)
    axis = decades(min(times), max(*times, most_s or 0.0))._replace(unit=unit_s)
    chart = plot(cells, lines, decades(loads[0], loads[-1]), axis)
    chart.grid()
    labels = _marks(chart, study, most_s)
    for index, (share, points) in enumerate(curves.items()):
        style = series_style(index)
        for start, end in pairwise(points):
            chart.line(start, end, style)
        for point in points:
            chart.canvas.text(*chart.cell(*point), "●" if point[0] == study.asked else "·", style)
        labels.append(_named(chart, share, points, study.asked, style))
    if study.knee and loads[0] <= study.knee <= loads[-1]:
        spot = chart.cell(study.knee, _line_at(curves[SHOWN[0]], study.knee))
        chart.canvas.text(*spot, "◇", "good")
        labels.append(Label(*spot, "knee", "good", priority=2))
    place(chart.canvas, labels)
    return chart.rows(study.unit, f"{name}, {unit}")


def _marks(chart: Plot, study: LoadStudy, most_s: float | None) -> list[Label]:
    labels = []
    if chart.x.low <= study.asked <= chart.x.high:
        chart.line((study.asked, chart.y.low), (study.asked, chart.y.high), "dim", every=2)
        column, _ = chart.cell(study.asked, chart.y.high)
        labels.append(Label(x=column, y=0, text=f"now {amount(study.asked)}", style="bold", priority=0))
    if most_s:
        chart.line((chart.x.low, most_s), (chart.x.high, most_s), "warn", every=2)
        _, row = chart.cell(chart.x.low, most_s)
        labels.append(Label(x=0, y=row, text=f"level {duration(most_s)}", style="warn", priority=3))
    return labels


def _named(chart: Plot, share: str, points: Sequence[tuple[float, float]], asked: float, style: str) -> Label:
    """The curve's name with what the asked load sees, else with its last point."""
    at = next((point for point in points if point[0] == asked), points[-1])
    return Label(*chart.cell(*at), f"{share} {duration(at[1])}", style, priority=1)


def _line_at(points: Sequence[tuple[float, float]], load: float) -> float:
    """The curve's value between its points."""
    for (low, first), (high, second) in pairwise(points):
        if low <= load <= high:
            return first + (load - low) / (high - low) * (second - first)
    return points[-1][1]


def _minute(study: LoadStudy, cells: int) -> list[Row]:
    """Running, waiting and the cache in use over a minute of one replica, a line each with its most."""
    room, full = cells - 30, study.cache_tokens
    seconds = min(max((each.start_s + each.seconds for each in study.minute), default=MINUTE_S), MINUTE_S)
    length = "one minute" if seconds == MINUTE_S else duration(seconds)
    read: tuple[Callable[[Moment], float], ...] = (
        lambda each: each.running,
        lambda each: each.waiting,
        lambda each: each.cache_tokens,
    )
    rows: list[Row] = [fit_row([(f" one replica, {length}", "title")], cells)]
    for name, value in zip(NAMES, read, strict=True):
        values = means(((each.start_s, each.seconds, value(each)) for each in study.minute), seconds, room)
        highest = max((value(each) for each in study.minute), default=0.0)
        top = full if name == "cache" and full < float("inf") else highest
        words = f"most {highest / top:.0%}" if name == "cache" and top else f"most {amount(highest)}"
        style = "warn" if name == "waiting" else "series0" if name == "running" else "series1"
        rows.append(justify([(f" {name:<9}", "text"), (blocks(values, top), style)], [(f"{words} ", "dim")], cells))
    axis = "0 s" + duration(seconds).rjust(room - 3)
    rows.append(fit_row([(" " * 10 + axis, "axis")], cells))
    return rows


def latency_facts(answer: Answer, row: Evaluation) -> LatencyFacts:
    """The latency view of a row that has a performance report."""
    study, level = bench_of(answer, row), answer.session.scenario.service_level
    return LatencyFacts(
        heading=heading(answer, row), study=study_loads(study), most_ttft_s=level.ttft_s, most_tpot_s=level.tpot_s
    )
