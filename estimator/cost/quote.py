"""What one machine costs for an hour: rented under some terms, or owned."""

from datetime import date
from typing import NamedTuple

from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import InstancePrices, Price, RegionPrices, price_day
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


def newest_price_day(prices: RegionPrices, machine: str) -> date | None:
    """The day of the newest price of a machine on any terms; None without a price."""
    offered = prices.quotes.get(machine)
    return max((price_day(each) for each in offered or () if isinstance(each, Price)), default=None)
