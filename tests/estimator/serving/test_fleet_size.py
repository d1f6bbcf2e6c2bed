"""The least number that is enough, with few numbers tried."""

from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from estimator.layout import Layout
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.fleet_size import FleetSizes, least_enough, least_within
from tests.estimator.serving.steps import packaged_step


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


def test_attention_replicas_of_one_engine_each_run_a_batch_of_their_own() -> None:
    """What an engine runs at once is its largest batch for each copy of the attention; memory beyond that is no help,
    and less of it takes more engines."""
    step = packaged_step("openai/gpt-oss-20b", "h100-sxm", "vllm", Layout(dp=2, ep=2))
    sizes = FleetSizes(ServingWorkload(256, 256, requests_per_second=2_000.0), ServiceLevel(), 64)

    def bound(room: float) -> int:
        one: Any = SimpleNamespace(step=step, room=room, replicas=1, machines=1)
        return sizes.bound(one)

    batch = step.speed.max_batch
    assert bound(inf) == bound(2 * batch) < bound(batch) < bound(batch / 2)
