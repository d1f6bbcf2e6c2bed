"""The frame that every chart shares: a canvas with a gutter of ticks, a dotted grid and captions."""

from typing import NamedTuple

from tui.draw.axes import LogAxis
from tui.draw.canvas import Canvas
from tui.draw.runs import Row, fit_row, justify, merge_runs

GUTTER = 6
"""Columns left of the plot: a tick label and a blank."""

SHAPES = "●◆▲■▼◇△□"
"""Marks of the series, so that they differ without colour."""

COLOURS = 4
"""Styles of the series; beyond them the shape alone tells two apart."""


def shape(series: int) -> str:
    return SHAPES[series % len(SHAPES)]


def series_style(series: int) -> str:
    return f"series{series % COLOURS}"


class Plot(NamedTuple):
    """A chart's canvas with its axes; x runs right, y runs up."""

    canvas: Canvas
    x: LogAxis
    y: LogAxis

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Canvas coordinates of a pair of values, clipped to just outside the canvas."""
        across = min(max(self.x(x), -0.5), 1.5) * (self.canvas.width - 0.5)
        up = min(max(self.y(y), -0.5), 1.5) * (self.canvas.height - 0.25)
        return across, self.canvas.height - 0.25 - up

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """The canvas cell of a pair of values, held inside the canvas."""
        across, down = self.at(x, y)
        return (
            min(max(int(across), 0), self.canvas.width - 1),
            min(max(int(down), 0), self.canvas.height - 1),
        )

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str, every: int = 1) -> None:
        self.canvas.line(*self.at(*start), *self.at(*end), style, every)

    def grid(self) -> None:
        """Draws dotted lines at the ticks of both axes."""
        canvas = self.canvas
        for tick in self.x.ticks(canvas.width // 8):
            across, _ = self.at(tick.value, 0)
            canvas.line(across, 0, across, canvas.height, "grid", every=8)
        for tick in self.y.ticks(canvas.height // 2):
            down = canvas.height - 0.25 - self.y(tick.value) * (canvas.height - 0.25)
            canvas.line(0, down, canvas.width, down, "grid", every=4)

    def rows(self, x_caption: str, y_caption: str) -> list[Row]:
        """The chart as rows: the canvas between its axes, two rows and GUTTER columns more than the canvas."""
        gutter = [" " * GUTTER] * self.canvas.height
        for tick in self.y.ticks(self.canvas.height // 2):
            row = int(self.canvas.height - 0.25 - self.y(tick.value) * (self.canvas.height - 0.25))
            if 0 <= row < self.canvas.height:
                gutter[row] = f"{tick.label:>{GUTTER - 1}} "
        cells = self.canvas.width + GUTTER
        below = [" "] * (cells + 8)
        free_from = 0
        for tick in self.x.ticks(self.canvas.width // 8):
            start = min(GUTTER + int(self.at(tick.value, 0)[0]) - len(tick.label) // 2, cells - len(tick.label))
            if start >= free_from:
                below[start : start + len(tick.label)] = tick.label
                free_from = start + len(tick.label) + 1
        return [
            justify([(f" {y_caption}", "axis")], [(x_caption + " ", "axis")], cells),
            *(merge_runs([(label, "axis"), *row]) for label, row in zip(gutter, self.canvas.rows(), strict=True)),
            fit_row([("".join(below[:cells]), "axis")], cells),
        ]


def plot(cells: int, lines: int, x: LogAxis, y: LogAxis) -> Plot:
    """An empty plot whose rows will be exactly `cells` wide and `lines` high."""
    return Plot(Canvas(max(cells - GUTTER, 1), max(lines - 2, 1)), x, y)
