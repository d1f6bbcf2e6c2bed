"""Prices from AWS, against botocore's stubs of its real service models."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.load import load
from catalog.sources import aws
from estimator.errors import InputError

boto3 = pytest.importorskip("boto3")
stubs = pytest.importorskip("botocore.stub")

TYPES = {"g5.xlarge", "p5.48xlarge"}


def product(instance: str, usd: str, reserved: str = "0.6") -> str:
    def dimension(price: str) -> dict[str, Any]:
        return {"x": {"unit": "Hrs", "pricePerUnit": {"USD": price}}}

    def lease(years: str, option: str, price: str) -> dict[str, Any]:
        attributes = {"LeaseContractLength": years, "OfferingClass": "standard", "PurchaseOption": option}
        return {"termAttributes": attributes, "priceDimensions": dimension(price)}

    terms = {
        "OnDemand": {"a": {"priceDimensions": dimension(usd)}},
        "Reserved": {"b": lease("1yr", "No Upfront", reserved), "c": lease("1yr", "All Upfront", "0.1")},
    }
    return json.dumps({"product": {"attributes": {"instanceType": instance}}, "terms": terms})


def rate(seconds: int, usd: str) -> dict[str, Any]:
    return {
        "savingsPlanOffering": {"durationSeconds": seconds},
        "rate": usd,
        "properties": [{"name": "instanceType", "value": "g5.xlarge"}],
    }


class Aws:
    """Stubbed clients, one a service."""

    def __init__(self) -> None:
        self.clients = {
            service: boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
            for service in ("pricing", "savingsplans", "ec2")
        }
        self.stubs = {service: stubs.Stubber(client) for service, client in self.clients.items()}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, service: str, region: str) -> Any:
        self.asked.append((service, region))
        self.stubs[service].activate()
        return self.clients[service]


@pytest.fixture
def answering() -> Aws:
    found = Aws()
    pages = [
        {"PriceList": [product("g5.xlarge", "1.2"), product("m5.large", "0.1")], "NextToken": "2"},
        {"PriceList": [product("p5.48xlarge", "55.04"), product("g5.xlarge", "0.0")]},
    ]
    for page in pages:
        found.stubs["pricing"].add_response("get_products", page)
    plans = [
        {"searchResults": [rate(31_536_000, "0.7")], "nextToken": "2"},
        {"searchResults": [rate(94_608_000, "0.5")], "nextToken": ""},
    ]
    for page in plans:
        found.stubs["savingsplans"].add_response("describe_savings_plans_offering_rates", page)
    now = datetime.now(UTC)
    history = [
        {"InstanceType": "g5.xlarge", "AvailabilityZone": "a", "SpotPrice": "0.4", "Timestamp": now},
        {"InstanceType": "g5.xlarge", "AvailabilityZone": "a", "SpotPrice": "9", "Timestamp": now - timedelta(hours=1)},
        {"InstanceType": "g5.xlarge", "AvailabilityZone": "b", "SpotPrice": "0.5", "Timestamp": now},
    ]
    found.stubs["ec2"].add_response("describe_spot_price_history", {"SpotPriceHistory": history})
    return found


def test_every_page_and_kind_of_price_is_read(answering: Aws) -> None:
    found = aws.refresh("eu-west-1", TYPES, answering)
    assert found.problems == ()
    assert found.quotes == {
        "on-demand": {"g5.xlarge": 1.2, "p5.48xlarge": 55.04},
        "reserved-1y": {"g5.xlarge": 0.6, "p5.48xlarge": 0.6},
        "savings-1y": {"g5.xlarge": 0.7},
        "savings-3y": {"g5.xlarge": 0.5},
        "spot": {"g5.xlarge": [0.4, 0.5]},
    }
    assert answering.asked == [("pricing", "us-east-1"), ("savingsplans", "us-east-1"), ("ec2", "eu-west-1")]


def test_refreshed_prices_lie_over_the_packaged_ones(answering: Aws, tmp_path: Path) -> None:
    aws.keep(aws.refresh("us-east-1", TYPES, answering), tmp_path)
    catalog = load(tmp_path)
    assert catalog.problems == ()
    prices = catalog.prices("us-east-1").quotes
    on_demand, spot = prices["g5.xlarge"].on_demand, prices["g5.xlarge"].spot
    assert on_demand
    assert (on_demand.usd_per_hour, on_demand.kind) == (1.2, "list")
    assert spot
    assert (spot.low, spot.high, spot.kind) == (0.4, 0.5, "snapshot")
    assert prices["g6.xlarge"].on_demand


def test_a_persons_own_prices_lie_over_fetched_ones_and_are_not_written(answering: Aws, tmp_path: Path) -> None:
    own = tmp_path / "prices" / "us-east-1.yaml"
    own.parent.mkdir()
    text = (
        "# what we negotiated\nregion: us-east-1\nquotes:\n- terms: on-demand\n  kind: list\n  as_of: 2026-11\n"
        "  source: our contract\n  usd_per_hour: {g5.xlarge: 0.7}\n"
    )
    own.write_text(text)
    aws.keep(aws.refresh("us-east-1", TYPES, answering), tmp_path)
    prices = load(tmp_path).prices("us-east-1").quotes["g5.xlarge"]
    assert own.read_text() == text
    assert prices.on_demand
    assert prices.on_demand.usd_per_hour == 0.7
    assert prices.spot
    assert (prices.spot.low, prices.spot.high) == (0.4, 0.5)


def test_terms_that_are_not_answered_again_stay(answering: Aws, tmp_path: Path) -> None:
    refreshed = aws.refresh("us-east-1", TYPES, answering)
    aws.keep(refreshed, tmp_path)
    path = aws.keep(refreshed._replace(quotes={"on-demand": {"g5.xlarge": 1.3}}), tmp_path)
    prices = load(tmp_path).prices("us-east-1").quotes["g5.xlarge"]
    assert prices.on_demand
    assert prices.spot
    assert (prices.on_demand.usd_per_hour, prices.spot.low) == (1.3, 0.4)
    assert os.listdir(path.parent) == ["us-east-1.aws.yaml"]


def test_a_fetched_file_that_was_edited_is_copied_before_it_is_replaced(answering: Aws, tmp_path: Path) -> None:
    refreshed = aws.refresh("us-east-1", TYPES, answering)
    path = aws.keep(refreshed, tmp_path)
    edited = path.read_text().replace("AWS API", "AWS API, checked")
    for copy in ("us-east-1.aws.yaml.bak", "us-east-1.aws.yaml.bak2"):
        path.write_text(edited)
        aws.keep(refreshed, tmp_path)
        assert path.with_name(copy).read_text() == edited


@pytest.mark.parametrize("refused", ["pricing", "savingsplans", "ec2"])
def test_one_refused_call_keeps_the_others(answering: Aws, refused: str) -> None:
    calls = {
        "pricing": "get_products",
        "savingsplans": "describe_savings_plans_offering_rates",
        "ec2": "describe_spot_price_history",
    }
    fresh = stubs.Stubber(answering.clients[refused])
    answering.stubs[refused].deactivate()
    answering.stubs[refused] = fresh
    fresh.add_client_error(calls[refused], "AccessDeniedException", "not allowed\x1b[2J")
    found = aws.refresh("us-east-1", TYPES, answering)
    assert len(found.problems) == 1
    assert found.problems[0].isprintable()
    assert found.quotes


def test_nothing_answered_is_one_line() -> None:
    nobody = Aws()
    errors: dict[str, str] = {
        "pricing": "get_products",
        "savingsplans": "describe_savings_plans_offering_rates",
        "ec2": "describe_spot_price_history",
    }
    for service, call in errors.items():
        nobody.stubs[service].add_client_error(call, "UnauthorizedOperation", "no")
    refresh: Callable[[], object] = lambda: aws.refresh("us-east-1", TYPES, nobody)  # noqa: E731
    with pytest.raises(InputError, match="refresh prices"):
        refresh()


@pytest.mark.parametrize("usd", ["0", "-1", "nan", "inf", "1e999", "9" * 30])
def test_a_fee_that_is_no_price_is_left_out(usd: str) -> None:
    answers = Aws()
    answers.stubs["pricing"].add_response("get_products", {"PriceList": [product("g5.xlarge", usd, "0.6")]})
    answers.stubs["savingsplans"].add_response(
        "describe_savings_plans_offering_rates", {"searchResults": [rate(31_536_000, usd)]}
    )
    history = [{"InstanceType": "g5.xlarge", "AvailabilityZone": "a", "SpotPrice": usd, "Timestamp": datetime.now(UTC)}]
    answers.stubs["ec2"].add_response("describe_spot_price_history", {"SpotPriceHistory": history})
    assert aws.refresh("eu-west-1", TYPES, answers).quotes == {"reserved-1y": {"g5.xlarge": 0.6}}


def test_an_answer_nested_too_deep_is_a_problem() -> None:
    answers = Aws()
    answers.stubs["pricing"].add_response("get_products", {"PriceList": ['{"a":' * 100_000]})
    answers.stubs["savingsplans"].add_response(
        "describe_savings_plans_offering_rates", {"searchResults": [rate(31_536_000, "0.7")]}
    )
    answers.stubs["ec2"].add_response("describe_spot_price_history", {"SpotPriceHistory": []})
    refreshed = aws.refresh("eu-west-1", TYPES, answers)
    assert refreshed.quotes == {"savings-1y": {"g5.xlarge": 0.7}}
    assert len(refreshed.problems) == 1
    assert "on-demand and reserved: an answer that can not be read" in refreshed.problems[0]
