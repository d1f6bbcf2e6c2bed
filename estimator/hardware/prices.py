"""What machines cost: one region's quotes, each with its kind and date."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

STALE_AFTER_DAYS = 180
"""Age from which a price is worth asking for again; engineering guess: EC2's list prices last changed in that time."""


class Price(NamedTuple):
    """A price of one machine [USD/h], with its kind, date and source."""

    usd_per_hour: float
    """Typical price; the middle of the range where zones differ."""
    kind: str
    """list, derived (from another region by ratio), snapshot (of a moment), estimate, or own (typed by the user)"""
    as_of: str
    """2026, 2026-10 or 2026-10-31; empty for a price of one's own."""
    low: float | None = None
    high: float | None = None
    source: str = ""
    cut_on: str = ""
    """Day on which the list price was lowered after `as_of`; empty where none is known."""


@lru_cache(maxsize=1024)
def first_day(as_of: str) -> date:
    """The first day that a price's date may mean: `2026-10` begins on the first of October."""
    year, month, day = (*map(int, as_of.split("-")), 1, 1)[:3]
    return date(year, month, day)


def price_age_days(price: Price, today: date) -> int:
    """Days since the first day that a price's date may mean; 0 for one of the future, or of one's own."""
    return max((today - first_day(price.as_of)).days, 0) if price.as_of else 0


def price_stale(price: Price, today: date) -> bool:
    """Whether a price is older than `STALE_AFTER_DAYS`, or than a known cut of the list price."""
    return bool(price.cut_on) or price_age_days(price, today) > STALE_AFTER_DAYS


class InstancePrices(NamedTuple):
    """All quotes of one instance type in one region, by way to pay; None for a way that has no quote."""

    on_demand: Price | None = None
    spot: Price | None = None
    reserved_1y: Price | None = None
    reserved_3y: Price | None = None
    savings_1y: Price | None = None
    savings_3y: Price | None = None
    capacity_block: Price | None = None
    spot_interruption: str | None = None
    """The Spot Advisor's class: <5%, 5-10% …"""
    note: str = ""
    on_demand_derived: Price | None = None
    """On-demand from a newer list of another region, by the ratio of the two; None where the own one is as new."""

    def quote(self, terms: str) -> Price | None:
        price: Price | None = getattr(self, terms.replace("-", "_"))
        return price


class RegionPrices(NamedTuple):
    """Quotes of every accelerated type that one region offers. A type that is absent is not offered there."""

    region: str
    quotes: dict[str, InstancePrices]
    asked_on: date | None = None
    """Day on which the prices are looked at, which ages them; None leaves their age open."""

    def for_decisions(self) -> "RegionPrices":
        """The region's prices to decide by: on-demand as derived from a newer list where the region's own quote is
        stale.
        """
        if self.asked_on is None:
            return self
        quotes = {
            name: offered._replace(on_demand=offered.on_demand_derived)
            for name, offered in self.quotes.items()
            if offered.on_demand and offered.on_demand_derived and price_stale(offered.on_demand, self.asked_on)
        }
        return self._replace(quotes=self.quotes | quotes)
