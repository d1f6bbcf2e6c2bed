"""Percentiles of the steady state: in order, growing with the load, and near to those of a replay."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from random import Random
from statistics import median

import pytest

from catalog.load import load
from estimator.errors import InputError
from estimator.results import LevelTimes
from estimator.scenario.workload import PERCENTILES, ServiceLevel, ServingWorkload, check_level
from estimator.serving.load.operating_point import operate
from estimator.serving.load.percentiles import best_concurrency, level_times
from estimator.serving.load.performance import load_replica
from estimator.serving.load.replay import Limits, replay, sample
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import step_on

CATALOG = load()


@cache
def compiled(engine: str, accelerator: str = "l40s") -> Step:
    return step_on(CATALOG.inventory, CATALOG.model("meta-llama/Llama-3.1-8B"), accelerator, engine=engine)


def at(percentile: int) -> ServiceLevel:
    return ServiceLevel(1.0, 1.0, 1.0, percentile, percentile, percentile)


@pytest.mark.parametrize("rate", [None, 1.0, 3.0])
@pytest.mark.parametrize("lengths", ["fixed", "chat", "rag", "code", "sharegpt", "reasoning"])
def test_a_higher_percentile_is_never_sooner(rate: float | None, lengths: str) -> None:
    step, workload = compiled("vllm"), ServingWorkload(1000, 200, 8, requests_per_second=rate, lengths=lengths)
    under = load_replica(step, workload, 8, 256)
    times = [level_times(step, workload, under, at(each)) for each in PERCENTILES]
    for lower, higher in pairwise(times):
        assert all(one <= other for one, other in zip(lower, higher, strict=True))


def test_arrivals_find_what_a_long_replay_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Means within a tenth for nine in ten, tails within a quarter: first tokens are the hardest to say."""
    monkeypatch.setattr(sample, "STEADY_REQUESTS", 1500)
    dice, means, tails = Random(11), [], []
    for _ in range(40):
        step = compiled(dice.choice(["vllm", "sglang", "trt-serve"]), dice.choice(["l40s", "h100-sxm"]))
        lengths = ServingWorkload(
            dice.choice([200, 1000, 3000]), dice.choice([300, 1000]), length_variation=dice.choice([0.0, 0.5])
        )
        most = operate(step, lengths, 256).requests_per_s
        workload = replace(lengths, requests_per_second=dice.choice([0.3, 0.5, 0.7, 0.85]) * most)
        under = load_replica(step, workload, 1, 256)
        seen = replay(step, workload, Limits(256))
        said = LevelTimes(under.ttft_s, under.point.tpot_s, under.point.request_s + under.queue_s)
        shown = seen.ttft_s.mean, seen.tpot_s.mean, seen.latency_s.mean
        means.append([mine / theirs for mine, theirs in zip(said, shown, strict=True)])
        late = seen.ttft_s.p95, seen.tpot_s.p95, seen.latency_s.p95
        said = level_times(step, workload, under, at(95))
        tails.append([mine / theirs for mine, theirs in zip(said, late, strict=True)])
    for ratios in zip(*means, strict=True):
        assert sum(0.9 < each < 1.1 for each in ratios) >= 0.9 * len(ratios)
        assert median(ratios) == pytest.approx(1, abs=0.04)
    for ratios in zip(*tails, strict=True):
        assert sum(0.75 < each < 1.33 for each in ratios) >= 0.9 * len(ratios)


def test_short_answers_lie_within_spells_of_prompts_or_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for long ones, which see prompts as often as these run, their tokens would come up to thrice too soon."""
    monkeypatch.setattr(sample, "STEADY_REQUESTS", 1500)
    dice, ratios = Random(5), []
    for _ in range(30):
        step = compiled(dice.choice(["vllm", "sglang", "trt-serve"]), dice.choice(["l40s", "h100-sxm"]))
        lengths = ServingWorkload(
            dice.choice([200, 1000, 3000]), dice.choice([20, 50, 100]), length_variation=dice.choice([0.0, 0.5])
        )
        rate = dice.choice([0.5, 0.7, 0.85]) * operate(step, lengths, 256).requests_per_s
        workload = replace(lengths, requests_per_second=rate)
        shown = replay(step, workload, Limits(256)).tpot_s.mean
        ratios.append(load_replica(step, workload, 1, 256).point.tpot_s / shown)
    assert median(ratios) == pytest.approx(1, abs=0.08)
    assert 0.55 < min(ratios) <= max(ratios) < 1.3


def test_a_percentile_carries_fewer_users_than_the_mean() -> None:
    step, workload, mean = compiled("vllm"), ServingWorkload(1000, 200), ServiceLevel(ttft_s=0.5)
    on_average, for_most = (
        best_concurrency(step, workload, level, 256) for level in (mean, replace(mean, ttft_percentile=99))
    )
    assert on_average is not None
    assert for_most is not None
    assert for_most.concurrency < on_average.concurrency


def test_clumps_wait_longer_in_the_steady_state_too() -> None:
    step, workload = compiled("vllm"), ServingWorkload(2000, 100, requests_per_second=3)
    calm, clumped = (load_replica(step, replace(workload, burstiness=each), 1, 256) for each in (1.0, 0.2))
    assert clumped.ttft_s > calm.ttft_s


def test_a_percentile_that_is_not_counted_is_refused() -> None:
    with pytest.raises(InputError, match="p75 is not counted; one of p50, p90, p95, p99"):
        check_level(ServiceLevel(ttft_s=1.0, ttft_percentile=75))
