"""Roofline (Williams et al. 2009): attainable FLOP/s over operational intensity, log-log."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.draw.axes import decades
from tui.draw.figures import number
from tui.draw.labels import Label, place
from tui.draw.plot import Plot, plot, series_style, shape
from tui.draw.runs import Row


class Roof(NamedTuple):
    """The roof of one accelerator (or a group of them) in one number format."""

    name: str
    flops: float
    """Peak, FLOP/s."""
    bandwidth: float
    """Memory, bytes/s."""

    @property
    def ridge(self) -> float:
        """Operational intensity from which compute limits [FLOP/byte]."""
        return self.flops / self.bandwidth

    def attainable(self, intensity: float) -> float:
        return min(self.flops, intensity * self.bandwidth)


class Point(NamedTuple):
    """A step under the roof: its FLOP per byte moved, and the FLOP/s it reaches."""

    name: str
    intensity: float
    flops: float
    series: int = 0
    """Index of the roof it runs under."""


def roofline(cells: int, lines: int, roofs: Sequence[Roof], points: Sequence[Point]) -> list[Row]:
    """The roofline chart, exactly `cells` wide and `lines` high; a point is never drawn above its roof."""
    points = [point for point in points if point.intensity > 0 and point.flops > 0]
    chart = _empty(cells, lines, roofs, points)
    chart.grid()
    for index, roof in reversed(list(enumerate(roofs))):
        corner = (roof.ridge, roof.flops)
        chart.line((chart.x.low, roof.attainable(chart.x.low)), corner, series_style(index))
        chart.line(corner, (chart.x.high, roof.flops), series_style(index))
        chart.canvas.text(*chart.cell(chart.x.high, roof.flops), shape(index), series_style(index))
    place(chart.canvas, [*_mark_points(chart, roofs, points), *_roof_labels(chart, roofs)])
    return chart.rows("FLOP per byte", "FLOP/s")


def _empty(cells: int, lines: int, roofs: Sequence[Roof], points: Sequence[Point]) -> Plot:
    intensities = [roof.ridge for roof in roofs] + [point.intensity for point in points]
    x = decades(min(intensities) / 2, max(intensities) * 4)
    heights = [point.flops for point in points] + [roof.attainable(x.low * 2) for roof in roofs]
    return plot(cells, lines, x, decades(min(heights), max(roof.flops for roof in roofs) * 2))


def _mark_points(chart: Plot, roofs: Sequence[Roof], points: Sequence[Point]) -> list[Label]:
    """Draws the marks and returns their labels; points that share a cell share a label."""
    named: dict[tuple[int, int], list[Point]] = {}
    for point in points:
        height = min(point.flops, roofs[point.series].attainable(point.intensity))
        named.setdefault(chart.cell(point.intensity, height), []).append(point)
    labels = []
    for (column, row), here in named.items():
        style = series_style(here[0].series)
        chart.canvas.text(column, row, shape(here[0].series), style)
        labels.append(
            Label(x=column, y=row, text=", ".join(point.name for point in here), style=style, priority=here[0].series)
        )
    return labels


def _roof_labels(chart: Plot, roofs: Sequence[Roof]) -> list[Label]:
    """Each roof's name and peak at the end of its flat part; its ridge, if there is room, below the corner."""
    labels = []
    for index, roof in enumerate(roofs):
        style = series_style(index)
        name = f"{shape(index)} {roof.name} {number(roof.flops)}"
        column, row = chart.cell(chart.x.high, roof.flops)
        labels.append(Label(x=column - len(name) - 2, y=row - 1, text=name, style=style, priority=10 + index))
        column, row = chart.cell(roof.ridge, roof.flops)
        labels.append(Label(x=column, y=row, text=f"ridge {number(roof.ridge)}", style=style, priority=20 + index))
    return labels
