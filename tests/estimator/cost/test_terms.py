"""Terms of price side by side: the same prices as a ranking under each, and the hours from which one pays."""

import pytest

from catalog.load import load
from estimator.cost.terms import TermsOffer, offers
from estimator.hardware.prices import InstancePrices, Price, RegionPrices
from estimator.hardware.quotas import quota_bucket
from estimator.ranking.rank import evaluate
from estimator.scenario.placement import devices
from estimator.scenario.scenario import PRICE_TERMS, Placement, Scenario
from estimator.scenario.workload import Ownership

CATALOG = load()
INVENTORY = CATALOG.inventory


def terms_of(name: str, prices: RegionPrices, machines: int = 1) -> dict[str, TermsOffer]:
    machine = INVENTORY.machines[name]
    listed = offers(machine, INVENTORY.accelerators[machine.accelerator], prices, Ownership(), machines)
    return {each.terms: each for each in listed}


def priced(**quotes: Price) -> RegionPrices:
    return RegionPrices("us-east-1", {"p4d.24xlarge": InstancePrices(**quotes)})


@pytest.mark.parametrize("terms", PRICE_TERMS)
def test_every_price_is_the_one_that_a_ranking_takes(terms: str) -> None:
    prices = CATALOG.prices("us-east-1")
    scenario = Scenario(placement=Placement(instance="p5.48xlarge", machines=1), price_terms=terms)
    row = evaluate(CATALOG.model(scenario.model), scenario, INVENTORY, prices)
    offer = terms_of("p5.48xlarge", prices)[terms]
    assert (offer.price.usd_per_hour if offer.price else None) == row.cost.price_usd_per_hour
    assert offer.state == row.cost.price_state


def test_a_commitment_at_60_per_cent_pays_from_438_hours_of_a_month() -> None:
    listed = terms_of(
        "p4d.24xlarge", priced(on_demand=Price(20.0, "list", "2026"), reserved_1y=Price(12.0, "list", "2026"))
    )
    assert listed["reserved-1y"].break_even_hours == pytest.approx(0.6 * 730)
    assert listed["savings-1y"].break_even_hours == listed["reserved-1y"].break_even_hours
    assert listed["on-demand"].break_even_hours is None
    assert listed["spot"].state == "no_price"


def test_two_machines_cost_twice_and_spot_keeps_its_range() -> None:
    spot = Price(8.0, "snapshot", "2026-07", low=6.0, high=9.0)
    offer = terms_of("p4d.24xlarge", priced(on_demand=Price(20.0, "list", "2026-07"), spot=spot), 2)["spot"]
    assert offer.price
    assert (offer.price.low, offer.price.usd_per_hour, offer.price.high) == (12.0, 16.0, 18.0)
    assert offer.against_on_demand == pytest.approx(0.4)


def test_a_price_far_older_than_the_machines_newest_is_stale() -> None:
    old, new = Price(12.0, "list", "2025-04-04"), Price(20.0, "list", "2026-07-20")
    listed = terms_of("p4d.24xlarge", priced(on_demand=new, reserved_1y=old))
    assert listed["reserved-1y"].stale
    assert not listed["on-demand"].stale


def test_hardware_of_ones_own_costs_the_same_on_all_terms() -> None:
    machine = devices("rtx4090", 2, INVENTORY)
    listed = offers(machine, INVENTORY.accelerators["rtx4090"], RegionPrices("us-east-1", {}), Ownership())
    assert len({each.price for each in listed}) == 1


@pytest.mark.parametrize(
    ("name", "bucket"),
    [
        ("g6e.xlarge", "G and VT"),
        ("p5.48xlarge", "P"),
        ("inf2.xlarge", "Inf"),
        ("trn1.2xlarge", "Trn"),
        ("dl1.24xlarge", "DL"),
    ],
)
def test_the_quota_of_a_family(name: str, bucket: str) -> None:
    assert quota_bucket(INVENTORY.machines[name]) == bucket
    assert quota_bucket(INVENTORY.machines["c7i.4xlarge"]) == "Standard"
    assert quota_bucket(devices("rtx4090", 1, INVENTORY)) == ""
