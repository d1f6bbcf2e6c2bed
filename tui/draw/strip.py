"""A figure over time as a line of blocks."""

from collections.abc import Iterable

BLOCKS = " ▁▂▃▄▅▆▇█"


def means(pieces: Iterable[tuple[float, float, float]], seconds: float, cells: int) -> list[float]:
    """The mean over each of `cells` equal parts of `seconds`, of pieces (start [s], length [s], value)."""
    width, sums = seconds / cells, [0.0] * cells
    for start, length, value in pieces:
        end = min(start + length, seconds)
        cell = int(start / width)
        while start < end and cell < cells:
            until = min((cell + 1) * width, end)
            sums[cell] += max(until - start, 0.0) * value
            start, cell = until, cell + 1
    return [each / width for each in sums]


def blocks(values: Iterable[float], highest: float) -> str:
    """A block a value, the full one at `highest`; what is not 0 shows at least the lowest."""
    steps = len(BLOCKS) - 1
    return "".join(
        BLOCKS[min(max(round(value / highest * steps), 1), steps)] if value > 0 < highest else " " for value in values
    )
