"""Power: what hardware draws, what a limit costs in speed, and what an owned hour is made of."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.hardware.power import PowerConstants
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import Ownership, ServingWorkload
from estimator.units import HOURS_PER_MONTH, MILLION, SECONDS_PER_HOUR


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


CARD = Scenario(
    model="meta-llama/Llama-3.1-8B",
    weights="fp8",
    deployment="local",
    placement=Placement(accelerator="rtx4090"),
    workload=ServingWorkload(input_tokens=1024, output_tokens=256, concurrency=4),
    ownership=Ownership(hardware_usd=1600, usd_per_kwh=0.2),
)


def judged(catalog: Catalog, scenario: Scenario) -> Evaluation:
    prices = catalog.prices(scenario.region)
    return rank(resolve(scenario.model, catalog), scenario, catalog.inventory, prices).rows[0]


def test_an_owned_month_is_the_write_off_and_the_kilowatt_hours(catalog: Catalog) -> None:
    """A $1,600 card in a $900 host of 120 W over 3 years; 450 W at work for 40 % of the time, 45 W else; PUE 1.2."""
    ownership = replace(CARD.ownership, host_usd=900, host_watts=120, pue=1.2, utilization=0.4)
    cost = judged(catalog, replace(CARD, ownership=ownership)).cost
    watts = 1.2 * (0.4 * (450 + 120) + 0.6 * (45 + 120))
    assert cost.power.watts == pytest.approx(watts)
    assert cost.usd_per_month == pytest.approx(2500 / 36 + watts / 1000 * 0.2 * HOURS_PER_MONTH)


def test_unit_costs_of_owned_hardware_times_its_volume_equal_its_month(catalog: Catalog) -> None:
    for utilization in (0.1, 0.5, 1.0):
        row = judged(catalog, replace(CARD, ownership=replace(CARD.ownership, utilization=utilization)))
        assert row.performance
        assert row.cost.usd_per_1m_tokens
        assert row.cost.usd_per_month
        tokens = row.performance.total_tokens_per_s.typical * SECONDS_PER_HOUR * HOURS_PER_MONTH * utilization
        assert row.cost.usd_per_1m_tokens.typical * tokens / MILLION == pytest.approx(row.cost.usd_per_month)
        assert row.cost.power.usd_per_1m_tokens == pytest.approx((row.cost.power.kwh_per_1m_tokens or 0) * 0.2)


def test_a_rented_machine_draws_power_that_its_rent_holds(catalog: Catalog) -> None:
    power = judged(catalog, Scenario(placement=Placement(instance="p5.48xlarge"))).cost.power
    assert power.watts == 8 * 700
    assert power.usd_per_1m_tokens is None
    assert power.kwh_per_1m_tokens is not None


SWEEP = PowerConstants(
    speed_at=((0.286, 0.175), (0.5, 0.621), (0.8, 0.961), (1.0, 1.0)),
    idle_share=0.1,
    edge_watts=150,
    source="",
    as_of="2026",
)


@given(st.floats(0.01, 1.2), st.floats(0.01, 1.2))
def test_a_power_limit_never_makes_a_device_faster(one: float, other: float) -> None:
    power = SWEEP
    low, high = sorted((one, other))
    assert power.speed_share(low) <= power.speed_share(high) <= 1.0
    assert power.speed_share(low) > 0


def test_a_power_limit_slows_the_answer_and_not_only_the_bill(catalog: Catalog) -> None:
    """An RTX 3090 at 200 of 350 W keeps 81 % of the speed of one stream (83 of 103 tokens/s)."""
    times = []
    for watts in (450.0, 350.0, 250.0, 150.0):
        row = judged(catalog, replace(CARD, ownership=replace(CARD.ownership, power_limit_watts=watts)))
        assert row.performance
        assert row.cost.power.watts == watts
        times.append((row.performance.ttft_s.typical, row.performance.tpot_s.typical))
    assert times == sorted(times)
    assert times[0][1] < 0.6 * times[-1][1]
    power = catalog.inventory.power
    assert power
    assert power.speed_share(200 / 350) == pytest.approx(83 / 103, abs=0.01)


def test_only_devices_that_run_on_the_power_there_is_are_at_the_edge(catalog: Catalog) -> None:
    def machines(ownership: Ownership) -> set[str]:
        asked = replace(CARD, deployment="edge", placement=Placement(), ownership=ownership)
        prices = catalog.prices(asked.region)
        rows = rank(resolve(asked.model, catalog), asked, catalog.inventory, prices).rows
        return {row.candidate.accelerator for row in rows}

    unlimited = machines(Ownership())
    assert {"l4", "t4"} <= unlimited
    assert "h100-sxm" not in unlimited
    assert "rtx4090" in machines(Ownership(power_limit_watts=200))
    assert "rtx4090" not in machines(Ownership(power_limit_watts=100))


def test_an_own_price_holds_on_all_terms(catalog: Catalog) -> None:
    for terms in ("on-demand", "spot", "reserved-3y"):
        asked = Scenario(
            placement=Placement(instance="p5.48xlarge"), price_terms=terms, ownership=Ownership(usd_per_gpu_hour=2.5)
        )
        cost = judged(catalog, asked).cost
        assert (cost.price_usd_per_hour, cost.price_kind, cost.price_as_of) == (20.0, "own", None)
        assert cost.price_stale is False
