"""Prices into unit costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def speeds(per_s: float) -> Band:
    return Band(per_s * 0.8, per_s, per_s * 1.25)


def performance(requests_per_s: float, prefill_share: float) -> PerformanceReport:
    band = speeds(requests_per_s)
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


USD = st.floats(0.01, 1000)
RATE = st.floats(0.01, 1e4)


@given(
    USD, RATE, st.floats(0.05, 0.95), st.integers(1, 20_000), st.integers(1, 4000), st.floats(0.1, 1), st.floats(1, 4)
)
def test_any_bill_adds_up_and_its_bands_hold_it(
    usd: float, rate: float, prefill: float, tokens_in: int, tokens_out: int, cheapest: float, dearest: float
) -> None:
    """Input and output at their unit costs are the hour; so are requests and so are tokens, at their own."""
    workload = ServingWorkload(tokens_in, tokens_out)
    price = Price(usd, "list", "2026-07-20", low=usd * cheapest, high=usd * dearest)
    speed = performance(rate, prefill)._replace(total_tokens_per_s=speeds(rate * (tokens_in + tokens_out)))
    report = cost_report(Quote("priced", price), 1, 640, speed, workload)
    by_token = report.usd_per_1m_tokens, report.usd_per_1m_input_tokens, report.usd_per_1m_output_tokens
    bands = [band for band in (report.usd_per_request, *by_token) if band]
    request, token, into, out = bands
    requests = rate * SECONDS_PER_HOUR
    assert requests * (tokens_in * into.typical + tokens_out * out.typical) / MILLION == pytest.approx(usd)
    assert requests * request.typical == pytest.approx(usd)
    assert requests * (tokens_in + tokens_out) * token.typical / MILLION == pytest.approx(usd)
    for band in bands:
        assert band.low <= band.typical <= band.high
    assert report.tokens_per_usd
    assert report.tokens_per_usd.typical * token.typical == pytest.approx(MILLION)


@given(USD, RATE, st.floats(0.1, 1), st.floats(1, 10))
def test_a_lower_price_or_a_higher_throughput_never_costs_more(
    usd: float, rate: float, less: float, more: float
) -> None:
    def costs(usd_per_hour: float, requests_per_s: float) -> list[float]:
        quoted = Quote("priced", Price(usd_per_hour, "list", "2026-07-20"))
        report = cost_report(quoted, 2, 640, performance(requests_per_s, 0.3), ServingWorkload(1000, 300))
        bands = (report.usd_per_request, report.usd_per_1m_tokens, report.usd_per_1m_output_tokens)
        assert report.usd_per_month is not None
        return [*(figure for band in bands if band for figure in band), report.usd_per_month]

    asked = costs(usd, rate)
    for other in (costs(usd * less, rate), costs(usd, rate * more)):
        assert all(cheaper <= dear * (1 + 1e-12) for cheaper, dear in zip(other, asked, strict=True))
