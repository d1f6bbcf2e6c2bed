"""Prices of several regions: in parallel, cancelled, compared before they are written, written whole."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog import atomic
from catalog.load import load
from catalog.sources import aws
from catalog.sources.checkpoint import Cancelled
from catalog.sources.price_refresh import Refresh, differences, refresh_all
from estimator.errors import InputError

botocore = pytest.importorskip("botocore")


class FakeService:
    """One service of one region, as botocore's client answers."""

    def __init__(self, region: str, broken: str = "") -> None:
        self.region, self.broken = region, broken

    def get_paginator(self, call: str) -> "FakeService":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        if self.broken == "throttled":
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "x")
        if self.broken == "malformed":
            return [{"PriceList": ["{not json"], "SpotPriceHistory": [{"InstanceType": "g5.xlarge"}]}]
        now = datetime.now(UTC)
        spot = {"InstanceType": "g5.xlarge", "AvailabilityZone": "a", "SpotPrice": "0.4", "Timestamp": now}
        return [{"PriceList": [], "SpotPriceHistory": [spot]}]

    def describe_savings_plans_offering_rates(self, **_: Any) -> dict[str, Any]:
        return {"searchResults": [], "nextToken": ""}

    def describe_capacity_block_offerings(self, **asked: Any) -> dict[str, Any]:
        assert asked["InstanceCount"] == 1
        offers = [{"UpfrontFee": fee, "CurrencyCode": "USD"} for fee in ("1200.0", "1080.0")]
        return {"CapacityBlockOfferings": offers if asked["InstanceType"] == "p5.48xlarge" else []}


def clients(broken: dict[str, str] | None = None) -> aws.Clients:
    return lambda service, region: FakeService(region, (broken or {}).get(region, ""))


def refreshed(broken: dict[str, str] | None = None, *regions: str) -> Refresh:
    return refresh_all(load(), regions or ("us-east-1", "eu-west-1", "us-west-2"), clients(broken))


def test_every_region_is_asked_and_the_order_is_the_asked_one() -> None:
    fresh = refreshed()
    assert [each.region for each in fresh.regions] == ["us-east-1", "eu-west-1", "us-west-2"]
    assert fresh.problems == ()
    assert fresh.regions[0].quotes["capacity-block"] == {"p5.48xlarge": 45.0}


def test_a_jump_over_a_twentieth_comes_first_and_says_so() -> None:
    fresh = refreshed()
    flags = [change.jumps for change in fresh.changes]
    assert flags == sorted(flags, reverse=True)
    block = next(each for each in fresh.changes if (each.region, each.instance) == ("us-east-1", "p5.48xlarge"))
    assert block.jumps
    assert "47.76 -> 45 USD/h (-5.8%)  ! over 5 %" in str(block)


@pytest.mark.parametrize("broken", ["throttled", "malformed"])
def test_a_region_that_answers_badly_keeps_the_others(broken: str) -> None:
    fresh = refreshed({"eu-west-1": broken})
    assert {"us-east-1", "us-west-2"} <= {each.region for each in fresh.regions}
    assert any("eu-west-1" in problem for problem in fresh.problems)
    assert all(problem.isprintable() for problem in fresh.problems)


def test_waiting_can_be_given_up_and_nothing_is_written(tmp_path: Path) -> None:
    def give_up(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        refresh_all(load(), ["us-east-1"], clients(), give_up)
    assert os.listdir(tmp_path) == []


def test_an_unknown_region_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(InputError, match="mars"):
        refreshed(None, "mars-north-1")


def test_a_kill_while_writing_leaves_each_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = refreshed()
    list(fresh.keep(tmp_path))
    before = {path.name: path.read_bytes() for path in (tmp_path / "prices").iterdir()}
    written = atomic.write
    count = 0

    def killed(path: Path, content: Any) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt
        written(path, content)

    monkeypatch.setattr(atomic, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        list(fresh.keep(tmp_path))
    after = {path.name: path.read_bytes() for path in (tmp_path / "prices").iterdir()}
    assert after == before
    assert load(tmp_path).problems == ()


def test_a_price_that_did_not_move_is_no_change() -> None:
    prices = load().prices("us-east-1").quotes
    same = aws.Refreshed("us-east-1", {"on-demand": {"g5.xlarge": 1.006}}, ())
    assert list(differences(same, prices)) == []
    (new,) = differences(aws.Refreshed("us-east-1", {"on-demand": {"p5e.48xlarge": 60.0}}, ()), prices)
    assert new.before is None
    assert not new.jumps
