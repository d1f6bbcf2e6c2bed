"""Numbers as people write them, and as nobody should be taken to have meant them."""

import pytest

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.draw.figures import bound
from tui.options.options import OPTIONS, with_option


def value(name: str, text: object) -> object:
    """What an option holds once the text is read."""
    scenario = with_option(with_option(Scenario(), "train", "lora"), name, text)
    part, dot, attribute = OPTIONS[name].field.rpartition(".")
    return getattr(getattr(scenario, part) if dot else scenario, attribute)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("input-tokens", "1,024", 1024),
        ("input-tokens", "1_024", 1024),
        ("input-tokens", "8k", 8192),
        ("input-tokens", "1.5k", 1536),
        ("input-tokens", "1e3", 1000),
        ("dataset-tokens", "8k", 8000),
        ("dataset-tokens", "1.5B", 1_500_000_000),
        ("dataset-tokens", "12,345,678", 12_345_678),
        ("requests-per-second", "2.5", 2.5),
        ("requests-per-second", "1k", 1000.0),
        ("hardware-usd", "30k", 30_000.0),
        ("hardware-usd", "1,234.5", 1234.5),
        ("memory-utilization", "90%", 0.9),
        ("memory-utilization", "7%", 0.07),
        ("ttft", "800ms", 0.8),
        ("ttft", "0.8", 0.8),
        ("tpot", "50 ms", 0.05),
        ("packing", "off", False),
    ],
)
def test_a_number_is_read_as_it_is_written(name: str, text: str, expected: object) -> None:
    assert value(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requests-per-second", "2,5"),
        ("ttft", "0,8"),
        ("epochs", "1,5"),
        ("accepted-tokens", "2,5"),
        ("input-tokens", "1,2,3"),
        ("input-tokens", ",,,5"),
        ("input-tokens", "1024,"),
        ("input-tokens", "12,34"),
        ("input-tokens", "1__0"),
        ("ttft", "5M"),
        ("ttft", "90%"),
        ("input-tokens", "50%"),
        ("prefix-cache-hit", "0.5k"),
        ("amortization-years", "3k"),
        ("hardware-usd", "9" * 400),
        ("input-tokens", "9" * 5000),
        ("input-tokens", 10**400),
        ("requests-per-second", 10**400),
        ("input-tokens", ""),
        ("input-tokens", "."),
        ("input-tokens", "e1"),
        ("input-tokens", "-.e1"),
        ("input-tokens", "nan"),
        ("ttft", "inf"),
    ],
)
def test_what_is_no_number_is_refused_by_its_option(name: str, text: object) -> None:
    with pytest.raises(InputError) as refused:
        value(name, text)
    assert refused.value.field == name


def test_a_decimal_comma_is_named() -> None:
    with pytest.raises(InputError, match="between groups of three digits"):
        value("requests-per-second", "2,5")


@pytest.mark.parametrize("seconds", [0.8, 0.05, 1.5, 2147483.648, 1.2345678, 0.0123456789, 1e-7, 0.1 + 0.2])
def test_a_bound_is_read_back_with_every_digit(seconds: float) -> None:
    asked = with_option(Scenario(), "ttft", f"{bound(seconds)}@p95")
    assert (asked.service_level.ttft_s, asked.service_level.ttft_percentile) == (seconds, 95)
    assert (bound(0.8), bound(0.05), bound(1.5)) == ("800ms", "50ms", "1.5s")
