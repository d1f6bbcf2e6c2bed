"""A row of the leaderboard is the smallest fleet of its machines that is right, and a plan names the same one."""

from dataclasses import replace

import pytest

from catalog.load import Catalog, load
from estimator.planning.day import Demand
from estimator.planning.plan import plans
from estimator.ranking.confirmed import MOST_CONFIRMED, confirm_first
from estimator.ranking.rank import evaluate, rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload

LEVEL = ServiceLevel(ttft_s=1.0, ttft_percentile=95)
BUSY = Scenario(workload=ServingWorkload(1000, 300, requests_per_second=200), service_level=LEVEL, region="eu-west-1")
MANY = Scenario(workload=ServingWorkload(concurrency=500), service_level=ServiceLevel(ttft_s=2.0, tpot_s=0.05))
SMALL = Scenario("meta-llama/Llama-3.1-8B-Instruct", "bf16", workload=ServingWorkload(2048, 512, 8))


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def board(catalog: Catalog, scenario: Scenario) -> tuple[Evaluation, ...]:
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices(scenario.region)).rows


def on(catalog: Catalog, scenario: Scenario, instance: str, **placement: int) -> Evaluation:
    named = replace(scenario, placement=Placement(instance=instance, **placement))
    return board(catalog, named)[0]


def test_a_plan_and_the_leaderboard_name_the_same_fleet_whose_replay_meets_the_level(catalog: Catalog) -> None:
    row = next(row for row in board(catalog, BUSY) if row.cost.price_usd_per_hour is not None)
    prices = catalog.prices(BUSY.region)
    plan = plans(catalog.model(BUSY.model), BUSY, Demand(), catalog.inventory, prices)[0]
    at = row.candidate
    assert (plan.row.candidate.machine, plan.fleet.copies) == (at.machine, at.machines)
    assert plan.row.candidate.layout == at.layout
    assert plan.fleet.replicas == at.replicas
    list_price = next(mix for mix in plan.mixes if (mix.base_terms, mix.peak_terms) == ("on-demand", None))
    assert list_price.usd_per_month.typical == pytest.approx(row.cost.usd_per_month)
    full = evaluate(catalog.model(BUSY.model), BUSY, catalog.inventory, prices)
    assert full.candidate == at
    assert full.performance
    assert full.performance.percentiles
    assert full.performance.percentiles.ttft_s.p95 <= 1.0
    assert full.meets_service_level
    assert full.level_times
    assert full.level_times.ttft_s == full.performance.percentiles.ttft_s.p95
    assert plan.row.performance
    assert plan.row.performance.percentiles
    assert plan.row.performance.percentiles.ttft_s.p95 == pytest.approx(full.performance.percentiles.ttft_s.p95)
    fewer = on(catalog, BUSY, at.machine, machines=at.machines - 1, tp=at.layout.tp, pp=at.layout.pp)
    assert not fewer.meets_service_level
    assert fewer.level_times
    assert fewer.level_times.ttft_s > 1.0


def test_spare_machines_stand_beside_a_fleet_that_a_replay_confirmed(catalog: Catalog) -> None:
    machine = board(catalog, BUSY)[0].candidate.machine
    need, spare = on(catalog, BUSY, machine), on(catalog, BUSY, machine, spare=2)
    assert spare.candidate.machines == need.candidate.machines + 2
    assert spare.meets_service_level


def test_what_leads_stays_first_as_its_replay_shows_it() -> None:
    """The first falls to the third place, the next drops out, the third stays."""
    after = {1: 5, 2: None, 3: 3}
    assert confirm_first([3, 1, 4, 2], float, lambda each: after.get(each, each)) == [3, 4, 5]
    assert confirm_first([], float, lambda each: each) == []
    falling = confirm_first(range(MOST_CONFIRMED + 4), float, lambda each: each + 100)
    assert falling == [*range(MOST_CONFIRMED, MOST_CONFIRMED + 4), *range(100, 100 + MOST_CONFIRMED)]


@pytest.mark.parametrize("scenario", [BUSY, MANY], ids=["rate", "users"])
def test_one_machine_less_is_not_right(catalog: Catalog, scenario: Scenario) -> None:
    """In the layout that was found: the closed form chooses it, and a replay of percentiles may see another one keep a
    level on a fortieth fewer.
    """
    rows = [row for row in board(catalog, scenario) if row.meets_service_level and row.cost.price_usd_per_hour]
    fleets_of_many = [row for row in rows if row.candidate.machines > 1]
    assert fleets_of_many
    for row in fleets_of_many[::4]:
        at = row.candidate
        fewer = on(catalog, scenario, at.machine, machines=at.machines - 1, tp=at.layout.tp, pp=at.layout.pp)
        assert not (fewer.meets_service_level and fewer.holds_load), row.candidate


def test_a_machine_that_holds_seven_of_eight_users_appears_twice(catalog: Catalog) -> None:
    alone = on(catalog, SMALL, "g6.xlarge", machines=1)
    if alone.holds_load:
        pytest.skip("the catalogue's g6.xlarge holds all of them")
    row = on(catalog, SMALL, "g6.xlarge")
    assert row.holds_load
    assert row.candidate.machines == 2
    assert row.cost.price_usd_per_hour == pytest.approx(2 * (alone.cost.price_usd_per_hour or 0))


def test_a_spare_machine_is_paid_and_said(catalog: Catalog) -> None:
    need, spare = on(catalog, MANY, "p4d.24xlarge"), on(catalog, MANY, "p4d.24xlarge", spare=1)
    assert spare.candidate.machines == need.candidate.machines + 1
    assert spare.candidate.spare == 1
    assert spare.cost.usd_per_month == pytest.approx(
        (need.cost.usd_per_month or 0) * spare.candidate.machines / need.candidate.machines
    )


def test_what_no_number_makes_right_says_what_it_misses(catalog: Catalog) -> None:
    never = replace(BUSY, service_level=ServiceLevel(tpot_s=0.001), placement=Placement(instance="p4d.24xlarge"))
    row = board(catalog, never)[0]
    assert row.verdict == "fits"
    assert not row.meets_service_level
    assert row.level_times
    assert row.level_times.tpot_s > 0.001
    flooded = replace(BUSY.workload, requests_per_second=100_000)
    most = on(catalog, replace(BUSY, workload=flooded), "p4d.24xlarge")
    assert 56 < most.candidate.machines <= 64
    assert (most.shortage or "").startswith("overloaded: 100000/s asked, ")


def test_the_most_machines_are_never_passed(catalog: Catalog) -> None:
    row = on(catalog, BUSY, "p4d.24xlarge", most_machines=4)
    assert 1 < row.candidate.machines <= 4
    assert not row.holds_load
