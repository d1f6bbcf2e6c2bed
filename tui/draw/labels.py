"""Labels beside points: each goes where it covers least, and none covers another."""

from collections.abc import Iterable
from typing import NamedTuple

from tui.draw.canvas import Canvas


class Label(NamedTuple):
    """A text for the cell (x, y) of a chart; `priority` 0 is placed first, an unplaced one is left out."""

    x: int
    y: int
    text: str
    style: str
    priority: int = 0


def place(canvas: Canvas, labels: Iterable[Label]) -> list[Label]:
    """Writes labels on a canvas where they find room and returns them with the place of their first cell.

    Right of the point is best, then below, above and left; a covered dot of a curve costs more than a less liked side,
    and a cell that carries text is out of the question.
    """
    layout_or_setup = []
    for label in sorted(labels, key=lambda each: each.priority):
        best = min(_places(label), key=lambda spot: _cost(canvas, label, *spot), default=None)
        if best and canvas.written(max(best[0] - 1, 0), best[1], 1) == 0 == _taken(canvas, label, *best):
            canvas.text(best[0], best[1], label.text, label.style)
            layout_or_setup.append(label._replace(x=best[0], y=best[1]))
    return layout_or_setup


def _places(label: Label) -> list[tuple[int, int]]:
    length = len(label.text)
    right, left, middle = label.x + 2, label.x - 1 - length, label.x - length // 2
    spots = [(right, label.y)]
    for far in (1, 2, 3):
        spots += [(label.x + 1, label.y + far), (label.x + 1, label.y - far), (middle, label.y + far)]
        spots += [(middle, label.y - far), (label.x - length, label.y - far), (label.x - length, label.y + far)]
    spots.insert(5, (left, label.y))
    return spots


def _cost(canvas: Canvas, label: Label, x: int, y: int) -> float:
    return (
        1000.0 * _taken(canvas, label, x, y)
        + 1000.0 * canvas.written(max(x - 1, 0), y, 1)
        + 4.0 * canvas.dotted(x, y, len(label.text))
        + _places(label).index((x, y))
    )


def _taken(canvas: Canvas, label: Label, x: int, y: int) -> int:
    """Cells of the label and one beyond it that carry text or lie outside."""
    end = min(len(label.text) + 1, max(canvas.width - x, len(label.text)))
    return canvas.written(x, y, end)
