"""The names of the package are those of its rooms, loaded when they are asked for."""

import pytest

import estimator


def test_every_name_is_the_one_its_room_defines() -> None:
    for name in estimator.__all__:
        assert getattr(estimator, name).__name__ == name


def test_a_name_that_is_none_is_an_attribute_error_that_says_so() -> None:
    with pytest.raises(AttributeError, match="module 'estimator' has no attribute 'estimates'"):
        estimator.estimates  # noqa: B018
