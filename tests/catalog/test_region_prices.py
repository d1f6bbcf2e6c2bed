"""Every price of every region reaches the leaderboard as it is shipped, and prices agree with one another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import catalog as package
from catalog.load import Catalog, load
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload

FOLDER = Path(package.__file__).parent / "data" / "prices"
REGIONS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TERMS = ("on-demand", "spot", "reserved-1y", "reserved-3y", "savings-1y", "savings-3y", "capacity-block")
Shipped = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def shipped(region: str) -> Shipped:
    """The first quote of each machine under each terms, read from the file itself; a reserved price that stands in for
    a savings plan is quoted for it too."""
    quotes: Shipped = {terms: {} for terms in TERMS}
    with (FOLDER / f"{region}.yaml").open(encoding="utf-8") as lines:
        page = yaml.safe_load(lines)
    for entry in page["quotes"]:
        for machine, price in entry["usd_per_hour"].items():
            quotes[entry["terms"]].setdefault(machine, price)
    return quotes


def ends(price: Any) -> tuple[float, float]:
    """Lowest and highest of a price: one number, or one a zone."""
    return (price[0], price[-1]) if isinstance(price, list) else (price, price)


@pytest.mark.parametrize("region", REGIONS)
def test_a_row_costs_what_the_region_quotes(catalog: Catalog, region: str) -> None:
    scenario = Scenario(
        "Qwen/Qwen3-0.6B", "bf16", workload=ServingWorkload(256, 32, 1), placement=Placement(machines=2), region=region
    )
    quotes, model, prices = shipped(region), catalog.model(scenario.model), catalog.prices(region)
    known = set().union(*quotes.values())
    for terms in TERMS:
        reserved = quotes[f"reserved-{terms[-2:]}"] if terms.startswith("savings") else {}
        for row in rank(model, replace(scenario, price_terms=terms), catalog.inventory, prices).rows:
            machine, count, cost = row.candidate.machine, row.candidate.machines, row.cost
            price = quotes[terms].get(machine, reserved.get(machine))
            if price is None:
                assert cost.price_usd_per_hour is None, (machine, terms)
                assert cost.price_state in ("no_price", "capacity_block_only", "not_offered")
                assert (cost.price_state != "not_offered") or machine not in known
                continue
            low, high = ends(price)
            assert cost.price_state == "priced"
            assert low * (1 - 1e-4) <= (cost.price_usd_per_hour or 0) / count <= high * (1 + 1e-4), (machine, terms)
            assert cost.price_as_of
            assert machine in quotes[terms] or cost.price_kind != "list"


@pytest.mark.parametrize("region", REGIONS)
def test_a_longer_commitment_costs_less(region: str) -> None:
    quotes = shipped(region)
    for machine, year in quotes["reserved-1y"].items():
        if machine in quotes["reserved-3y"]:
            assert quotes["reserved-3y"][machine] < year, machine
    for terms in ("on-demand", "reserved-1y", "reserved-3y"):
        assert all(isinstance(price, float | int) and price > 0 for price in quotes[terms].values())


def test_families_share_a_ratio_to_virginia() -> None:
    """g5, g6 and g6e cost the same multiple of us-east-1 in each region, and the three large US regions cost the same:
    what AWS's price list of 2025-04-04 shows, as a check of every later refresh."""
    home = shipped("us-east-1")["on-demand"]
    for region in REGIONS:
        here = shipped(region)["on-demand"]
        ratios = [
            here[name] / home[name] for name in here if name.partition(".")[0] in ("g5", "g6", "g6e") and name in home
        ]
        if ratios and not region.startswith("us-gov"):
            assert max(ratios) / min(ratios) < 1.002, region
        if region in ("us-east-2", "us-west-2"):
            for name in here.keys() & home.keys():
                assert here[name] == pytest.approx(home[name], rel=0.002), (region, name)


PUBLISHED = {
    # aws/karpenter-provider-aws, zz_generated.pricing_aws_us_gov.go @0110690 (2023-09-18): unchanged since
    "us-gov-west-1": {
        "g4dn.xlarge": 0.663, "g4dn.12xlarge": 4.931, "g4dn.metal": 9.862, "inf1.xlarge": 0.288, "inf1.24xlarge": 5.953,
        "p3.2xlarge": 3.672, "p3.16xlarge": 29.376, "p3dn.24xlarge": 37.454,
    },
    "us-gov-east-1": {"g4dn.xlarge": 0.663, "g4dn.2xlarge": 0.948, "g4dn.16xlarge": 5.486},
}  # fmt: skip
"""On-demand prices as others publish them, read apart from the shipped ones."""


@pytest.mark.parametrize("region", PUBLISHED)
def test_prices_agree_with_what_others_publish(region: str) -> None:
    here = shipped(region)["on-demand"]
    assert {name: here[name] for name in PUBLISHED[region]} == pytest.approx(PUBLISHED[region])
