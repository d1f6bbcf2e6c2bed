"""What one machine costs for an hour: rented under some terms, or owned."""

from datetime import date
from typing import NamedTuple

from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import InstancePrices, Price, RegionPrices
from estimator.results import PriceState
from estimator.scenario.workload import Ownership
from estimator.units import HOURS_PER_MONTH


class Quote(NamedTuple):
    """The price of one machine under the asked terms, or why it is unknown."""

    state: PriceState
    price: Price | None = None


NO_PRICE = Quote("no_price")


def quote(machine: Machine, device: Accelerator, prices: RegionPrices, terms: str, ownership: Ownership) -> Quote:
    """The price of one machine for an hour: rented where it is an instance type, owned where it is a card or a Mac."""
    if machine.kind == "device":
        return owned(device, machine.count, ownership)
    offered = prices.quotes.get(machine.id)
    if offered is None:
        return Quote("not_offered")
    price = offered.quote(terms) or savings_plan_estimate(offered, terms)
    if price:
        return Quote("priced", price)
    if offered.capacity_block and not offered.on_demand and not offered.spot:
        return Quote("capacity_block_only")
    return NO_PRICE


def savings_plan_estimate(offered: InstancePrices, terms: str) -> Price | None:
    """The reserved price of the same term for a savings plan without a rate of its own, marked as an estimate.

    EC2 Instance Savings Plans cost what standard reserved instances do (AWS, "Savings Plans pricing").
    """
    reserved = {"savings-1y": offered.reserved_1y, "savings-3y": offered.reserved_3y}.get(terms)
    return reserved._replace(kind="estimate") if reserved else None


def owned(device: Accelerator, count: float, ownership: Ownership) -> Quote:
    """Hardware price written off over its life, plus the power that `count` devices draw at their limit, per hour."""
    card_usd = ownership.hardware_usd or device.list_price_usd
    if card_usd is None:
        return NO_PRICE
    watts = ownership.power_limit_watts or device.tdp_watts or 0.0
    write_off = card_usd / (ownership.amortization_years * 12 * HOURS_PER_MONTH)
    power = watts / 1000 * ownership.usd_per_kwh
    return Quote("priced", Price(count * (write_off + power), "estimate", device.as_of, source=device.source))


STALE_DAYS = 180
"""A price this much older than the machine's newest is stale: list prices are cut about once a year (p4d, p4de, p5 and
p5en by up to 45 % in June 2025, which their reserved prices of April 2025 do not know). Engineering guess."""


def newest_price_date(prices: RegionPrices, machine: str) -> date | None:
    """The day of the newest price of a machine on any terms; None without a dated price."""
    offered = prices.quotes.get(machine)
    dates = [_day(each) for each in offered or () if isinstance(each, Price)]
    return max((each for each in dates if each), default=None)


def is_stale(price: Price, newest: date | None) -> bool:
    """Whether a price is too old to stand beside the newest of its machine."""
    day = _day(price)
    return day is not None and newest is not None and (newest - day).days > STALE_DAYS


def _day(price: Price) -> date | None:
    """The day of a price; the first of a month or year that is dated no closer."""
    parts = price.as_of.split("-")
    if not all(part.isdecimal() for part in parts) or not 1 <= len(parts) <= 3:
        return None
    year, month, day = (*map(int, parts), 1, 1)[:3]
    return date(year, month, day)
