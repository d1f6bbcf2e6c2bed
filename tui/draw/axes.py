"""Axes: a value to its place along a number of cells, and the ticks worth printing."""

import math
from typing import NamedTuple, Protocol

from tui.draw.figures import number


class Tick(NamedTuple):
    value: float
    label: str


class Axis(Protocol):
    """Maps values to 0 … 1 along the axis; outside values land outside."""

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    def __call__(self, value: float) -> float: ...

    def ticks(self, most: int) -> tuple[Tick, ...]: ...


class LogAxis(NamedTuple):
    """Equal ratios take equal room; `low` and `high` are positive and differ."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        if value <= 0:
            return -math.inf
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """Decades; every second, third … one where they would crowd; 1, 2 and 5 where a decade fills the axis."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        values = [10.0**power for power in range(first, last + 1)]
        if len(values) < 3:
            powers = range(first - 1, last + 1)
            values = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        values = [value for value in values if -1e-9 <= self(value) <= 1 + 1e-9]
        every = max(1, math.ceil(len(values) / max(most, 1)))
        return tuple(Tick(value, _short(value)) for value in values[::every])


class LinearAxis(NamedTuple):
    """Equal differences take equal room; `low` and `high` differ."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """Multiples of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / max(most, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(Tick(index * step, _short(index * step)) for index in range(first, last + 1))


def decades(low: float, high: float) -> LogAxis:
    """A log axis over the values with a tenth of room at both ends."""
    low, high = min(low, high), max(low, high)
    if not (low > 0 and math.isfinite(high)):
        raise ValueError(f"a log axis needs positive finite ends, not {low} and {high}")
    margin = max((high / low) ** 0.08, 1.25)
    return LogAxis(low / margin, high * margin)


def _short(value: float) -> str:
    """A round value without trailing zeros, in at most five characters: 10k, 0.5, 1P, 1e-05."""
    if 0 < abs(value) < 0.01:
        return f"{value:.0e}"
    text = number(value, 2)
    for letter in "kMGTP":
        if text.endswith(letter):
            body = text[:-1]
            return (body.rstrip("0").rstrip(".") if "." in body else body) + letter
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text[:-4]}k" if text.endswith(",000") else text
