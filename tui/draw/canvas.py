"""A canvas of braille dots (two across, four down in each cell) with text over them."""

from math import floor

from tui.draw.runs import Row, merge_runs

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot in a braille cell, by row and column (Unicode 4.0, block U+2800)."""


class Canvas:
    """A drawing area of braille dots and text.

    Cells are addressed from the top left; dots in cell units too, so that (0.5, 0.5) is the middle of the first cell.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._bits = [[0] * width for _ in range(height)]
        self._text = [[""] * width for _ in range(height)]
        self._style = [["text"] * width for _ in range(height)]

    def dot(self, x: float, y: float, style: str) -> None:
        """Sets one dot; outside the canvas it is left out. A later dot of another style takes the cell's colour."""
        column, row = floor(x * 2 + 1e-6), floor(y * 4 + 1e-6)
        if 0 <= column < self.width * 2 and 0 <= row < self.height * 4:
            self._bits[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
            self._style[row // 4][column // 2] = style

    def line(self, x0: float, y0: float, x1: float, y1: float, style: str, every: int = 1) -> None:
        """Draws a straight line of dots; `every` n sets each n-th of them."""
        steps = max(int(max(abs(x1 - x0) * 2, abs(y1 - y0) * 4)), 1)
        for step in range(0, steps + 1, every):
            share = step / steps
            self.dot(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, style)

    def text(self, x: int, y: int, text: str, style: str) -> None:
        """Writes text over whatever is there, cut at the edges."""
        if 0 <= y < self.height:
            for offset, character in enumerate(text):
                if 0 <= x + offset < self.width:
                    self._text[y][x + offset] = character
                    self._style[y][x + offset] = style

    def written(self, x: int, y: int, cells: int) -> int:
        """How many of `cells` cells from a place on carry text already; cells off the canvas count as taken."""
        if not 0 <= y < self.height:
            return cells
        return sum(1 for at in range(x, x + cells) if not 0 <= at < self.width or self._text[y][at])

    def dotted(self, x: int, y: int, cells: int) -> int:
        """How many of `cells` cells from a place on carry dots of a series (the grid does not count)."""
        if not 0 <= y < self.height:
            return cells
        row, styles = self._bits[y], self._style[y]
        return sum(1 for at in range(max(x, 0), min(x + cells, self.width)) if row[at] and styles[at] != "grid")

    def rows(self) -> list[Row]:
        """The canvas as rows of runs, each exactly `width` cells."""
        return [
            merge_runs(
                (text or (chr(0x2800 + bits) if bits else " "), style if text or bits else "text")
                for text, bits, style in zip(texts, masks, styles, strict=True)
            )
            for texts, masks, styles in zip(self._text, self._bits, self._style, strict=True)
        ]
