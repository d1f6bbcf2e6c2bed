"""What machines cost: one region's quotes, each with its kind and date."""

from typing import NamedTuple


class Price(NamedTuple):
    """USD per hour of one machine."""

    usd_per_hour: float
    """The lowest, where a snapshot has a range."""
    kind: str
    """list, derived (from another region by ratio), snapshot (of a moment) or estimate"""
    as_of: str
    low: float | None = None
    high: float | None = None
    source: str = ""


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
