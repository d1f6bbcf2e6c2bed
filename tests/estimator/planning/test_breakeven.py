"""Break-even points are where two curves cross."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.cost.quote import quote
from estimator.hardware.prices import Price
from estimator.planning.breakeven import AgainstApi, AgainstBuying, ApiPrice, against_api, against_buying, against_terms
from estimator.planning.mix import Rates, break_even_hours, mixes
from estimator.ranking.rank import rank
from estimator.scenario.nodes import node_for
from estimator.scenario.placement import machine_named
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.units import HOURS_PER_MONTH

USD = st.floats(1, 1e6)


@given(USD, st.floats(1e3, 1e9), st.floats(1e-5, 10))
def test_renting_and_the_api_cost_the_same_where_they_break_even(month: float, most: float, api: float) -> None:
    against = AgainstApi(month, most, api)
    if against.requests is None:
        assert against.rent(most) > against.api(most)
        assert against.always_from is None
        return
    assert against.rent(against.requests) == pytest.approx(against.api(against.requests))
    assert against.rent(against.requests * 0.99) > against.api(against.requests * 0.99)
    if against.always_from is not None and against.always_from < 1e3 * most:
        for beyond in (1.0, 1.001, 1.5, 2.7, 10.0):
            volume = against.always_from * beyond
            assert against.rent(volume) <= against.api(volume) * (1 + 1e-9)


@given(USD, USD, USD)
def test_buying_and_renting_cost_the_same_where_they_break_even(purchase: float, running: float, rent: float) -> None:
    against = AgainstBuying(purchase, running, rent)
    assume(against.months is None or against.months < 1e6)
    if against.months is None:
        assert running >= rent
    else:
        assert against.bought(against.months) == pytest.approx(against.rented(against.months))


@given(st.floats(0.01, 500), st.floats(0.01, 500), st.integers(1, 24))
def test_committed_terms_and_the_hour_cost_the_same_where_they_break_even(
    committed: float, hourly: float, hours_a_day: int
) -> None:
    """A machine that runs so many hours a day: the plan's cheapest bill is the lower of the two curves, which cross at
    the break-even; before it the plan pays by the hour, after it the commitment."""
    prices = {terms: Price(usd, "list", "2026") for terms, usd in (("on-demand", hourly), ("reserved-1y", committed))}
    even = break_even_hours(prices["reserved-1y"], prices["on-demand"])
    assert hourly * even == pytest.approx(committed * HOURS_PER_MONTH)
    used = hours_a_day / 24 * HOURS_PER_MONTH
    assume(abs(used - even) > 1e-6)
    by_day = [1] * hours_a_day + [0] * (24 - hours_a_day)
    first = mixes(by_day, Rates(prices, frozenset()), "on-demand")[0]
    assert first.usd_per_month.typical == pytest.approx(min(hourly * used, committed * HOURS_PER_MONTH))
    if hourly != committed:
        assert first.base_terms == ("reserved-1y" if used > even else "on-demand")


def test_every_committed_price_breaks_even_where_its_month_is_that_of_the_hours(catalog: Catalog) -> None:
    crossed = 0
    for region in catalog.regions:
        prices, scenario = catalog.prices(region), Scenario(region=region)
        for machine in catalog.inventory.machines.values():
            if machine.kind != "cloud" or not machine.accelerator:
                continue
            device = catalog.inventory.accelerators[machine.accelerator]
            hourly = quote(machine, device, prices, "on-demand", scenario.ownership).price
            for each in against_terms(machine, device, scenario, prices):
                assert hourly
                assert each.hours_per_month * hourly.usd_per_hour == pytest.approx(each.usd_per_hour * HOURS_PER_MONTH)
                crossed += 1
    assert crossed > 100


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def test_a_machine_beside_an_api_its_own_terms_and_its_purchase(catalog: Catalog) -> None:
    """p5.48xlarge at $55.04 an hour; an API at $1 and $2 per 1M tokens asks $0.003072 for 2,048 and 512 tokens."""
    scenario = Scenario(placement=Placement(instance="p5.48xlarge"), workload=ServingWorkload(concurrency=256))
    prices = catalog.prices(scenario.region)
    row = rank(resolve(scenario.model, catalog), scenario, catalog.inventory, prices).rows[0]
    against = against_api(row, scenario.workload, ApiPrice(1, 2))
    assert against
    assert against.api_usd_per_request == pytest.approx(2048e-6 + 2 * 512e-6)
    assert against.usd_per_copy_month == pytest.approx(55.04 * 730)
    machine = machine_named(row.candidate, catalog.inventory)
    device = node_for(machine, scenario, catalog.inventory).device
    three_years = {each.terms: each for each in against_terms(machine, device, scenario, prices)}["reserved-3y"]
    assert three_years.hours_per_month * 55.04 == pytest.approx(three_years.usd_per_hour * 730)
    buying = against_buying(row, machine, device, scenario)
    assert buying
    assert buying.purchase_usd == pytest.approx(8 * (device.list_price_usd or 0))
    assert buying.running_usd_per_month == pytest.approx(8 * 0.7 * 0.15 * 730)


def test_published_api_prices_have_a_date_and_a_source(catalog: Catalog) -> None:
    assert len(catalog.api_prices) > 8
    assert all(each.as_of and each.source and each.usd_per_1m_output > 0 for each in catalog.api_prices.values())


def test_what_has_no_price_or_is_free_has_no_break_even(catalog: Catalog) -> None:
    scenario = Scenario(model="Qwen/Qwen3-8B", placement=Placement(instance="g6e.xlarge", machines=1))
    model, prices = resolve(scenario.model, catalog), catalog.prices("us-east-1")
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    api = ApiPrice(usd_per_1m_input=1.0, usd_per_1m_output=2.0, source="", as_of="2026")
    unpriced = row._replace(cost=row.cost._replace(usd_per_month=None))
    assert against_api(unpriced, scenario.workload, api) is None
    assert against_api(row._replace(performance=None), scenario.workload, api) is None
    free = against_api(row, scenario.workload, ApiPrice(usd_per_1m_input=0.0, usd_per_1m_output=0.0))
    assert free
    assert free.requests is None
