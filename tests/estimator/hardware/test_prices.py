"""How old a price is, and when it is worth asking for again."""

from datetime import date

import pytest

from catalog.load import Catalog
from estimator.hardware.prices import Price, price_age_days, price_stale

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("as_of", "days", "stale"),
    [
        ("2026-11-29", 0, False),
        ("2026-06-02", 180, False),
        ("2026-06-01", 181, True),
        ("2026-10", 59, False),
        ("2026", 332, True),
        ("2027-01-01", 0, False),
    ],
)
def test_a_price_is_as_old_as_the_first_day_its_date_may_mean(as_of: str, days: int, stale: bool) -> None:
    price = Price(1.0, "list", as_of)
    assert price_age_days(price, TODAY) == days
    assert price_stale(price, TODAY) is stale


@pytest.mark.parametrize("instance", ["p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge"])
def test_plans_from_before_the_cut_of_june_2025_are_stale_on_any_day(catalog: Catalog, instance: str) -> None:
    """AWS lowered P4 and P5 by up to 45 % in June 2025; the one-year rates of p4de are 8 % under today's on-demand."""
    prices = catalog.prices("us-east-1").quotes[instance]
    plans = [prices.reserved_1y, prices.reserved_3y, prices.savings_1y, prices.savings_3y]
    known = [price for price in plans if price]
    assert known
    for price in known:
        assert (price.as_of, price.cut_on) == ("2025-04-04", "2025-06-04")
        assert price_stale(price, date(2025, 6, 5))
    assert prices.on_demand
    assert not prices.on_demand.cut_on


def test_other_families_have_no_known_cut(catalog: Catalog) -> None:
    prices = catalog.prices("us-east-1").quotes["g5.xlarge"]
    assert prices.reserved_1y
    assert prices.reserved_1y.cut_on == ""
