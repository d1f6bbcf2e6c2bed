"""All terms of a machine and all regions side by side, each price with its age."""

from datetime import date

import pytest

from catalog.load import Catalog, load
from estimator.cost.offers import Offer, by_region, describe_interruption, offers
from estimator.hardware.prices import RegionPrices
from estimator.scenario.workload import Ownership

TODAY = date(2026, 11, 29)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def at(catalog: Catalog, region: str) -> RegionPrices:
    return catalog.prices(region)._replace(asked_on=TODAY)


def offered(catalog: Catalog, instance: str, region: str = "us-east-1") -> dict[str, Offer]:
    machine = catalog.inventory.machines[instance]
    device = catalog.inventory.accelerators[machine.accelerator]
    return {each.terms: each for each in offers(machine, device, at(catalog, region), Ownership())}


def test_every_term_says_its_price_its_age_and_whether_it_is_old(catalog: Catalog) -> None:
    p5 = offered(catalog, "p5.48xlarge")
    assert p5["on-demand"].price
    assert (p5["on-demand"].price.usd_per_hour, p5["on-demand"].age_days, p5["on-demand"].stale) == (55.04, 132, False)
    assert p5["reserved-3y"].stale
    assert p5["savings-3y"].price
    assert p5["savings-3y"].price.kind == "estimate"
    assert p5["capacity-block"].price
    assert p5["capacity-block"].price.usd_per_hour == 47.76
    assert p5["spot"].share_of_on_demand == pytest.approx((16.9508 + 55.04) / 2 / 55.04)


def test_what_has_no_price_is_a_state(catalog: Catalog) -> None:
    assert {each.state for each in offered(catalog, "p5e.48xlarge", "us-east-2").values()} == {"no_price", "priced"}
    assert {each.state for each in offered(catalog, "p6-b300.48xlarge", "eu-west-1").values()} == {"not_offered"}


def test_a_stale_list_price_is_derived_from_the_newer_list_where_no_cut_lies_between(catalog: Catalog) -> None:
    """g5.12xlarge in Ireland: list of 2025-04; us-east-1 lists the type unchanged on 2026-07-20. p4d was cut."""
    prices = at(catalog, "eu-west-1")
    then, derived = prices.quotes["g5.12xlarge"].on_demand, prices.for_decisions().quotes["g5.12xlarge"].on_demand
    assert then
    assert derived
    assert (derived.usd_per_hour, derived.kind, derived.as_of) == (then.usd_per_hour, "derived", "2026-07-20")
    assert then.as_of == "2025-04-04"
    assert offered(catalog, "g5.12xlarge", "eu-west-1")["on-demand"].stale
    cut = [
        name
        for region in catalog.regions
        for name, each in catalog.prices(region).quotes.items()
        if each.on_demand and each.on_demand.cut_on and each.on_demand_derived
    ]
    assert cut == []


def test_regions_stand_by_price_with_their_ratio_to_virginia(catalog: Catalog) -> None:
    machine = catalog.inventory.machines["g5.xlarge"]
    device = catalog.inventory.accelerators[machine.accelerator]
    regions = {name: at(catalog, name) for name in catalog.regions}
    listed = by_region(machine, device, regions, "on-demand", Ownership())
    priced = [each for each in listed if each.offer.price]
    ratios = [each.ratio for each in priced]
    assert ratios == sorted(ratios, key=lambda ratio: ratio or 0)
    assert {each.region: each.ratio for each in priced}["us-west-2"] == pytest.approx(1.0)
    assert all(each.offer.state != "priced" for each in listed[len(priced) :])


@pytest.mark.parametrize(
    ("bucket", "meaning"),
    [
        ("<5%", "once in 20 months at most"),
        ("10-15%", "once in 7 to 10 months"),
        (">20%", "more often than once in 5 months"),
    ],
)
def test_an_interruption_class_says_what_it_means_for_one_replica(bucket: str, meaning: str) -> None:
    assert meaning in describe_interruption(bucket)
    assert describe_interruption("") == ""
