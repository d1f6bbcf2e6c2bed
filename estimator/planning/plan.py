"""A month of a load: for every machine type the replicas by hour, ways to pay, and the one to take."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from estimator.checks import check
from estimator.cost.bill import usd_per_1m_tokens
from estimator.cost.quote import quote
from estimator.hardware.devices import Machine
from estimator.hardware.prices import Price, RegionPrices, price_stale
from estimator.models.model import Model
from estimator.planning.autoscaling import Autoscaling, autoscaling
from estimator.planning.day import HOURS_PER_DAY, Demand
from estimator.planning.mix import COMMITTED, OWNED, Mix, Rates, mixes
from estimator.ranking.confirmed import confirm_first, needs_replay
from estimator.ranking.smallest_fleet import Fleet, smallest_fleet
from estimator.results import Band, Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import node_for
from estimator.scenario.placement import machine_named, machines_for
from estimator.scenario.scenario import Scenario
from estimator.units import HOURS_PER_MONTH, MILLION, SECONDS_PER_HOUR

UTILIZATIONS = (1.0, 0.3, 0.1)
"""Shares of what a machine can do, at which the cost of a token is shown: the first-order term of it."""
THIN_OFFER = 10
"""Regions; a type that fewer than these offer is hard to get in any of them (engineering guess)."""


class Hour(NamedTuple):
    """One hour of a planned day: its load, its replicas, and how busy they are."""

    load: float
    """Requests per second, or requests in flight where a concurrency is held."""
    copies: int
    replicas: int
    machines: int


class Plan(NamedTuple):
    """What one machine type takes for the load of a day: replicas by hour, ways to pay, and the month's cost."""

    fleet: Fleet
    hours: tuple[Hour, ...]
    mixes: tuple[Mix, ...]
    """Ways to pay, the one to take first: current prices and no interruption before the others."""
    autoscaling: Autoscaling
    utilization: float
    """Mean load over what the running copies can carry."""
    usd_per_1m_tokens: float
    """At the asked volume: the month over its tokens."""
    usd_per_1m_tokens_at: tuple[tuple[float, Band], ...]
    """At shares of what a machine can do: (share, cost)."""

    @property
    def mix(self) -> Mix:
        return self.mixes[0]

    @property
    def usd_per_month(self) -> Band:
        """Cost of the plan's first way to pay [USD/month]: low and typical as expected, high in the worst month."""
        return self.mix.usd_per_month

    @property
    def likeness(self) -> tuple[object, ...]:
        """A key that is equal for plans that run the same on the same accelerators."""
        at = self.row.candidate
        return at.accelerator, at.layout, self.fleet.copies * at.accelerators, self.fleet.replicas

    @property
    def row(self) -> Evaluation:
        """The evaluation of one copy at its share of the peak load."""
        return self.fleet.copy


def keeps_budget(month: Band, budget_usd: float | None) -> bool:
    """Whether an expected month [USD] costs no more than a budget [USD]; all do where there is none."""
    return budget_usd is None or month.typical <= budget_usd


def plans(
    model: Model,
    scenario: Scenario,
    demand: Demand,
    inventory: Inventory,
    prices: RegionPrices,
    machines: Iterable[Machine] | None = None,
) -> tuple[Plan, ...]:
    """The plan of every machine type that carries the load (or of the one that is named), the one to take first.

    A plan of old prices, or on machines that can be taken away, comes after the others; of types that hold the same
    accelerators in the same number and layout the cheapest is kept. The first one keeps its level in a replay too.
    Raises InputError for a scenario that can not be asked.
    """
    check(demand)
    if machines is None:
        machines = machines_for(scenario, inventory, prices)
    known = (plan(model, scenario, demand, inventory, prices, machine) for machine in machines)
    able = [each for each in known if each]

    def as_replayed(each: Plan) -> Plan | None:
        machine = machine_named(each.row.candidate, inventory)
        return plan(model, scenario, demand, inventory, prices, machine, confirmed=True)

    ordered = confirm_first(able, _order, as_replayed) if needs_replay(scenario) else sorted(able, key=_order)
    distinct: dict[tuple[object, ...], Plan] = {}
    for each in ordered:
        distinct.setdefault(each.likeness, each)
    return tuple(distinct.values())


def _order(each: Plan) -> tuple[bool, bool, float]:
    return each.mix.order


def plan(
    model: Model,
    scenario: Scenario,
    demand: Demand,
    inventory: Inventory,
    prices: RegionPrices,
    machine: Machine,
    confirmed: bool = False,
) -> Plan | None:
    """One machine type under the load of a day; None where no number of it keeps the level, in a replay where
    `confirmed`, or it has no price."""
    rates = rates_of(machine, scenario, demand, inventory, prices)
    if not rates.prices:
        return None
    fleet = smallest_fleet(model, scenario, demand.headroom, inventory, prices, machine, confirmed)
    if fleet is None:
        return None
    copies = demand.copies_by_hour(fleet.copies)
    if OWNED in rates.prices:
        copies = (max(copies),) * HOURS_PER_DAY
    each = fleet.copy.candidate.machines
    ways = mixes([count * each for count in copies], rates, scenario.price_terms)
    if not ways:
        return None
    row = fleet.copy
    hourly = ways[0].lines[0]
    price = rates.prices[hourly.terms].usd_per_hour * each
    return Plan(
        fleet=fleet,
        hours=tuple(_hours(scenario, demand, fleet, copies)),
        mixes=ways,
        autoscaling=autoscaling(row, machine, demand.headroom, copies),
        utilization=_utilization(demand, fleet, copies),
        usd_per_1m_tokens=_month_over_its_tokens(ways[0], demand, fleet),
        usd_per_1m_tokens_at=tuple(_at_shares(price, row)),
    )


def rates_of(machine: Machine, scenario: Scenario, demand: Demand, inventory: Inventory, prices: RegionPrices) -> Rates:
    """What a machine costs for an hour on all terms; owned hardware, and a machine at the user's price, have no
    others.
    """
    device, ownership = node_for(machine, scenario, inventory).device, scenario.ownership
    busy = demand.mean * (1 - demand.headroom)
    if machine.kind == "device" or ownership.usd_per_gpu_hour:
        used = replace(ownership, utilization=busy)
        price = quote(machine, device, prices, scenario.price_terms, used).price
        if price and price.kind != "own":
            price = price._replace(usd_per_hour=price.usd_per_hour * busy)
        terms = OWNED if machine.kind == "device" else scenario.price_terms
        return Rates({terms: price} if price else {}, frozenset())
    known: dict[str, Price] = {}
    for terms in ("on-demand", *COMMITTED, "spot", "capacity-block"):
        if (price := quote(machine, device, prices, terms, ownership).price) is not None:
            known[terms] = price
    today = prices.asked_on
    old = frozenset(terms for terms, price in known.items() if today and price_stale(price, today))
    return Rates(known, old)


def _hours(scenario: Scenario, demand: Demand, fleet: Fleet, copies: tuple[int, ...]) -> Iterator[Hour]:
    work = scenario.workload
    peak = work.requests_per_second if work.requests_per_second is not None else work.concurrency
    at = fleet.copy.candidate
    for share, count in zip(demand.hours, copies, strict=True):
        yield Hour(load=peak * share, copies=count, replicas=count * at.replicas, machines=count * at.machines)


def _utilization(demand: Demand, fleet: Fleet, copies: tuple[int, ...]) -> float:
    """Mean load over what the running copies complete at most."""
    speed = fleet.copy.performance
    used = speed.utilization if speed and speed.utilization else 1.0  # of one copy at its share, the head-room as load
    peak = fleet.copies * (1 - demand.headroom) * used
    return min(peak * sum(demand.hours) / sum(copies), 1.0)


def _at_shares(usd_per_hour: float, row: Evaluation) -> Iterator[tuple[float, Band]]:
    """Cost of a million tokens at shares of what one copy completes at most [USD]."""
    if row.performance is None:
        return
    speed = row.performance
    full = (speed.possible_requests_per_s or speed.requests_per_s.typical) / speed.requests_per_s.typical
    for share in UTILIZATIONS:
        yield share, usd_per_1m_tokens(usd_per_hour / share / full, speed)


def _month_over_its_tokens(mix: Mix, demand: Demand, fleet: Fleet) -> float:
    speed = fleet.copy.performance
    if speed is None:
        return 0.0
    at_peak = speed.total_tokens_per_s.typical * fleet.copies * (1 - demand.headroom)
    tokens = at_peak * demand.mean * HOURS_PER_MONTH * SECONDS_PER_HOUR
    return mix.usd_per_month.typical / tokens * MILLION


class SecondRegion(NamedTuple):
    """A second region for a plan, since its machine is hard to get in one place."""

    region: str
    usd_per_hour: float
    why: str


def second_region(
    chosen: Plan, scenario: Scenario, inventory: Inventory, regions: Iterable[RegionPrices]
) -> SecondRegion | None:
    """The cheapest other region with a current price, where few regions offer the type or spot is taken back often."""
    machine = machine_named(chosen.row.candidate, inventory)
    if machine.kind != "cloud":
        return None
    device = inventory.accelerators[machine.accelerator]
    offering = [each for each in regions if machine.id in each.quotes]
    here = next((each for each in offering if each.region == scenario.region), None)
    often = here.quotes[machine.id].spot_interruption == ">20%" and chosen.mix.interruptible if here else False
    if len(offering) >= THIN_OFFER and not often:
        return None
    priced = [
        (price.usd_per_hour, each.region)
        for each in (region.for_decisions() for region in offering)
        if each.region != scenario.region
        if (price := quote(machine, device, each, "on-demand", scenario.ownership).price)
        if each.asked_on is None or not price_stale(price, each.asked_on)
    ]
    if not priced:
        return None
    usd, region = min(priced)
    why = f"{len(offering)} regions offer {machine.id}" if len(offering) < THIN_OFFER else "spot is taken back often"
    return SecondRegion(region, usd, why)
