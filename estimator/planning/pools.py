"""Mixed pools: a load in parts of different kinds, each on what carries it for least, and their blended cost."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.planning.day import DAYS, Demand
from estimator.planning.plan import Plan, plans
from estimator.ranking.smallest_fleet import share_of_load
from estimator.results import Band
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Scenario
from estimator.units import MILLION

MOST_POOLS = 16
ROUNDING = 0.005
"""By how much shares may miss the whole load, as percentages that are rounded do."""


class Pool(NamedTuple):
    """A part of the requests with lengths and a service level of its own."""

    name: str
    share: float
    """Part of the requests, 1 is all."""
    scenario: Scenario
    """The pool's lengths and level, under the load of all pools."""
    can_wait: bool = False
    """Whether its requests are spread evenly over the day, whenever they come."""


class PlannedPool(NamedTuple):
    """A pool with the plan that carries it."""

    pool: Pool
    plan: Plan

    @property
    def tokens_per_month(self) -> float:
        return self.plan.usd_per_month.typical / self.plan.usd_per_1m_tokens * MILLION

    @property
    def requests_per_month(self) -> float:
        return self.tokens_per_month / self.pool.scenario.workload.total_tokens


class MixedPlan(NamedTuple):
    """Plans of all pools of a load; what they cost together."""

    pools: tuple[PlannedPool, ...]

    @property
    def usd_per_month(self) -> Band:
        """Months of all pools together [USD]."""
        months = [each.plan.usd_per_month for each in self.pools]
        return Band(*(sum(parts) for parts in zip(*months, strict=True)))

    @property
    def usd_per_1m_tokens(self) -> float:
        """Blended cost of input and output tokens: all months over all tokens."""
        return self.usd_per_month.typical / sum(each.tokens_per_month for each in self.pools) * MILLION

    @property
    def usd_per_request(self) -> float:
        """Blended cost of a request."""
        return self.usd_per_month.typical / sum(each.requests_per_month for each in self.pools)

    def share_of_cost(self, part: PlannedPool) -> float:
        """What one pool costs over what all do."""
        return part.plan.usd_per_month.typical / self.usd_per_month.typical


def check_pools(pools: Sequence[Pool]) -> None:
    """Raises InputError for pools that are too many, are named alike, or do not share the whole load."""
    names = [each.name for each in pools]
    if len(names) > MOST_POOLS:
        raise InputError("pool", f"{len(names)} pools, at most {MOST_POOLS}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError("pool", f"{twice} is named twice")
    whole = sum(each.share for each in pools)
    if abs(whole - 1) > ROUNDING:
        raise InputError("pool", f"the shares add up to {whole:.4g}, expected 1 (100%)")


def part_of(pool: Pool, demand: Demand) -> tuple[Scenario, Demand]:
    """A pool's own load and the day that it comes in."""
    if not pool.can_wait:
        return share_of_load(pool.scenario, 1 / pool.share), demand
    steady = replace(demand, day=DAYS["steady"], base_load=1.0, peak_hours=24.0)
    return share_of_load(pool.scenario, 1 / (pool.share * demand.mean)), steady


def plan_pools(
    model: Model,
    demand: Demand,
    pools: Sequence[Pool],
    inventory: Inventory,
    prices: RegionPrices,
    machines: Iterable[Machine] | None = None,
) -> tuple[MixedPlan, Pool | None]:
    """The plan to take of each pool, and the first pool that no machine carries within its level (None where all are
    carried); what stands behind that one is not planned.

    Raises InputError for pools that do not make a load, and for a scenario that can not be asked.
    """
    check_pools(pools)
    kinds = None if machines is None else tuple(machines)
    planned: list[PlannedPool] = []
    for pool in pools:
        scenario, own = part_of(pool, demand)
        known = plans(model, scenario, own, inventory, prices, kinds)
        if not known:
            return MixedPlan(tuple(planned)), pool
        planned.append(PlannedPool(pool, known[0]))
    return MixedPlan(tuple(planned)), None
