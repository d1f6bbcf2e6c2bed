"""Logarithmic axes: a value to its place along the axis, and the ticks worth printing."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from tui.draw.figures import number

LABEL = 5
"""Characters of a label at most."""


class Tick(NamedTuple):
    value: float
    label: str


class LogAxis(NamedTuple):
    """Maps values to 0 … 1, equal ratios to equal room; `low` and `high` are positive and differ."""

    low: float
    high: float
    unit: float = 1.0
    """What the ticks are labelled in, a power of ten: 1e-3 labels seconds as milliseconds."""

    def __call__(self, value: float) -> float:
        if value <= 0:
            return -math.inf
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """Decades, every n-th where they would crowd; steps of 1, 2 and 5, or finer, where a decade fills the axis."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        values = [10.0**power for power in range(first, last + 1)]
        if len(values) < 3:
            powers = range(first - 1, last + 1)
            values = self._inside(step * 10.0**power for power in powers for step in (1, 2, 5))
            if len(values) < 3:
                values = [step * 10.0**power for power in powers for step in (1, 1.5, 2, 3, 4, 5, 6, 8)]
        values = self._inside(values)
        every = max(1, math.ceil(len(values) / max(most, 1)))
        return tuple(Tick(value, _short(value / self.unit)) for value in values[::every])

    def _inside(self, values: Iterable[float]) -> list[float]:
        return [value for value in values if -1e-9 <= self(value) <= 1 + 1e-9]


def decades(low: float, high: float) -> LogAxis:
    """A log axis over the values with a tenth of room at both ends."""
    low, high = min(low, high), max(low, high)
    if not (low > 0 and math.isfinite(high)):
        raise ValueError(f"a log axis needs positive finite ends, not {low} and {high}")
    margin = max((high / low) ** 0.08, 1.25)
    return LogAxis(low / margin, high * margin)


def _short(value: float) -> str:
    """A round value without trailing zeros, in at most five characters: 10k, 0.5, .0015, 1P, 50µ."""
    if 0 < value < 0.001:
        return f"{value * 1e6:g}µ" if value > 0.999e-6 else f"{value * 1e9:g}n"
    if 0 < value < 0.01:
        return f"{value:g}".removeprefix("0") if len(f"{value:g}") > LABEL else f"{value:g}"
    text = number(value, 2)
    for letter in "kMGTP":
        if text.endswith(letter):
            body = text[:-1]
            return (body.rstrip("0").rstrip(".") if "." in body else body) + letter
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text[:-4]}k" if text.endswith(",000") else text
