"""Plans carry their load hour by hour, and their months add up by hand."""

from dataclasses import replace
from datetime import date
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.errors import InputError
from estimator.hardware.prices import Price
from estimator.planning.day import DAYS, Demand, at_busiest_hour, day_of, read_day
from estimator.planning.mix import Rates, hours_in_use, mixes
from estimator.planning.plan import Plan, plans, rates_of, second_region
from estimator.scenario.placement import machines_for
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.traffic import Request, Trace
from estimator.scenario.workload import Ownership, ServiceLevel, ServingWorkload
from estimator.units import MILLION

TODAY = date(2026, 11, 29)
DAYS_A_MONTH = 730 / 24


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


SCENARIO = Scenario(
    workload=ServingWorkload(requests_per_second=40),
    service_level=ServiceLevel(ttft_s=2.0, tpot_s=0.05),
    placement=Placement(instance="p5.48xlarge"),
)
OFFICE_IN_IRELAND = Scenario(
    model="meta-llama/Llama-3.1-8B-Instruct",
    workload=ServingWorkload(input_tokens=1000, output_tokens=300, requests_per_second=200),
    service_level=ServiceLevel(ttft_s=1.0),
    region="eu-west-1",
)


def planned(catalog: Catalog, scenario: Scenario = SCENARIO, demand: Demand | None = None) -> tuple[Plan, ...]:
    prices = catalog.prices(scenario.region)._replace(asked_on=TODAY).for_decisions()
    return plans(resolve(scenario.model, catalog), scenario, demand or Demand(), catalog.inventory, prices)


def test_a_copy_carries_its_share_within_the_service_level(catalog: Catalog) -> None:
    (plan,) = planned(catalog)
    speed = plan.row.performance
    assert speed
    assert plan.row.meets_service_level
    assert speed.requests_per_s.typical * plan.fleet.copies >= 40
    assert (speed.ttft_s.typical, speed.tpot_s.typical) < (2.0, 0.05)


def test_more_load_and_more_headroom_never_need_less(catalog: Catalog) -> None:
    counts = []
    for rate in (1, 40, 160):
        asked = replace(SCENARIO, workload=replace(SCENARIO.workload, requests_per_second=rate))
        counts.append(planned(catalog, asked)[0].fleet.copies)
    assert counts == sorted(counts)
    roomy, full = (planned(catalog, demand=Demand(headroom=share))[0].fleet.copies for share in (0.6, 0.0))
    assert roomy >= full


def test_the_month_of_office_hours_in_ireland_recomputed_by_hand(catalog: Catalog) -> None:
    """200 requests/s of 1,000 and 300 tokens, TTFT below a second, office hours, eu-west-1."""
    day = read_day("office")
    first, second, *_ = planned(catalog, OFFICE_IN_IRELAND, Demand(headroom=0.2, day=day, spare=1))
    assert len(first.hours) == 24
    for share, hour in zip(day, first.hours, strict=True):
        assert hour.load == pytest.approx(200 * share)
        assert hour.copies == max(ceil(first.fleet.copies * share), 1) + 1
    machine = first.row.candidate
    offered = catalog.prices("eu-west-1")._replace(asked_on=TODAY).for_decisions().quotes[machine.machine]
    bill = 0.0
    for line in first.mix.lines:
        price = offered.quote(line.terms)
        assert price
        assert not line.stale
        bill += line.hours_per_day * DAYS_A_MONTH * price.usd_per_hour
    hours = sum(hour.copies for hour in first.hours) * machine.machines
    assert sum(line.hours_per_day for line in first.mix.lines) == hours
    assert first.usd_per_month.typical == pytest.approx(bill)
    assert first.usd_per_month.low <= bill <= first.usd_per_month.high
    assert (
        first.usd_per_month.high
        >= max(hour.copies for hour in first.hours)
        * machine.machines
        * 730
        * (offered.on_demand.usd_per_hour if offered.on_demand else 0.0)
        * 0.999
    )
    assert second.usd_per_month.typical >= first.usd_per_month.typical
    policy = first.autoscaling
    assert policy.minimum == min(hour.replicas for hour in first.hours) < policy.maximum
    assert policy.cold_start.total_s == pytest.approx(sum(policy.cold_start))
    assert policy.target > 0
    assert 0 < first.utilization < 0.8


def test_unit_cost_times_volume_is_the_month(catalog: Catalog) -> None:
    (plan,) = planned(catalog, demand=Demand(day=read_day("office")))
    tokens = 40 * sum(read_day("office")) / 24 * SCENARIO.workload.total_tokens * 730 * 3600
    assert plan.usd_per_1m_tokens * tokens / MILLION == pytest.approx(plan.usd_per_month.typical, rel=1e-6)


def test_months_add_up(catalog: Catalog) -> None:
    (plan,) = planned(catalog, demand=Demand(base_load=0.5, peak_hours=8))
    base = ceil(plan.fleet.copies / 2)
    on_demand = next(mix for mix in plan.mixes if [line.terms for line in mix.lines] == ["on-demand"])
    assert on_demand.usd_per_month.typical == pytest.approx(55.04 * 730 * (base + (plan.fleet.copies - base) / 3))
    assert plan.usd_per_month.typical <= on_demand.usd_per_month.typical


def test_spot_and_old_prices_are_never_the_first_choice(catalog: Catalog) -> None:
    for plan in planned(catalog, replace(SCENARIO, placement=Placement())):
        fresh = [mix for mix in plan.mixes if not mix.stale and not mix.interruptible]
        assert not fresh or plan.mix == fresh[0]


def test_what_no_number_of_machines_can_meet_is_left_out(catalog: Catalog) -> None:
    assert planned(catalog, replace(SCENARIO, service_level=ServiceLevel(tpot_s=1e-5))) == ()


def test_the_asked_price_terms_are_the_only_base(catalog: Catalog) -> None:
    for terms in ("capacity-block", "spot", "reserved-3y"):
        (plan,) = planned(catalog, replace(SCENARIO, price_terms=terms), Demand(base_load=0.3, peak_hours=8))
        assert {mix.base_terms for mix in plan.mixes} == {terms}


def test_no_two_ways_to_pay_are_alike(catalog: Catalog) -> None:
    for demand in (Demand(), Demand(day=read_day("bursty"))):
        (plan,) = planned(catalog, demand=demand)
        lines = [tuple((line.terms, line.machines) for line in mix.lines) for mix in plan.mixes]
        assert len(lines) == len(set(lines)) > 1


def test_owned_hardware_is_neither_rented_nor_on_spot(catalog: Catalog) -> None:
    placement = Placement(accelerator="rtx5090", count=4)
    workload = ServingWorkload(requests_per_second=1)
    owned = Scenario(model="meta-llama/Llama-3.1-8B", deployment="local", placement=placement, workload=workload)
    (plan,) = planned(catalog, owned, Demand(day=read_day("office")))
    assert [[line.terms for line in mix.lines] for mix in plan.mixes] == [["owned"]]
    assert plan.autoscaling.minimum == plan.autoscaling.maximum


HALF_DAYS = Demand(base_load=0.5, peak_hours=12, headroom=0.2)
"""Half a day at the peak and half at half of it, a fifth kept free: 0.6 of the hours of use."""


def test_the_users_own_price_is_paid_for_every_hour_on_the_asked_terms_alone(catalog: Catalog) -> None:
    own = replace(SCENARIO, ownership=Ownership(usd_per_gpu_hour=2.0))
    machine = catalog.inventory.machines["p5.48xlarge"]
    rates = rates_of(machine, own, HALF_DAYS, catalog.inventory, catalog.prices("us-east-1"))
    assert {terms: price.usd_per_hour for terms, price in rates.prices.items()} == {"on-demand": 8 * 2.0}
    assert not rates.stale


def test_owned_hardware_is_written_off_in_every_hour_however_few_it_works(catalog: Catalog) -> None:
    """Four cards of 2,190 USD over two years of twelve months of 730 hours, power for nothing: 0.5 USD an hour."""
    ownership = Ownership(hardware_usd=2190.0, amortization_years=2, usd_per_kwh=0.0)
    placement = Placement(accelerator="rtx5090", count=4)
    scenario = replace(SCENARIO, deployment="local", placement=placement, ownership=ownership)
    (machine,) = machines_for(scenario, catalog.inventory, catalog.prices("us-east-1"))
    for demand in (Demand(), HALF_DAYS):
        rates = rates_of(machine, scenario, demand, catalog.inventory, catalog.prices("us-east-1"))
        assert [price.usd_per_hour for price in rates.prices.values()] == [pytest.approx(0.5)]


def test_a_reserved_price_from_before_a_price_cut_is_never_the_headline(catalog: Catalog) -> None:
    """Reserved prices of p5.48xlarge are of April 2025, its on-demand price of July 2026, cut by 44 % in between."""
    (plan,) = planned(catalog)
    assert plan.mix.base_terms == "on-demand"
    assert any(mix.stale for mix in plan.mixes if mix.base_terms == "reserved-3y")


def test_a_type_that_few_regions_offer_has_a_second_one(catalog: Catalog) -> None:
    regions = [catalog.prices(region)._replace(asked_on=TODAY) for region in catalog.regions]
    thin = replace(SCENARIO, placement=Placement(instance="p6-b200.48xlarge"))
    (plan,) = planned(catalog, thin)
    other = second_region(plan, thin, catalog.inventory, regions)
    offering = sum("p6-b200.48xlarge" in each.quotes for each in regions)
    assert (other is not None) == (offering < 10)
    if other:
        assert other.region != "us-east-1"


@pytest.mark.parametrize(("regions_with_it", "named"), [(9, True), (10, False)])
def test_ten_regions_are_enough_to_need_no_second_one(catalog: Catalog, regions_with_it: int, named: bool) -> None:
    common = replace(SCENARIO, placement=Placement(instance="p5.48xlarge"))
    (plan,) = planned(catalog, common)
    regions = [catalog.prices(region)._replace(asked_on=TODAY) for region in catalog.regions]
    offering = [each for each in regions if "p5.48xlarge" in each.quotes][:regions_with_it]
    assert len(offering) == regions_with_it
    assert bool(second_region(plan, common, catalog.inventory, offering)) is named


@pytest.mark.parametrize("day", ["", "lunch", "1,2,3", ",".join(["0"] * 24), ",".join(["-1"] * 24), ",".join("x" * 24)])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(InputError):
        read_day(day)


def test_days_are_24_shares_of_their_peak() -> None:
    for day in DAYS.values():
        assert len(day) == 24
        assert max(day) == 1
    assert read_day(",".join(str(hour) for hour in range(1, 25)))[-1] == 1
    assert Demand(base_load=0.5, peak_hours=8).mean == pytest.approx((8 + 16 * 0.5) / 24)


PRICES = st.floats(0.01, 100)
HOURS = st.lists(st.integers(1, 40), min_size=24, max_size=24)


def rates(on_demand: float, spot: float, reserved: float) -> Rates:
    return Rates(
        {
            "on-demand": Price(on_demand, "list", "2026-07-20"),
            "spot": Price(min(spot, on_demand), "snapshot", "2026-07-20"),
            "reserved-1y": Price(reserved, "list", "2026-07-20"),
        },
        frozenset(),
    )


@settings(max_examples=60, deadline=None)
@given(HOURS, PRICES, PRICES, PRICES)
def test_every_way_to_pay_covers_every_machine_hour_and_its_band_holds_it(
    hours: list[int], on_demand: float, spot: float, reserved: float
) -> None:
    for mix in mixes(hours, rates(on_demand, spot, reserved), "on-demand"):
        assert sum(line.hours_per_day for line in mix.lines) >= sum(hours)
        assert sum(line.machines for line in mix.lines) == max(hours)
        assert mix.usd_per_month.low <= mix.usd_per_month.typical <= mix.usd_per_month.high * (1 + 1e-9)
        assert sum(line.usd_per_month for line in mix.lines) == pytest.approx(mix.usd_per_month.typical)


@settings(max_examples=60, deadline=None)
@given(HOURS, PRICES, PRICES, PRICES, st.floats(0.5, 1.0))
def test_a_lower_price_never_costs_more(
    hours: list[int], on_demand: float, spot: float, reserved: float, cut: float
) -> None:
    def least(*prices: float) -> float:
        return min(mix.usd_per_month.typical for mix in mixes(hours, rates(*prices), "on-demand"))

    assert least(on_demand * cut, spot * cut, reserved) <= least(on_demand, spot, reserved) * (1 + 1e-9)
    assert least(on_demand, spot, reserved * cut) <= least(on_demand, spot, reserved) * (1 + 1e-9)


@given(HOURS)
def test_machine_hours_are_those_of_the_day(hours: list[int]) -> None:
    assert sum(hours_in_use(hours, machine) for machine in range(1, max(hours) + 1)) == sum(hours)


def _recorded(hours: int, busy: range, each: tuple[int, int]) -> Trace:
    """A trace of so many hours with `each` of (quiet, busy) requests in every one."""
    requests = []
    for hour in range(hours):
        count = each[hour % 24 in busy]
        requests += [Request(3600 * (hour + at / count), 500, 100 + 100 * (at % 2)) for at in range(count)]
    return Trace("day.csv", requests)


def test_a_recorded_day_gives_the_hours_and_the_rate_of_the_busiest_one() -> None:
    trace = _recorded(48, range(8, 20), (10, 40))
    day = day_of(trace)
    assert day == tuple(1.0 if 8 <= hour < 20 else 0.25 for hour in range(24))
    workload = ServingWorkload(500, 150, traffic="trace", trace=trace, requests_per_second=trace.requests_per_second)
    busiest = at_busiest_hour(workload, day)
    assert busiest.kind == "rate"
    assert busiest.requests_per_second == pytest.approx(40 / 3600, rel=0.02)
    assert busiest.length_variation == pytest.approx(1 / 3)
    assert day_of(_recorded(12, range(24), (10, 10))) == ()


def test_each_way_to_pay_says_why(catalog: Catalog) -> None:
    steady, office = (
        planned(catalog, OFFICE_IN_IRELAND, Demand(day=day))[0] for day in (DAYS["steady"], DAYS["office"])
    )
    said = {line.terms: line.why for each in (steady, office) for mix in each.mixes for line in mix.lines}
    assert "can be taken away" in said["spot"]
    assert steady.mixes[0].lines[0].why
    bought = replace(
        SCENARIO,
        model="Qwen/Qwen3-8B",
        workload=replace(SCENARIO.workload, requests_per_second=2),
        deployment="local",
        placement=Placement(accelerator="l40s"),
    )
    (owned,) = planned(catalog, bought)
    assert [line.why for line in owned.mixes[0].lines] == ["bought: it stands there at every hour"]
    hourly = {mix.lines[0].why for mix in steady.mixes if mix.lines[0].terms == "on-demand"}
    assert hourly == {"runs in every hour, at the price of the hour"}
