"""Ways to pay for machines that run some hours of the day: a committed base, the rest by the hour or on spot."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from estimator.hardware.prices import Price
from estimator.planning.day import HOURS_PER_DAY
from estimator.results import Band
from estimator.units import HOURS_PER_MONTH

OWNED = "owned"
COMMITTED = ("reserved-1y", "savings-1y", "reserved-3y", "savings-3y")
"""Terms under which a machine is paid for every hour, used or not."""
HOURLY = ("on-demand", "spot", "capacity-block")


class Line(NamedTuple):
    """Some machines of a fleet under one kind of price terms, and what they cost."""

    terms: str
    machines: int
    """At the busiest hour."""
    hours_per_day: float
    """Machine hours of a day that are paid."""
    usd_per_month: float
    why: str
    kind: str
    stale: bool


class Mix(NamedTuple):
    """One way to pay for a fleet: lines of machines, each on its terms."""

    lines: tuple[Line, ...]
    usd_per_month: Band
    """Low and typical as expected, at the lowest and the typical price; high in the worst month: the busiest hour all
    month long, every spot machine replaced on demand."""

    @property
    def base_terms(self) -> str:
        """Price terms of the machines that always run."""
        return self.lines[0].terms

    @property
    def peak_terms(self) -> str | None:
        """Price terms of the machines that run at the peak only; None where there are none."""
        return self.lines[-1].terms if len(self.lines) > 1 else None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the prices that the mix is made of: list, derived, snapshot, estimate."""
        return tuple(dict.fromkeys(line.kind for line in self.lines))

    @property
    def stale(self) -> bool:
        """Whether any price of the mix is from before a known cut, or older than half a year."""
        return any(line.stale for line in self.lines)

    @property
    def interruptible(self) -> bool:
        """Whether machines of the mix can be taken away by the provider."""
        return any(line.terms == "spot" for line in self.lines)

    @property
    def likeness(self) -> tuple[object, ...]:
        """A key that is equal for mixes that pay the same for as many machines: a savings plan quoted at its reserved
        price is one.
        """
        machines = tuple((line.machines, line.terms in COMMITTED, line.terms == "spot") for line in self.lines)
        return machines, round(self.usd_per_month.typical, 2)

    @property
    def order(self) -> tuple[bool, bool, float]:
        """Sort key of mixes: what is of current prices and can not be taken away comes first, then the cheapest."""
        return self.stale, self.interruptible, self.usd_per_month.typical


class Rates(NamedTuple):
    """What one machine costs for an hour, by terms, and which of these prices are old."""

    prices: Mapping[str, Price]
    stale: frozenset[str]


def mixes(hours: Sequence[int], rates: Rates, terms: str) -> tuple[Mix, ...]:
    """Every way to pay for a number of machines in each of the 24 hours, the one to take first; none without a price.

    Where the scenario asks for on-demand, which it does by default, all terms are compared; else its own are the base.
    No two lines or mixes are alike.
    """
    if OWNED in rates.prices:
        return (_mix(hours, rates, OWNED, OWNED),)
    bases = ("on-demand", *COMMITTED, "spot") if terms == "on-demand" else (terms,)
    pairs = [(base, peak) for base in bases for peak in ("on-demand", "spot") if _sensible(base, peak)]
    if terms not in ("on-demand", *COMMITTED):
        pairs += [(terms, terms)]
    ways: dict[tuple[object, ...], Mix] = {}
    for base, peak in pairs:
        if base in rates.prices and peak in rates.prices:
            way = _mix(hours, rates, base, peak)
            ways.setdefault(way.likeness, way)
    return tuple(sorted(ways.values(), key=lambda way: way.order))


def _sensible(base: str, peak: str) -> bool:
    """Spot under on-demand would take away what always runs and keep what comes and goes."""
    return not (base == "spot" and peak != "spot")


def _mix(hours: Sequence[int], rates: Rates, base: str, peak: str) -> Mix:
    """So many machines on the base terms as are worth it there, the others by the hour on the peak terms."""
    most = max(hours)
    if base in COMMITTED:
        even = rates.prices[base].usd_per_hour / rates.prices[peak].usd_per_hour * HOURS_PER_DAY
        below = sum(hours_in_use(hours, at) >= even for at in range(1, most + 1))
        below = max(below, min(hours))  # what is asked to be the base is one, if at a loss
        why = f"in use {_hours(hours_in_use(hours, below))} a day; it pays from {_hours(even)} on"
        paid = [below] * HOURS_PER_DAY
    elif base in (peak, OWNED):
        below, why = most, _why_hourly(base, hours)
        paid = [most] * HOURS_PER_DAY if base == OWNED else list(hours)
    else:
        below, why = min(hours), "runs in every hour"
        paid = [below] * HOURS_PER_DAY
    lines = [_line(base, below, paid, rates, why)] if below else []
    rest = [max(count - below, 0) for count in hours]
    if any(rest):
        lines.append(_line(peak, max(rest), rest, rates, _why_hourly(peak, rest)))
    return Mix(tuple(lines), _band(lines, rates, peak))


def hours_in_use(hours: Sequence[int], machine: int) -> int:
    """Hours of the day in which the `machine`-th machine of a fleet runs, counted from 1."""
    return sum(count >= machine for count in hours)


def break_even_hours(committed: Price, hourly: Price) -> float:
    """Hours a month from which a machine on committed terms costs less than by the hour."""
    return committed.usd_per_hour / hourly.usd_per_hour * HOURS_PER_MONTH


def _why_hourly(terms: str, hours: Sequence[int]) -> str:
    mean = sum(hours) / max(hours) if any(hours) else 0.0
    if terms == OWNED:
        return "bought: it stands there at every hour"
    if terms == "spot":
        return f"in use {_hours(mean)} a day on average, and can be taken away: on-demand stands in"
    if min(hours) == max(hours):
        return "runs in every hour, at the price of the hour"
    return f"in use {_hours(mean)} a day on average: paid by the hour"


def _hours(value: float) -> str:
    return f"{value:.0f} h" if value >= 9.95 or value == int(value) else f"{value:.1f} h"


def _line(terms: str, machines: int, hours: Sequence[int], rates: Rates, why: str) -> Line:
    price = rates.prices[terms]
    return Line(
        terms=terms,
        machines=machines,
        hours_per_day=sum(hours),
        usd_per_month=sum(hours) / HOURS_PER_DAY * HOURS_PER_MONTH * price.usd_per_hour,
        why=why,
        kind=price.kind,
        stale=terms in rates.stale,
    )


def _band(lines: Sequence[Line], rates: Rates, peak: str) -> Band:
    low = typical = high = 0.0
    for line in lines:
        price = rates.prices[line.terms]
        instead = rates.prices.get("on-demand", price) if line.terms == "spot" else price
        worst = max(price.high or price.usd_per_hour, instead.usd_per_hour)
        typical += line.usd_per_month
        low += line.usd_per_month * (price.low / price.usd_per_hour if price.low else 1.0)
        high += line.machines * HOURS_PER_MONTH * worst
    return Band(low, typical, high)
