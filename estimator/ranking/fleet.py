"""How many copies of a candidate carry a load within its service level, and what they cost under mixed prices."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Annotated, NamedTuple

from estimator.bounds import Ge, Gt, Le, Lt
from estimator.checks import check
from estimator.cost.quote import quote
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices, price_stale
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.records import record
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import Node, node_for
from estimator.scenario.placement import machines_for
from estimator.scenario.scenario import Scenario
from estimator.units import HOURS_PER_MONTH

MOST_COPIES = 4096
HOURS_PER_DAY = 24


@record(frozen=True, slots=True)
class Demand:
    """How the scenario's load, taken as the peak, is spread over the day, and what is kept free for bursts."""

    headroom: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of capacity that the peak leaves unused."""
    base_load: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of the peak that never goes away."""
    peak_hours: Annotated[float, Ge(0), Le(24)] = 24.0
    """Hours a day at the peak; the rest of the day is at the base."""


class Mix(NamedTuple):
    """One way to pay for a fleet: terms of what always runs, and terms of what runs at the peak only."""

    base_terms: str
    """Price terms, or `owned` for hardware of one's own."""
    peak_terms: str | None
    """None where nothing runs at the peak only."""
    usd_per_month: float
    kinds: tuple[str, ...]
    """Kinds of the prices used: list, derived, snapshot, estimate."""
    stale: bool = False
    """Whether a price used is from before a known cut, or older than half a year."""

    @property
    def interruptible(self) -> bool:
        """Whether this way to pay takes spot machines, which the provider can take away."""
        return "spot" in (self.base_terms, self.peak_terms)


class Fleet(NamedTuple):
    """Equal copies of one candidate that carry a load together."""

    copy: Evaluation
    """One copy at its share of the peak."""
    copies: int
    base_copies: int
    """Copies that always run."""
    mixes: tuple[Mix, ...]
    """Ways to pay, cheapest first: those of current prices and without interruption before the others."""

    @property
    def usd_per_month(self) -> float:
        """Cost of the first way to pay."""
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
"""What is compared where the scenario asks for on-demand, which it does by default."""
OWNED = "owned"


def mixes_of(terms: str, has_peak: bool, owned: bool) -> tuple[tuple[str, str | None], ...]:
    """Base and peak terms to compare: those of the scenario, or all where it asks for on-demand.

    Owned hardware is bought: it has no other terms. Without machines that run at the peak only there are no peak terms.
    """
    if owned:
        return ((OWNED, OWNED if has_peak else None),)
    pairs = MIXES if terms == "on-demand" else ((terms, terms), (terms, "on-demand"))
    return tuple(dict.fromkeys((base, peak if has_peak else None) for base, peak in pairs))


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
    for share in (one, scenario):
        if copies := _fewest_copies(share, demand, lambda part: _row(model, part, inventory, prices, machine)):
            break
    else:
        return None
    row = _row(model, _shared(share, copies * (1 - demand.headroom)), inventory, prices, machine)
    base = ceil(copies * demand.base_load)
    mixes = _mixes(scenario, demand, (base, copies - base), node_for(machine, scenario, inventory), prices, row)
    return Fleet(copy=row, copies=copies, base_copies=base, mixes=mixes) if mixes else None


def _row(model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices, machine: Machine) -> Evaluation:
    return rank(model, scenario, inventory, prices, (machine,)).rows[0]


def _fewest_copies(scenario: Scenario, demand: Demand, judged: Callable[[Scenario], Evaluation]) -> int:
    """The least number of copies each of which carries its share, by bisection; 0 where none does."""

    def carries(copies: int) -> bool:
        row = judged(_shared(scenario, copies * (1 - demand.headroom)))
        return row.verdict == "fits" and row.meets_service_level and row.holds_load

    if not carries(MOST_COPIES):
        return 0
    enough = 1
    while not carries(enough):
        enough *= 2
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        short, enough = (short, middle) if carries(middle) else (middle, enough)
    return enough


def _mixes(
    scenario: Scenario, demand: Demand, copies: tuple[int, int], node: Node, prices: RegionPrices, row: Evaluation
) -> tuple[Mix, ...]:
    """Every way to pay for so many copies that always run and so many at the peak, the one to take first."""
    base, extra = copies
    hours = HOURS_PER_MONTH, demand.peak_hours / HOURS_PER_DAY * HOURS_PER_MONTH
    mixes = []
    for terms in mixes_of(scenario.price_terms, extra > 0, node.machine.kind == "device"):
        used = [each for each in terms if each is not None]
        quotes = [quote(node.machine, node.device, prices, each, scenario.ownership).price for each in used]
        paid = [each for each in quotes if each is not None]
        if len(paid) < len(used):
            continue
        running = zip((base, extra), hours, paid, strict=False)
        usd = row.candidate.machines * sum(count * each * price.usd_per_hour for count, each, price in running)
        mixes.append(
            Mix(
                base_terms=terms[0],
                peak_terms=terms[1],
                usd_per_month=usd,
                kinds=tuple(dict.fromkeys(price.kind for price in paid)),
                stale=prices.asked_on is not None and any(price_stale(price, prices.asked_on) for price in paid),
            )
        )
    return tuple(sorted(mixes, key=lambda mix: (mix.stale, mix.interruptible, mix.usd_per_month)))


def _shared(scenario: Scenario, parts: float) -> Scenario:
    """The scenario under its share of the load."""
    whole = scenario.workload
    if whole.requests_per_second is not None:
        workload = replace(whole, requests_per_second=whole.requests_per_second / parts)
    else:
        workload = replace(whole, concurrency=min(max(1, ceil(whole.concurrency / parts)), 1_000_000))
    return replace(scenario, workload=workload)
