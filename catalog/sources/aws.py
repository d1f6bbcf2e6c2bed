"""Prices of one region from AWS, with the caller's own credentials: on-demand, reserved, plans, spot, Capacity Blocks.

Needs the `aws` extra (boto3). Read-only calls: pricing:GetProducts, ec2:DescribeSpotPriceHistory,
ec2:DescribeCapacityBlockOfferings, savingsplans:DescribeSavingsPlansOfferingRates. Each may be refused, be throttled or
answer what can not be read by itself; what the catalogue has then stays.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from catalog import generated, schema
from catalog.cache import user_dir
from estimator.errors import InputError
from estimator.printable import printable

PRICING_REGION = "us-east-1"
"""The price list answers here for every region; it has no endpoint in most others."""
FILTERS = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
    "tenancy": "Shared",
}
"""Without marketoption, Capacity Blocks of the same type match as well."""
YEARS = {"1yr": "reserved-1y", "3yr": "reserved-3y"}
SAVINGS = {31_536_000: "savings-1y", 94_608_000: "savings-3y"}
"""Seconds of a plan's term."""
BLOCK_HOURS = 24
"""Shortest Capacity Block."""
MOST_USD = 1e6
"""USD per hour beyond which an answer is no price; the dearest machine costs some hundred (engineering guess)."""

Clients = Callable[[str, str], Any]
"""(service, region) -> client."""
Quotes = dict[str, dict[str, float | list[float]]]
"""Terms -> instance type -> USD per hour, or lowest and highest over the zones."""


class Refreshed(NamedTuple):
    """What AWS answered for one region, and which calls it refused."""

    region: str
    quotes: Quotes
    problems: tuple[str, ...]


def clients() -> Clients:
    """The boto3 clients that prices are asked from. Raises InputError where boto3 is missing."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise InputError("refresh prices", "needs boto3: pip install 'llmcalc-tui[aws]'") from None
    patience = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 8, "mode": "adaptive"})
    session = boto3.Session()
    return lambda service, region: session.client(service, region_name=region, config=patience)


def refresh(region: str, types: Collection[str], client: Clients, blocks: Collection[str] = ()) -> Refreshed:
    """The current prices of some instance types in one region; `blocks` are sold in Capacity Blocks too.

    Raises InputError where nothing was answered.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    quotes: Quotes = {}
    problems = []
    calls = (
        ("on-demand and reserved", listed, types),
        ("Savings Plans", savings, types),
        ("spot", spot, types),
        ("Capacity Blocks", capacity_blocks, blocks),
    )
    for name, ask, asked in calls:
        try:
            for terms, instance, usd in ask(client, region, asked):
                quotes.setdefault(terms, {})[instance] = usd
        except (BotoCoreError, ClientError) as error:
            problems.append(f"{region}: {name}: {printable(error, 160)}")
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            problems.append(f"{region}: {name}: an answer that can not be read: {printable(error, 80)}")
    if not quotes:
        raise InputError("refresh prices", "; ".join(problems) or f"{region}: AWS lists none of the catalogue's types")
    return Refreshed(region, quotes, tuple(problems))


def listed(client: Clients, region: str, types: Collection[str]) -> Iterator[tuple[str, str, float]]:
    """On-demand and standard no-upfront reserved prices of AWS's price list, by instance type."""
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in FILTERS.items()]
    filters.append({"Type": "TERM_MATCH", "Field": "regionCode", "Value": region})
    pages = client("pricing", PRICING_REGION).get_paginator("get_products")
    for page in pages.paginate(ServiceCode="AmazonEC2", Filters=filters):
        for text in page["PriceList"]:
            product = json.loads(text)
            instance = product["product"]["attributes"].get("instanceType", "")
            if instance not in types:
                continue
            for term in product["terms"].get("OnDemand", {}).values():
                yield from _hourly("on-demand", instance, term)
            for term in product["terms"].get("Reserved", {}).values():
                said = term["termAttributes"]
                years = YEARS.get(said.get("LeaseContractLength", ""))
                if years and said.get("OfferingClass") == "standard" and said.get("PurchaseOption") == "No Upfront":
                    yield from _hourly(years, instance, term)


def savings(client: Clients, region: str, types: Collection[str]) -> Iterator[tuple[str, str, float]]:
    """Rates of EC2 Instance Savings Plans, no upfront, by instance type; the call has no paginator."""
    asked: dict[str, Any] = {
        "savingsPlanTypes": ["EC2Instance"],
        "savingsPlanPaymentOptions": ["No Upfront"],
        "products": ["EC2"],
        "serviceCodes": ["AmazonEC2"],
        "filters": [
            {"name": "region", "values": [region]},
            {"name": "productDescription", "values": ["Linux/UNIX"]},
            {"name": "tenancy", "values": ["shared"]},
            {"name": "instanceType", "values": sorted(types)},
        ],
        "maxResults": 1000,
    }
    plans = client("savingsplans", PRICING_REGION)
    while True:
        page = plans.describe_savings_plans_offering_rates(**asked)
        for rate in page["searchResults"]:
            terms = SAVINGS.get(rate["savingsPlanOffering"]["durationSeconds"])
            instance = next((each["value"] for each in rate["properties"] if each["name"] == "instanceType"), "")
            if terms and instance in types and (usd := _price(rate["rate"])):
                yield terms, instance, usd
        if not page.get("nextToken"):
            return
        asked["nextToken"] = page["nextToken"]


def spot(client: Clients, region: str, types: Collection[str]) -> Iterator[tuple[str, str, list[float]]]:
    """Lowest and highest current spot price over a region's zones, by instance type."""
    pages = client("ec2", region).get_paginator("describe_spot_price_history")
    now = datetime.now(UTC)
    latest: dict[tuple[str, str], tuple[datetime, float]] = {}
    asked = {"InstanceTypes": sorted(types), "ProductDescriptions": ["Linux/UNIX"], "StartTime": now}
    for page in pages.paginate(**asked):
        for row in page["SpotPriceHistory"]:
            zone = row["InstanceType"], row["AvailabilityZone"]
            said = row["Timestamp"], _price(row["SpotPrice"])
            latest[zone] = max(latest.get(zone, said), said)
    zones: dict[str, list[float]] = {}
    for (instance, _), (_, usd) in latest.items():
        if instance in types and usd:
            zones.setdefault(instance, []).append(usd)
    for instance, prices in zones.items():
        yield "spot", instance, [min(prices), max(prices)]


def capacity_blocks(client: Clients, region: str, types: Collection[str]) -> Iterator[tuple[str, str, float]]:
    """Price of one machine in a Capacity Block on its cheapest day [USD/h]; a type without an offer has none today."""
    if not types:
        return
    ec2 = client("ec2", region)
    for instance in sorted(types):
        asked = {"InstanceType": instance, "InstanceCount": 1, "CapacityDurationHours": BLOCK_HOURS}
        offers = ec2.describe_capacity_block_offerings(**asked).get("CapacityBlockOfferings", [])
        in_dollars = [each for each in offers if each.get("CurrencyCode", "USD") == "USD"]
        if hourly := [usd for each in in_dollars if (usd := _price(each["UpfrontFee"], BLOCK_HOURS))]:
            yield "capacity-block", instance, min(hourly)


def keep(refreshed: Refreshed, folder: Path | None = None) -> Path:
    """Writes fetched prices to `prices/<region>.aws.yaml` of the user's catalogue. Raises OSError.

    That file lies over the packaged prices and under `prices/<region>.yaml`, which is a person's own and is never
    written. Terms that AWS did not answer this time stay as they were.
    """
    import yaml

    path = (folder or user_dir()) / "prices" / f"{refreshed.region}.aws.yaml"
    today = date.today().isoformat()
    batches = [batch for batch in _batches(path) if batch["terms"] not in refreshed.quotes]
    batches += [
        {
            "terms": terms,
            "kind": "snapshot" if terms == "spot" else "list",
            "as_of": today,
            "source": "AWS API",
            "usd_per_hour": dict(sorted(prices.items())),
        }
        for terms, prices in refreshed.quotes.items()
    ]
    generated.write(path, yaml.safe_dump({"region": refreshed.region, "quotes": batches}, sort_keys=False))
    return path


def _batches(path: Path) -> list[dict[str, Any]]:
    """The quotes of an earlier refresh; none where there is no file, or none that is valid."""
    try:
        document = schema.document(path)
        schema.validate(document, schema.FILES["prices/*.yaml"], str(path))
    except schema.Invalid:
        return []
    return list(document.value["quotes"])


def _hourly(terms: str, instance: str, term: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for dimension in term["priceDimensions"].values():
        usd = _price(dimension["pricePerUnit"].get("USD", 0))
        if dimension.get("unit") == "Hrs" and usd:
            yield terms, instance, usd


def _price(text: str, hours: int = 1) -> float:
    """A fee as USD per hour; 0 for one that is none: free of charge, endless, not a number. Raises ValueError."""
    usd = float(text) / hours
    return usd if 0 < usd <= MOST_USD else 0.0
