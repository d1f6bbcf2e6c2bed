"""Figures as text."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.results import Band
from estimator.units import GIB
from tui.draw import cells, figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.012345, "0.0123"),
        (0.9999, "1.00"),
        (4.5678, "4.57"),
        (99.96, "100"),
        (789.4, "789"),
        (4321, "4,321"),
        (12345, "12.3k"),
        (999_600, "1.00M"),
        (989e12, "989T"),
        (-2.5, "-2.50"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_numbers_have_three_significant_digits(value: float | None, text: str) -> None:
    assert figures.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(512, "512"), (2048, "2k"), (131_072, "128k"), (2**20, "1M"), (510_000, "510k"), (1234, "1,234")],
)
def test_tokens_read_as_people_say_them(value: float, text: str) -> None:
    assert figures.tokens(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0412, "41.2ms"), (0.9, "900ms"), (1.234, "1.23s"), (90, "1.50min"), (7200, "2.00h"), (5e-6, "5.00µs")],
)
def test_durations_carry_their_unit(value: float, text: str) -> None:
    assert figures.duration(value) == text


@pytest.mark.parametrize(("hours", "text"), [(47, "47.0h"), (48, "2.00d"), (49.7, "2.07d"), (375, "15.6d")])
def test_two_days_and_more_are_days_of_24_hours(hours: float, text: str) -> None:
    assert figures.duration(hours * 3600) == text


@settings(deadline=None, max_examples=200)
@given(st.floats(1e-6, 1e9))
def test_a_duration_reads_back_as_the_seconds_it_was(seconds: float) -> None:
    units = {"d": 86_400, "h": 3600, "min": 60, "s": 1, "ms": 1e-3, "µs": 1e-6}
    shown, unit = re.fullmatch(r"([\d.,]+)(\D+)", figures.duration(seconds)).groups()
    assert float(shown.replace(",", "")) * units[unit] == pytest.approx(seconds, rel=0.006)


def test_money_memory_and_bands() -> None:
    assert figures.usd(55.04) == "$55.04"
    assert figures.usd(16029.1) == "$16,029"
    assert figures.usd(0.00123) == "$0.00123"
    assert figures.usd(None) == "–"
    assert figures.gib(16.914 * GIB) == "16.91"
    assert figures.gib(221.4 * GIB) == "221"
    assert figures.size(4.25 * GIB) == "4.25 GiB"
    assert figures.spread_percent(Band(0.84, 1.0, 1.28)) == "±22%"
    assert figures.spread_percent(Band(0, 0, 0)) == ""


def test_a_lopsided_band_is_said_by_its_ends_with_a_unit_once() -> None:
    assert figures.span(Band(0.196, 0.633, 2.91), cells.seconds_cell) == "196ms–2.9s"
    assert figures.span(Band(0.0661, 0.0782, 0.0934), cells.seconds_cell) == "66–93ms"
    assert figures.span(Band(0.75, 0.93, 1.14), figures.usd) == "$0.75–1.14"
    assert figures.span(Band(900, 1000, 12_345), figures.count) == "900–12,345"
    assert figures.span(Band(1.5 * GIB, 2 * GIB, 3 * GIB), figures.size) == "1.50–3.00 GiB"
    assert figures.span(Band(0, 0, 0), figures.usd) == figures.span(None, figures.usd) == ""


@settings(deadline=None, max_examples=200)
@given(st.floats())
def test_nothing_is_ever_shown_as_nan_infinity_or_an_exponent(value: float) -> None:
    for show in (figures.number, figures.tokens, figures.gib, figures.size, figures.duration, figures.usd):
        assert not re.search(r"nan|inf|\de[+-]", show(value))
