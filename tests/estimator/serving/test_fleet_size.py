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


@pytest.mark.parametrize(
    ("machines_each", "enough_copies", "kept"),
    [
        ((1, 2), (5, 2), [(2, 2)]),  # two of two machines are fewer than five of one
        ((1, 2), (3, 2), [(1, 3)]),
        ((1, 2), (4, 2), [(1, 4), (2, 2)]),
        ((2, 3), (1, 1), [(2, 1)]),
        ((4, 1), (1, 9), [(4, 1)]),
    ],
)
def test_the_fewest_machines_are_kept_however_many_a_copy_takes(
    machines_each: tuple[int, int],
    enough_copies: tuple[int, int],
    kept: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes, enough = (
        FleetSizes(ServingWorkload(), ServiceLevel(), 64),
        dict(zip(machines_each, enough_copies, strict=True)),
    )
    monkeypatch.setattr(FleetSizes, "bound", lambda self, one: 1)
    monkeypatch.setattr(FleetSizes, "least", lambda self, one: 1)
    monkeypatch.setattr(FleetSizes, "keeps", lambda self, one, times: times >= enough[one.machines])
    fitting: Any = [SimpleNamespace(machines=each) for each in machines_each]
    assert sorted((one.machines, times) for one, times in sizes.smallest(fitting)) == kept
