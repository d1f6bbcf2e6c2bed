"""What machines cost: one region's quotes, each with its kind and date."""

from datetime import date
from typing import NamedTuple

STALE_AFTER_DAYS = 180
"""Age from which a price is worth asking for again; engineering guess: EC2's list prices last changed in that time."""


class Price(NamedTuple):
    """USD per hour of one machine."""

    usd_per_hour: float
    """Typical price; the middle of the range where zones differ."""
    kind: str
    """list, derived (from another region by ratio), snapshot (of a moment) or estimate"""
    as_of: str
    """2026, 2026-10 or 2026-10-31."""
    low: float | None = None
    high: float | None = None
    source: str = ""
    cut_on: str = ""
    """Day on which the list price was lowered after `as_of`; empty where none is known."""


def price_day(price: Price) -> date:
    """The first day that a price's date may mean."""
    year, month, day = (*map(int, price.as_of.split("-")), 1, 1)[:3]
    return date(year, month, day)


def price_age_days(price: Price, today: date) -> int:
    """Days since the first day that a price's date may mean; 0 for one of the future."""
    return max((today - price_day(price)).days, 0)


def price_stale(price: Price, today: date) -> bool:
    """Whether a price is older than `STALE_AFTER_DAYS`, or than a known cut of the list price."""
    return bool(price.cut_on) or price_age_days(price, today) > STALE_AFTER_DAYS


class InstancePrices(NamedTuple):
    """All quotes of one instance type in one region; None where there is none."""

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

    def quote(self, terms: str) -> Price | None:
        price: Price | None = getattr(self, terms.replace("-", "_"))
        return price


class RegionPrices(NamedTuple):
    """Every accelerated type that a region offers. A type that is absent is not offered there."""

    region: str
    quotes: dict[str, InstancePrices]
