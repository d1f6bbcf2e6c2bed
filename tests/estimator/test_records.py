from estimator.records import record


@record(frozen=True, slots=True)
class Pair:
    one: int
    other: str = "x"


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Thing:
    name: str


def test_a_record_counts_by_value_and_shows_its_fields() -> None:
    assert Pair(1) == Pair(1, "x")
    assert hash(Pair(1)) == hash(Pair(1, "x"))
    assert Pair(1) != Pair(2)
    assert repr(Pair(1)) == "Pair(one=1, other='x')"


def test_a_record_without_equality_counts_by_identity() -> None:
    assert Thing(name="a") != Thing(name="a")
    assert len({Thing(name="a"), Thing(name="a")}) == 2


def test_a_record_takes_no_other_attribute_and_compiles_no_text_to_refuse_assignments() -> None:
    assert not hasattr(Pair(1), "__dict__")
    assert {"__setattr__", "__delattr__"}.isdisjoint(vars(Pair))
