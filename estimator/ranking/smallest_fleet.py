"""The smallest fleet: how many copies of a candidate carry a load within its service level."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.layout import Layout
from estimator.models.model import Model
from estimator.ranking.confirmed import needs_replay
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Scenario
from estimator.serving.fleet_size import least_enough, least_within
from estimator.serving.judge import level_excess

MOST_COPIES = 4096


class Fleet(NamedTuple):
    """Equal copies of one candidate that carry a load together."""

    copy: Evaluation
    """One copy at its share of the load, the head-room taken for used."""
    copies: int

    @property
    def machines(self) -> int:
        return self.copies * self.copy.candidate.machines

    @property
    def replicas(self) -> int:
        return self.copies * self.copy.candidate.replicas


def smallest_fleet(
    model: Model,
    scenario: Scenario,
    headroom: float,
    inventory: Inventory,
    prices: RegionPrices,
    machine: Machine,
    confirmed: bool = False,
) -> Fleet | None:
    """The fewest copies that keep the level with `headroom` of their capacity unused; None where no number does.

    A copy is one machine, and several only where one does not carry the smallest share. Where `confirmed`, a replay of
    a copy keeps a level of percentiles too. Raises InputError for a scenario that can not be asked.
    """
    placement = replace(scenario.placement, most_machines=1, spare=0)
    scenario = replace(scenario, placement=placement)
    one = replace(scenario, placement=replace(placement, machines=placement.machines or 1))
    for share in (one, scenario):

        def judged(copies: int, replayed: bool = False, share: Scenario = share) -> Evaluation:
            part = share_of_load(share, copies * (1 - headroom))
            return rank(model, part, inventory, prices, (machine,), confirmed=replayed).rows[0]

        copies = _fewest_copies(judged)
        if copies and confirmed and needs_replay(scenario):
            share = _in_layout(share, judged(copies).candidate.layout, model)

            def beyond(count: int, share: Scenario = share) -> float:
                return level_excess(judged(count, True, share), scenario)

            copies = least_within(copies, MOST_COPIES, beyond)
        if copies:
            return Fleet(judged(copies, confirmed, share), copies)
    return None


def _in_layout(scenario: Scenario, layout: Layout, model: Model) -> Scenario:
    """The scenario in the layout that was found, as a leaderboard's row keeps it while its fleet grows."""
    if layout.host:
        return scenario
    placement = replace(scenario.placement, tp=layout.tp, pp=layout.pp)
    if model.architecture.is_moe:
        placement = replace(placement, ep=layout.ep, dp=layout.dp)
    return replace(scenario, placement=placement)


def _fewest_copies(judged: Callable[[int], Evaluation]) -> int:
    """The least number of copies each of which carries its share, by bisection; 0 where none does."""

    def carries(copies: int) -> bool:
        row = judged(copies)
        return row.verdict == "fits" and row.meets_service_level and row.holds_load

    return least_enough(1, MOST_COPIES, carries) if carries(MOST_COPIES) else 0


def share_of_load(scenario: Scenario, parts: float) -> Scenario:
    """The scenario under one of so many equal parts of its load."""
    whole = scenario.workload
    if whole.requests_per_second is not None:
        workload = replace(whole, requests_per_second=whole.requests_per_second / parts)
    else:
        workload = replace(whole, concurrency=min(max(1, ceil(whole.concurrency / parts)), 1_000_000))
    return replace(scenario, workload=workload)
