"""One machine under every term of price, side by side: what each costs, how old the price is, when it pays."""

from datetime import date
from typing import NamedTuple

from estimator.cost.quote import Quote, newest_price_day, quote
from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import Price, RegionPrices, price_stale
from estimator.results import PriceState
from estimator.scenario.scenario import PRICE_TERMS
from estimator.scenario.workload import Ownership
from estimator.units import HOURS_PER_MONTH

COMMITTED = frozenset({"reserved-1y", "reserved-3y", "savings-1y", "savings-3y"})
"""Terms that are paid for every hour of a month, used or not."""


class TermsOffer(NamedTuple):
    """Some machines of one type under one of the terms."""

    terms: str
    state: PriceState
    price: Price | None = None
    """Price of all machines; None where `state` says why there is none."""
    against_on_demand: float | None = None
    """Its price over the on-demand one."""
    break_even_hours: float | None = None
    """Hours a month from which a commitment costs less than on-demand, above 730 where it never does."""
    stale: bool = False
    """Whether the price is much older than the newest of this machine, or than a known cut."""
    note: str = ""


def offers(
    machine: Machine, device: Accelerator, prices: RegionPrices, ownership: Ownership, machines: int = 1
) -> tuple[TermsOffer, ...]:
    """Every term of price of so many machines in one region, in the order of `PRICE_TERMS`."""
    newest = newest_price_day(prices, machine.id)
    usual = quote(machine, device, prices, "on-demand", ownership).price
    return tuple(
        _offer(
            terms,
            quote(machine, device, prices, terms, ownership),
            usual,
            newest,
            machines,
            _note(terms, prices, machine),
        )
        for terms in PRICE_TERMS
    )


def _offer(terms: str, quoted: Quote, usual: Price | None, newest: date | None, machines: int, note: str) -> TermsOffer:
    price = quoted.price
    if price is None:
        return TermsOffer(terms=terms, state=quoted.state, note=note)
    ratio = price.usd_per_hour / usual.usd_per_hour if usual and usual.usd_per_hour else None
    return TermsOffer(
        terms=terms,
        state=quoted.state,
        price=_times(price, machines),
        against_on_demand=ratio,
        break_even_hours=ratio * HOURS_PER_MONTH if ratio and terms in COMMITTED else None,
        stale=newest is not None and price_stale(price, newest),
        note=note,
    )


def _times(price: Price, machines: int) -> Price:
    """The price of so many machines."""
    low, high = (each * machines if each is not None else None for each in (price.low, price.high))
    return price._replace(usd_per_hour=price.usd_per_hour * machines, low=low, high=high)


def _note(terms: str, prices: RegionPrices, machine: Machine) -> str:
    """What there is to know of spot beside its price."""
    offered = prices.quotes.get(machine.id)
    if terms == "spot" and offered and offered.spot_interruption:
        return f"interrupted: {offered.spot_interruption} a month"
    return ""
