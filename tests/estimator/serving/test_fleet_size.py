"""The least number that is enough, with few numbers tried."""

from math import inf

import pytest

from estimator.serving.fleet_size import least_enough, least_within


@pytest.mark.parametrize("low", [1, 5, 29])
@pytest.mark.parametrize("answer", [1, 5, 30, 31, 47, 64, 65])
@pytest.mark.parametrize("power", [1, 3, 8])
def test_the_least_number_within_a_bound_is_met_in_a_few_steps(low: int, answer: int, power: int) -> None:
    asked: list[int] = []

    def excess(number: int) -> float:
        asked.append(number)
        return (answer / number) ** power - 1 if number > low / 2 else inf

    expected = 0 if answer > 64 else max(answer, low)
    assert least_within(low, 64, excess) == expected
    assert len(asked) == len(set(asked)) <= 15
    assert least_enough(low, 64, lambda number: number >= answer) == expected


def test_a_number_that_is_never_enough_is_none() -> None:
    assert least_within(3, 64, lambda number: inf) == 0
    assert least_within(3, 64, lambda number: 0.5) == 0
