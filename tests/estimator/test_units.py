"""Sizes in words."""

import pytest

from estimator.units import GIB, MIB, hours_text, quantity, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(1.34 * GIB, "1.3 GiB"), (0.04 * GIB, "41 MiB"), (3 * MIB, "3 MiB")],
)
def test_a_size_is_never_nothing_where_something_is_missing(size_bytes, text):
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 users"),
        (1, "1 user"),
        (0.5, "0.5 users"),
        (46, "46 users"),
        (1046, "1,046 users"),
        (1234.5, "1,234 users"),
    ],
)
def test_one_is_not_said_as_many(number: float, text: str) -> None:
    assert quantity(number, "user") == text


@pytest.mark.parametrize(
    ("hours", "text"), [(0.33, "20m"), (5.47, "5.5h"), (47.9, "47.9h"), (50, "2.1d"), (2400, "100d")]
)
def test_a_run_says_its_time_as_the_leaderboard_does(hours: float, text: str) -> None:
    assert hours_text(hours) == text
