"""Rules of input records: what each complains of, and that `check` asks all of them whatever stands at its default."""

import math
from dataclasses import dataclass, fields, replace
from typing import Annotated

import pytest

from estimator.bounds import Ge, Le
from estimator.checks import MOST_BITS, check, rules
from estimator.errors import InputError
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import Ownership, ServiceLevel, ServingWorkload


@dataclass(frozen=True, slots=True)
class Booking:
    nights: Annotated[int, Ge(1), Le(30)]
    """Has no default."""
    name: str = ""
    rate: Annotated[float, Ge(0)] | None = None
    paid: bool = False
    guests: Annotated[int, Ge(1)] = 0
    """Its default breaks its rule."""
    rooms: tuple[int, ...] = ()
    """Has no rule."""


@dataclass(frozen=True, slots=True)
class Night:
    price: Annotated[float, Ge(1)] = 10.0


GOOD = Booking(nights=2, guests=1)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("nights", None, "a value is needed, expected a whole number >= 1 and <= 30"),
        ("nights", "two", "'two' is not a number, expected a whole number >= 1 and <= 30"),
        ("nights", True, "True is not a number"),
        ("nights", 1 << MOST_BITS, f"a number of {MOST_BITS + 1} bits is out of range"),
        ("nights", math.inf, "inf is not a finite number"),
        ("nights", math.nan, "nan is not a finite number"),
        ("nights", 1.5, "1.5 is not a whole number"),
        ("nights", 0, "0 is out of range"),
        ("nights", 31, "31 is out of range"),
        ("name", 7, "7 is not expected text"),
        ("name", None, "a value is needed, expected text"),
        ("paid", "yes", "'yes' is not expected true or false"),
        ("rate", -0.5, "-0.5 is out of range, expected a number >= 0"),
        ("guests", 0, "0 is out of range"),
    ],
)
def test_a_value_that_breaks_its_rule_is_named_with_what_was_expected(
    field: str, value: object, complaint: str
) -> None:
    with pytest.raises(InputError) as raised:
        check(replace(GOOD, **{field: value}))
    assert raised.value.field == field
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    "booking",
    [GOOD, replace(GOOD, nights=30), replace(GOOD, nights=2.0), replace(GOOD, rate=0), replace(GOOD, rate=None)],
)
def test_what_keeps_its_rules_passes(booking: Booking) -> None:
    check(booking)


def test_a_default_that_breaks_its_own_rule_is_no_way_round_it() -> None:
    with pytest.raises(InputError, match="out of range"):
        check(Booking(nights=1))


def test_a_record_of_one_field_is_checked() -> None:
    check(Night())
    check(Night(1.0))
    with pytest.raises(InputError, match=r"0\.5 is out of range"):
        check(Night(0.5))


@pytest.mark.parametrize("part", [Scenario, ServingWorkload, ServiceLevel, EngineSettings, Placement, Ownership])
def test_the_defaults_of_a_question_keep_its_rules(part: type) -> None:
    """So that a field which is at its default need not be asked."""
    check(part())
    for field in fields(part):
        if (rule := rules(part).get(field.name)) is not None:
            assert rule.complaint(getattr(part(), field.name)) is None
            with pytest.raises(InputError):
                check(replace(part(), **{field.name: object()}))


def test_a_record_is_judged_however_often_and_after_which_other_it_is_asked() -> None:
    good, bad = ServingWorkload(concurrency=4), ServingWorkload(concurrency=0)
    for _ in range(2):
        check(good)
        with pytest.raises(InputError, match="concurrency"):
            check(bad)
