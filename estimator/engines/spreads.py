"""Spreads of measured over predicted figures, which bands are drawn from. Values are data, in efficiency.yaml."""

from math import exp, hypot, log
from typing import Literal, NamedTuple

from estimator.results import Band


class Spread(NamedTuple):
    """Quantiles of measured over predicted, without unit, between which 80 % of the cases lie."""

    low: float
    high: float

    @property
    def calibrated(self) -> "Spread":
        """The spread that remains after one own measurement: half as wide on a logarithmic scale, since one measured
        point holds the level but not the slope. An engineering guess.
        """
        return Spread(self.low**0.5, self.high**0.5)

    @property
    def inverse(self) -> "Spread":
        """The spread of a figure's reciprocal."""
        return Spread(1 / self.high, 1 / self.low)

    def times(self, other: "Spread") -> "Spread":
        """The spread of a product of two figures whose errors are independent: their logarithms add as squares."""
        low, high = (hypot(log(mine), log(its)) for mine, its in zip(self, other, strict=True))
        return Spread(exp(-low), exp(high))

    def of(self, typical: float) -> Band:
        return Band(typical * self.low, typical, typical * self.high)


UNKNOWN_SPREAD = Spread(0.5, 2.0)
"""A kind of load without any measured case: a factor of two either way (engineering guess)."""


class Spreads(NamedTuple):
    """The spreads of the three metrics of one engine, kind of load and class of evidence."""

    ttft: Spread
    tpot: Spread
    throughput: Spread

    def drafting(self, gain: Spread) -> "Spreads":
        """The spreads where drafts speed up decoding, by a gain with a spread of its own."""
        return self._replace(tpot=self.tpot.times(gain.inverse), throughput=self.throughput.times(gain))


LoadKind = Literal["single", "serving", "burst"]
"""Loads whose residuals differ: one request at a time, several users or arrivals, everything queued at once."""
LOAD_KINDS: tuple[LoadKind, ...] = ("single", "serving", "burst")


class ResidualBand(NamedTuple):
    """The spread of one metric, for an engine class and kind of case, or for a confidence class."""

    metric: str
    """tpot, ttft or throughput"""
    low: float
    high: float
    engine: str = ""
    kind: str = ""
    """Kind of load; empty where a confidence class is meant."""
    confidence: str = ""
