"""The trade-off chart: what a token costs against what one user sees, a curve for each of several series."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.draw.axes import decades
from tui.draw.figures import number, quantity, usd
from tui.draw.labels import Label, place
from tui.draw.plot import plot, series_style, shape
from tui.draw.runs import Row, fit_row


class LoadPoint(NamedTuple):
    """One load of a trade-off curve: output tokens/s that a user sees, and what a million tokens cost [USD]."""

    users: float
    per_user: float
    usd: float
    meets: bool = True
    """Whether it keeps the service level."""
    asked: bool = False
    """Whether it is the load that is asked for."""


class CostCurve(NamedTuple):
    """One series of the trade-off chart: its letter, its name, and its points from light to heavy load."""

    letter: str
    name: str
    points: tuple[LoadPoint, ...]


def tradeoff(cells: int, lines: int, curves: Sequence[CostCurve], least_per_user: float | None = None) -> list[Row]:
    """The trade-off chart, exactly `cells` wide and `lines` high: right is faster for a user, down is cheaper.

    The asked load of each series is marked and named, loads beyond the service level are hollow, and the level
    (`least_per_user` tokens/s) is a line. Without a point there is a sentence in place of the chart.
    """
    points = [point for curve in curves for point in curve.points if point.per_user > 0 and point.usd > 0]
    if not points:
        return [fit_row([(" No pin has both a speed and a price.", "dim")], cells)]
    speeds = [point.per_user for point in points] + ([least_per_user] if least_per_user else [])
    costs = [point.usd for point in points]
    legend = _legend(curves, cells)
    chart = plot(cells, lines - len(legend), decades(min(speeds), max(speeds)), decades(min(costs), max(costs)))
    chart.grid()
    labels = []
    if least_per_user:
        chart.line((least_per_user, chart.y.low), (least_per_user, chart.y.high), "warn", every=2)
        column, _ = chart.cell(least_per_user, chart.y.high)
        labels.append(Label(x=column, y=0, text=f"level {number(least_per_user)}/s ▸", style="warn", priority=9))
    for index, curve in enumerate(curves):
        style = series_style(index)
        for start, end in zip(curve.points, curve.points[1:], strict=False):
            chart.line((start.per_user, start.usd), (end.per_user, end.usd), style)
    for index, curve in enumerate(curves):
        style = series_style(index)
        for point in curve.points:
            cell = chart.cell(point.per_user, point.usd)
            chart.canvas.text(*cell, shape(index) if point.meets else "○", style)
            if point.asked:
                words = f"{curve.letter} {quantity(point.users, 'user')} {usd(point.usd)}"
                labels.append(Label(*cell, words, "bold", priority=index))
    place(chart.canvas, labels)
    return [*chart.rows("output tokens/s per user", "$ per 1M tokens"), *legend]


def _legend(curves: Sequence[CostCurve], cells: int) -> list[Row]:
    """`● A g7e.2xlarge`, as many to a line as there is room for."""
    rows: list[Row] = []
    row: Row = []
    taken = 0
    for index, curve in enumerate(curves):
        entry: Row = [(f" {shape(index)} ", series_style(index)), (f"{curve.letter} {curve.name} ", "text")]
        length = sum(len(text) for text, _ in entry)
        if row and taken + length > cells:
            rows.append(fit_row(row, cells))
            row, taken = [], 0
        row += entry
        taken += length
    return [*rows, fit_row(row, cells)] if row else rows
