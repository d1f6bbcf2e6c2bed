"""How many copies of a candidate carry a load within its service level, and what they cost under mixed prices."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Annotated, NamedTuple

from estimator.bounds import Ge, Gt, Le, Lt
from estimator.checks import check
from estimator.cost.quote import quote
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import node_of
from estimator.scenario.placement import machines_for
from estimator.scenario.scenario import Scenario
from estimator.units import HOURS_PER_MONTH

MOST_COPIES = 4096
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Demand:
    """How the scenario's load, taken as the peak, is spread over the day, and what is kept free for bursts."""

    headroom: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of capacity that the peak leaves unused."""
    base_load: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of the peak that never goes away."""
    peak_hours: Annotated[float, Ge(0), Le(24)] = 24.0
    """Hours a day at the peak; the rest of the day is at the base."""


class Mix(NamedTuple):
    """One way to pay: terms of what always runs, terms of what runs at the peak only."""

    base_terms: str
    peak_terms: str
    usd_per_month: float
    kinds: tuple[str, ...]
    """Of the prices used: list, derived, snapshot, estimate."""


class Fleet(NamedTuple):
    """Equal copies of one candidate."""

    copy: Evaluation
    """One copy at its share of the peak."""
    copies: int
    base_copies: int
    """That always run."""
    mixes: tuple[Mix, ...]
    """Cheapest first; those without an interruption risk before spot."""

    @property
    def usd_per_month(self) -> float:
        return self.mixes[0].usd_per_month


MIXES = (
    ("on-demand", "on-demand"),
    ("savings-1y", "on-demand"),
    ("reserved-1y", "on-demand"),
    ("savings-3y", "on-demand"),
    ("reserved-3y", "on-demand"),
    ("on-demand", "spot"),
    ("reserved-1y", "spot"),
    ("spot", "spot"),
)


def fleets(
    model: Model, scenario: Scenario, demand: Demand, inventory: Inventory, prices: RegionPrices
) -> tuple[Fleet, ...]:
    """The fleet of every machine type that can carry the load (or of the one that is named), cheapest first.

    Raises InputError for a scenario that can not be asked.
    """
    check(demand)
    machines = machines_for(scenario, inventory, prices)
    sized = (_fleet(model, scenario, demand, inventory, prices, machine) for machine in machines)
    return tuple(sorted((fleet for fleet in sized if fleet), key=lambda fleet: fleet.usd_per_month))


def _fleet(
    model: Model, scenario: Scenario, demand: Demand, inventory: Inventory, prices: RegionPrices, machine: Machine
) -> Fleet | None:
    """The fewest copies that keep the service level; None where no number does, or the machine has no price.

    A copy is one machine, and several only where one does not carry the smallest share.
    """
    placement = scenario.placement
    one = replace(scenario, placement=replace(placement, machines=placement.machines or 1))

    def copy(copies: int) -> Evaluation:
        share = _shared(one, copies * (1 - demand.headroom))
        return rank(model, share, inventory, prices, (machine,)).rows[0]

    def carries(row: Evaluation) -> bool:
        return row.verdict == "fits" and row.meets_service_level and row.holds_load

    if not carries(copy(MOST_COPIES)):
        one = scenario
        if not carries(copy(MOST_COPIES)):
            return None
    enough = 1
    while not carries(copy(enough)):
        enough *= 2
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        short, enough = (short, middle) if carries(copy(middle)) else (middle, enough)
    base = ceil(enough * demand.base_load)
    row = copy(enough)
    node = node_of(machine, inventory)

    def mixes() -> Iterator[Mix]:
        peak_hours = demand.peak_hours / HOURS_PER_DAY * HOURS_PER_MONTH
        for terms in MIXES:
            quotes = [quote(machine, node.device, prices, each, scenario.ownership).price for each in terms]
            if quotes[0] and quotes[1]:
                always = base * HOURS_PER_MONTH * quotes[0].usd_per_hour
                usd = row.candidate.machines * (always + (enough - base) * peak_hours * quotes[1].usd_per_hour)
                used = quotes if enough > base else quotes[:1]
                yield Mix(*terms, usd, tuple(dict.fromkeys(each.kind for each in used if each)))

    paid = sorted(mixes(), key=lambda mix: ("spot" in (mix.base_terms, mix.peak_terms), mix.usd_per_month))
    return Fleet(row, enough, base, tuple(paid)) if paid else None


def _shared(scenario: Scenario, parts: float) -> Scenario:
    """The scenario under its share of the load."""
    asked = scenario.workload
    if asked.requests_per_second is not None:
        workload = replace(asked, requests_per_second=asked.requests_per_second / parts)
    else:
        workload = replace(asked, concurrency=min(max(1, ceil(asked.concurrency / parts)), 1_000_000))
    return replace(scenario, workload=workload)
