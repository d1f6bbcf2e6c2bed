"""What one machine costs for an hour: rented under some terms, owned, or at a price of the user's own."""

from typing import NamedTuple

from estimator.cost.power import WATTS_PER_KILOWATT, owned_draw
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
    """The price of one machine for an hour: the user's own price, else rent of an instance type, else the cost of
    owning it.
    """
    if ownership.usd_per_gpu_hour and machine.kind != "host":
        return Quote("priced", Price(ownership.usd_per_gpu_hour * machine.count, "own", ""))
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
    """A price for a savings plan that has none of its own: the reserved price of the same term, marked as an estimate.

    EC2 Instance Savings Plans cost what standard reserved instances do (AWS, "Savings Plans pricing").
    """
    reserved = {"savings-1y": offered.reserved_1y, "savings-3y": offered.reserved_3y}.get(terms)
    return reserved._replace(kind="estimate") if reserved else None


def owned(device: Accelerator, count: float, ownership: Ownership) -> Quote:
    """The cost of an hour's use of `count` owned devices in one host: purchase written off over its life, plus power.

    Hours without work cost as well (their write-off, and power at idle): the hours of use carry them, so that a month
    costs the price times 730 times the utilization.
    """
    purchase = purchase_usd(device, count, ownership)
    if purchase is None:
        return NO_PRICE
    draw, busy = owned_draw(device, count, ownership), ownership.utilization
    write_off = purchase / (ownership.amortization_years * 12 * HOURS_PER_MONTH)
    power = draw.mean(busy) / WATTS_PER_KILOWATT * ownership.usd_per_kwh if draw else 0.0
    return Quote("priced", Price((write_off + power) / busy, "estimate", device.as_of, source=device.source))


def purchase_usd(device: Accelerator, count: float, ownership: Ownership) -> float | None:
    """What `count` devices and their host cost to buy [USD]; None where a device has no price."""
    card_usd = ownership.hardware_usd or device.list_price_usd
    return None if card_usd is None else count * card_usd + ownership.host_usd
