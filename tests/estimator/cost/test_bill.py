"""Prices into unit costs."""

import pytest

from catalog.load import load
from estimator.cost.bill import cost_report
from estimator.cost.quote import Quote, quote
from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.prices import InstancePrices, Price, RegionPrices
from estimator.results import Band, PerformanceReport
from estimator.scenario.workload import Ownership, ServingWorkload
from estimator.units import MILLION, SECONDS_PER_HOUR

LIST = Price(55.04, "list", "2026-07-20")
P5 = Machine("p5.48xlarge", "p5", "h100-sxm", 8, "nvlink4", 192, 2 << 40)
H100 = Accelerator(
    id="h100-sxm",
    name="NVIDIA H100",
    label="H100",
    vendor="nvidia",
    kind="gpu",
    generation="hopper",
    kernels="h100",
    memory_sold_gb=80,
    memory_usable_bytes=81559 << 20,
    bandwidth_bytes_per_s=3.35e12,
    tdp_watts=700,
)


def performance(requests_per_s: float, prefill_share: float) -> PerformanceReport:
    band = Band(requests_per_s * 0.8, requests_per_s, requests_per_s * 1.25)
    return PerformanceReport(16, band, band, band, band, band, band, band, band, "compute", "memory", prefill_share)


def test_unit_costs_times_volumes_equal_the_bill():
    workload = ServingWorkload(input_tokens=2048, output_tokens=512)
    asked = quote(P5, H100, RegionPrices("us-east-1", {"p5.48xlarge": InstancePrices(LIST)}), "on-demand", Ownership())
    report = cost_report(asked, 1, 640, performance(4.0, 0.3), workload)
    assert report.price_usd_per_hour == 55.04
    assert report.usd_per_month == pytest.approx(55.04 * 730)
    assert report.usd_per_hour_per_gb == pytest.approx(55.04 / 640)
    hourly_requests = 4.0 * SECONDS_PER_HOUR
    tokens_bill = (
        report.usd_per_1m_input_tokens.typical * 2048 * hourly_requests / MILLION
        + report.usd_per_1m_output_tokens.typical * 512 * hourly_requests / MILLION
    )
    assert tokens_bill == pytest.approx(55.04)
    assert report.usd_per_request.low < report.usd_per_request.typical < report.usd_per_request.high


@pytest.mark.parametrize(
    ("quotes", "terms", "state"),
    [
        ({}, "on-demand", "not_offered"),
        ({"p5.48xlarge": InstancePrices()}, "on-demand", "no_price"),
        ({"p5.48xlarge": InstancePrices(capacity_block=LIST)}, "on-demand", "capacity_block_only"),
        ({"p5.48xlarge": InstancePrices(capacity_block=LIST)}, "capacity-block", "priced"),
        ({"p5.48xlarge": InstancePrices(LIST, capacity_block=LIST)}, "spot", "no_price"),
    ],
)
def test_a_missing_price_is_a_state_and_never_zero(quotes, terms, state):
    asked = quote(P5, H100, RegionPrices("eu-north-1", quotes), terms, Ownership())
    assert asked.state == state
    report = cost_report(asked, 1, 640, performance(4.0, 0.3), ServingWorkload())
    assert (report.price_usd_per_hour is None) == (state != "priced")


def test_savings_plans_stand_on_reserved_prices_and_say_so():
    prices = RegionPrices("us-east-1", {"p5.48xlarge": InstancePrices(LIST, reserved_1y=LIST)})
    asked = quote(P5, H100, prices, "savings-1y", Ownership())
    assert asked.price is not None
    assert asked.price.kind == "estimate"


def test_an_owned_card_costs_its_write_off_and_its_power():
    card = Machine("h100-sxm", "h100-sxm", "h100-sxm", 1, "none", 0, 0, kind="device")
    asked = quote(
        card, H100, RegionPrices("us-east-1", {}), "on-demand", Ownership(hardware_usd=26280, usd_per_kwh=0.1)
    )
    assert asked.price is not None
    assert asked.price.usd_per_hour == pytest.approx(1.0 + 0.07)


def test_a_price_range_goes_into_the_band_of_the_cost() -> None:
    """p5.48xlarge on spot in us-east-1: 16.95 in the cheapest zone, 55.04 in the dearest."""
    spot = Price((16.9508 + 55.04) / 2, "snapshot", "2026-10", low=16.9508, high=55.04)
    speed = performance(4.0, 0.3)
    report = cost_report(Quote("priced", spot), 1, 640, speed, ServingWorkload())
    assert report.usd_per_request
    assert report.usd_per_request.low == pytest.approx(16.9508 / SECONDS_PER_HOUR / speed.requests_per_s.high)
    assert report.usd_per_request.high == pytest.approx(55.04 / SECONDS_PER_HOUR / speed.requests_per_s.low)


def test_spot_is_typically_neither_its_cheapest_zone_nor_its_dearest() -> None:
    spot = load().prices("us-east-1").quotes["p5.48xlarge"].spot
    assert spot
    assert spot.low
    assert spot.high
    assert (spot.low, spot.high) == (16.9508, 55.04)
    assert spot.usd_per_hour == pytest.approx(35.9954)
