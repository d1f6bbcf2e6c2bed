"""Fleets carry their load with head-room, and their months add up."""

from dataclasses import replace
from math import ceil

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.ranking.fleet import Demand, Fleet, fleets
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


SCENARIO = Scenario(
    workload=ServingWorkload(requests_per_second=40),
    service_level=ServiceLevel(ttft_s=2.0, tpot_s=0.05),
    placement=Placement(instance="p5.48xlarge"),
)


def sized(catalog: Catalog, scenario: Scenario = SCENARIO, demand: Demand | None = None) -> tuple[Fleet, ...]:
    prices = catalog.prices(scenario.region)
    return fleets(resolve(scenario.model, catalog), scenario, demand or Demand(), catalog.inventory, prices)


def test_a_copy_carries_its_share_within_the_service_level(catalog: Catalog) -> None:
    (fleet,) = sized(catalog)
    speed = fleet.copy.performance
    assert speed
    assert fleet.copy.meets_service_level
    assert speed.requests_per_s.typical * fleet.copies >= 40
    assert (speed.ttft_s.typical, speed.tpot_s.typical) < (2.0, 0.05)


def test_more_load_and_more_headroom_never_need_less(catalog: Catalog) -> None:
    counts = []
    for rate in (1, 10, 40, 160):
        asked = replace(SCENARIO, workload=replace(SCENARIO.workload, requests_per_second=rate))
        counts.append(sized(catalog, asked)[0].copies)
    assert counts == sorted(counts)
    assert sized(catalog, demand=Demand(headroom=0.6))[0].copies >= sized(catalog, demand=Demand(headroom=0))[0].copies


def test_months_add_up(catalog: Catalog) -> None:
    (fleet,) = sized(catalog, demand=Demand(base_load=0.5, peak_hours=8))
    base = ceil(fleet.copies / 2)
    on_demand = next(mix for mix in fleet.mixes if (mix.base_terms, mix.peak_terms) == ("on-demand",) * 2)
    assert on_demand.usd_per_month == pytest.approx(55.04 * 730 * (base + (fleet.copies - base) / 3))
    assert fleet.usd_per_month <= on_demand.usd_per_month


def test_spot_is_never_the_first_choice(catalog: Catalog) -> None:
    for fleet in sized(catalog, replace(SCENARIO, placement=Placement())):
        assert "spot" not in (fleet.mixes[0].base_terms, fleet.mixes[0].peak_terms)


def test_what_no_number_of_machines_can_meet_is_left_out(catalog: Catalog) -> None:
    assert sized(catalog, replace(SCENARIO, service_level=ServiceLevel(tpot_s=1e-5))) == ()


def test_without_a_peak_every_way_to_pay_stands_once(catalog: Catalog) -> None:
    (fleet,) = sized(catalog, demand=Demand(base_load=1.0))
    assert all(mix.peak_terms is None for mix in fleet.mixes)
    bases = [mix.base_terms for mix in fleet.mixes]
    assert len(bases) == len(set(bases)) > 1


@pytest.mark.parametrize("terms", ["capacity-block", "spot", "reserved-3y"])
def test_the_asked_price_terms_are_the_only_base(catalog: Catalog, terms: str) -> None:
    for demand in (Demand(), Demand(base_load=0.3, peak_hours=8)):
        (fleet,) = sized(catalog, replace(SCENARIO, price_terms=terms), demand)
        assert {mix.base_terms for mix in fleet.mixes} == {terms}


def test_owned_hardware_is_neither_rented_nor_reserved(catalog: Catalog) -> None:
    placement = Placement(accelerator="rtx5090", count=4)
    workload = ServingWorkload(requests_per_second=1)
    owned = Scenario(model="meta-llama/Llama-3.1-8B", deployment="local", placement=placement, workload=workload)
    (fleet,) = sized(catalog, owned)
    assert [mix.base_terms for mix in fleet.mixes] == ["owned"]


def test_a_reserved_price_from_before_a_price_cut_is_never_the_headline(catalog: Catalog) -> None:
    """Reserved prices of p5.48xlarge are of April 2025, its on-demand price of July 2026, cut by 44 % in between."""
    (fleet,) = sized(catalog)
    assert fleet.mixes[0].base_terms == "on-demand"
    assert any(mix.stale for mix in fleet.mixes if mix.base_terms == "reserved-3y")
