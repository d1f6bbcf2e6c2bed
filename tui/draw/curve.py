"""The throughput chart: tokens/s of the machine against what one user sees, as concurrency grows."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.draw.axes import decades
from tui.draw.figures import count, number, quantity
from tui.draw.labels import Label, place
from tui.draw.plot import plot, series_style, shape
from tui.draw.runs import Row


class OperatingPoint(NamedTuple):
    """One point of the throughput chart: output tokens/s of one user and of the whole candidate at some concurrency."""

    concurrency: float
    per_user: float
    throughput: float
    meets: bool
    """Whether it keeps the service level."""


class Series(NamedTuple):
    name: str
    points: tuple[OperatingPoint, ...]


def best_point(points: Sequence[OperatingPoint]) -> OperatingPoint | None:
    """The operating point of most throughput that keeps the service level; None where none does."""
    return max((point for point in points if point.meets), key=lambda point: point.throughput, default=None)


def curve(
    cells: int, lines: int, series: Sequence[Series], least_per_user: float | None = None, chosen: float | None = None
) -> list[Row]:
    """The throughput chart, exactly `cells` wide and `lines` high.

    `least_per_user` (tokens/s) draws the service level as a line; the best point that keeps it carries a ★, the
    `chosen` concurrency a name, points beyond the level are hollow.
    """
    points = [point for each in series for point in each.points if point.per_user > 0 and point.throughput > 0]
    if not points:
        raise ValueError("a curve needs a point with speed above zero")
    speeds = [point.per_user for point in points] + ([least_per_user] if least_per_user else [])
    heights = [point.throughput for point in points]
    chart = plot(cells, lines, decades(min(speeds), max(speeds)), decades(min(heights), max(heights)))
    chart.grid()
    labels = []
    if least_per_user:
        bottom, top = (least_per_user, chart.y.low), (least_per_user, chart.y.high)
        chart.line(bottom, top, "warn", every=2)
        column, _ = chart.cell(*top)
        labels.append(Label(x=column, y=0, text=f"level {number(least_per_user)}/s ▸", style="warn", priority=5))
    for index, each in enumerate(series):
        style = series_style(index)
        for start, end in zip(each.points, each.points[1:], strict=False):
            chart.line((start.per_user, start.throughput), (end.per_user, end.throughput), style)
        best = best_point(each.points)
        for point in each.points:
            cell = chart.cell(point.per_user, point.throughput)
            mark = "★" if point == best else shape(index) if point.meets else "○"
            chart.canvas.text(*cell, mark, "good" if point == best else style)
            labels.append(_label(point, cell, best, chosen, style))
        if len(series) > 1:
            last = each.points[-1]
            column, row = chart.cell(last.per_user, last.throughput)
            labels.append(Label(x=column, y=row - 1, text=each.name, style=style, priority=4))
    place(chart.canvas, labels)
    return chart.rows("output tokens/s per user", "tokens/s")


def _label(
    point: OperatingPoint, cell: tuple[int, int], best: OperatingPoint | None, chosen: float | None, style: str
) -> Label:
    if point == best:
        users = quantity(round(point.concurrency), "user")
        return Label(*cell, f"best: {users}, {number(point.throughput)}/s", "good", 0)
    if point.concurrency == chosen:
        return Label(*cell, f"now: {count(point.concurrency)}", style, priority=1)
    return Label(*cell, count(point.concurrency), "dim", priority=9)
