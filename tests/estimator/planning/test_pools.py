"""Mixed pools: parts of a load on machines of their own, and what they cost together."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.planning.day import DAYS, Demand
from estimator.planning.plan import plans
from estimator.planning.pools import Pool, check_pools, part_of, plan_pools
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

ASKED = Scenario(
    model="meta-llama/Llama-3.1-8B-Instruct",
    workload=ServingWorkload(1000, 300, requests_per_second=60),
    service_level=ServiceLevel(ttft_s=1.0),
)
OFFICE = Demand(day=DAYS["office"])
LONG = replace(ASKED, workload=replace(ASKED.workload, input_tokens=12_000), service_level=ServiceLevel(ttft_s=5.0))
POOLS = (
    Pool("realtime", 0.7, ASKED),
    Pool("batch", 0.2, replace(ASKED, service_level=ServiceLevel()), can_wait=True),
    Pool("long", 0.1, LONG),
)
TYPES = ("g5.xlarge", "g6e.xlarge", "p5.4xlarge")


def test_pools_cost_what_their_plans_cost_and_carry_every_request(catalog: Catalog) -> None:
    inventory, prices = catalog.inventory, catalog.prices("us-east-1")
    machines = [inventory.machines[name] for name in TYPES]
    mixed, short = plan_pools(catalog.model(ASKED.model), OFFICE, POOLS, inventory, prices, machines)
    assert short is None
    assert mixed.usd_per_month.typical == sum(each.plan.usd_per_month.typical for each in mixed.pools)
    assert sum(map(mixed.share_of_cost, mixed.pools)) == pytest.approx(1)
    requests = 60 * OFFICE.mean * HOURS_PER_MONTH * SECONDS_PER_HOUR
    for each in mixed.pools:
        assert each.requests_per_month == pytest.approx(each.pool.share * requests, rel=1e-6)
        alone = plans(catalog.model(ASKED.model), *part_of(each.pool, OFFICE), inventory, prices, machines)[0]
        assert alone.usd_per_month == each.plan.usd_per_month
    assert mixed.usd_per_request * requests == pytest.approx(mixed.usd_per_month.typical)
    tokens = requests * (0.9 * 1300 + 0.1 * 12_300)
    assert mixed.usd_per_1m_tokens * tokens / 1e6 == pytest.approx(mixed.usd_per_month.typical)


def test_what_can_wait_comes_evenly_over_the_day() -> None:
    scenario, day = part_of(POOLS[1], OFFICE)
    assert day.hours == (1.0,) * 24
    assert scenario.workload.requests_per_second == pytest.approx(60 * 0.2 * OFFICE.mean)
    scenario, day = part_of(POOLS[0], OFFICE)
    assert day is OFFICE
    assert scenario.workload.requests_per_second == pytest.approx(42)


def test_a_pool_that_nothing_carries_is_named(catalog: Catalog) -> None:
    strict = Pool("strict", 0.5, replace(ASKED, service_level=ServiceLevel(tpot_s=1e-6)))
    machines = [catalog.inventory.machines["g5.xlarge"]]
    pools, prices = (Pool("other", 0.5, ASKED), strict), catalog.prices("us-east-1")
    mixed, short = plan_pools(catalog.model(ASKED.model), Demand(), pools, catalog.inventory, prices, machines)
    assert short is strict
    assert [each.pool.name for each in mixed.pools] == ["other"]


def test_users_are_shared_over_pools_too(catalog: Catalog) -> None:
    held = replace(ASKED, workload=ServingWorkload(1000, 300, 100), placement=Placement(instance="g6e.xlarge"))
    scenario, _ = part_of(Pool("half", 0.5, held), Demand())
    assert scenario.workload.concurrency == 50


@pytest.mark.parametrize(
    ("pools", "reason"),
    [
        ((Pool("a", 0.5, ASKED), Pool("a", 0.5, ASKED)), "a is named twice"),
        ((Pool("a", 0.5, ASKED), Pool("b", 0.4, ASKED)), "add up to 0.9"),
        (tuple(Pool(f"p{at}", 1 / 17, ASKED) for at in range(17)), "at most 16"),
    ],
)
def test_pools_that_make_no_load_are_refused(pools: tuple[Pool, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_pools(pools)
