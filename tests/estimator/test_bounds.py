"""Bounds tell each other apart, and pydantic holds values to them."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from estimator.bounds import Bound, Ge, Gt, Le, Lt


def test_bounds_of_one_limit_are_four() -> None:
    assert len({Ge(0), Gt(0), Le(0), Lt(0)}) == 4
    assert Annotated[float, Ge(0)] is not Annotated[float, Gt(0)]


@pytest.mark.parametrize(("bound", "held"), [(Ge(1), 1), (Gt(1), 1.5), (Le(1), 1), (Lt(1), 0.5)])
@pytest.mark.parametrize("value", [0, 0.5, 1, 1.5, 2])
def test_pydantic_and_the_bound_itself_agree(bound: Bound, held: float, value: float) -> None:
    assert bound.holds(held)
    try:
        TypeAdapter(Annotated[float, bound]).validate_python(value)
    except ValidationError:
        assert not bound.holds(value)
    else:
        assert bound.holds(value)
