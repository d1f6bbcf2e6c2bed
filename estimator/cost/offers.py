"""One machine's price under all terms, and in all regions, side by side with the age of each price."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from estimator.cost.quote import quote
from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import Price, RegionPrices, price_age_days, price_stale
from estimator.results import PriceState
from estimator.scenario.scenario import PRICE_TERMS
from estimator.scenario.workload import Ownership

LIST_REGION = "us-east-1"
"""The region that others are compared with."""


class Offer(NamedTuple):
    """What a machine costs for an hour on some terms, or why that is unknown."""

    terms: str
    state: PriceState
    price: Price | None = None
    age_days: int | None = None
    stale: bool = False
    share_of_on_demand: float | None = None
    """Typical price over the on-demand one; None where one of the two is unknown."""
    interruption: str = ""
    """The Spot Advisor's class, for spot."""


def offers(
    machine: Machine,
    device: Accelerator,
    prices: RegionPrices,
    ownership: Ownership,
    terms: Iterable[str] = PRICE_TERMS,
) -> tuple[Offer, ...]:
    """A machine's offer under each of the given price terms, in their order."""
    on_demand = quote(machine, device, prices, "on-demand", ownership).price
    return tuple(_offer(machine, device, prices, ownership, each, on_demand) for each in terms)


def _offer(
    machine: Machine,
    device: Accelerator,
    prices: RegionPrices,
    ownership: Ownership,
    terms: str,
    on_demand: Price | None,
) -> Offer:
    state, price = quote(machine, device, prices, terms, ownership)
    listed = prices.quotes.get(machine.id)
    today = prices.asked_on
    return Offer(
        terms=terms,
        state=state,
        price=price,
        age_days=price_age_days(price, today) if price and price.as_of and today else None,
        stale=bool(price and today and price_stale(price, today)),
        share_of_on_demand=price.usd_per_hour / on_demand.usd_per_hour if price and on_demand else None,
        interruption=(listed.spot_interruption or "") if listed and terms == "spot" else "",
    )


def describe_interruption(bucket: str) -> str:
    """What a class of the Spot Advisor means for one replica on one machine, in words; empty where the class is
    unknown.

    The class is the share of a type's machines that were taken back in the trailing month, with two minutes' notice
    (AWS, "Spot Instance Advisor"); one machine's odds are taken for those of the type.
    """
    shares = [
        int(number) for number in bucket.replace("%", "").replace("<", "0-").replace(">", "").split("-") if number
    ]
    if not shares:
        return ""
    low, high = shares[0], shares[-1]
    often = (
        f"once in {100 / high:.0f} months at most"
        if low == 0
        else f"once in {100 / high:.0f} to {100 / low:.0f} months"
    )
    if low == high:
        often = f"more often than once in {100 / low:.0f} months"
    return f"{bucket} a month: one replica is taken back {often}, with two minutes' notice"


class RegionalOffer(NamedTuple):
    """One region's price of a machine, and its ratio to the region that others are compared with."""

    region: str
    offer: Offer
    ratio: float | None = None
    """Over the price in us-east-1 on the same terms."""


def by_region(
    machine: Machine, device: Accelerator, regions: Mapping[str, RegionPrices], terms: str, ownership: Ownership
) -> tuple[RegionalOffer, ...]:
    """Every region's offer of a machine on one way to pay, the cheapest first; regions without a price come last."""
    asked = {name: offers(machine, device, prices, ownership, (terms,))[0] for name, prices in regions.items()}
    at_home = asked[LIST_REGION].price if LIST_REGION in asked else None
    listed = [
        RegionalOffer(name, offer, offer.price.usd_per_hour / at_home.usd_per_hour if offer.price and at_home else None)
        for name, offer in asked.items()
    ]
    return tuple(
        sorted(
            listed,
            key=lambda each: (each.offer.price is None, (each.offer.price and each.offer.price.usd_per_hour) or 0.0),
        )
    )
