"""A run of so many requests in closed form is what the replay of the engine's scheduler shows."""

from dataclasses import replace
from functools import cache
from random import Random

import pytest

from catalog.load import load
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.finite_run import burst_run
from estimator.serving.load.operating_point import operate
from estimator.serving.load.performance import load_replica
from estimator.serving.load.replay import Limits, replay
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import step_on

CATALOG = load()
LLAMA, QWEN = "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B"
SEQUENCES = 256


@cache
def compiled(name: str, accelerator: str, engine: str) -> Step:
    return step_on(CATALOG.inventory, CATALOG.model(name), accelerator, weights="bf16", engine=engine)


def ratios(
    kind: str, users: tuple[int, ...], rounds: tuple[int, ...], variation: float = 0.3, runs: int = 40
) -> tuple[list[float], list[float]]:
    """Throughput and mean TTFT of the closed form over those of the replay."""
    draw, rates, firsts = Random(3), [], []
    for _ in range(runs):
        step = compiled(
            draw.choice((LLAMA, QWEN)),
            draw.choice(("l40s", "h100-sxm", "b200-sxm")),
            draw.choice(("vllm", "sglang", "trt-serve")),
        )
        held = draw.choice(users)
        requests = held * draw.choice(rounds)
        workload = ServingWorkload(
            input_tokens=draw.randint(100, 4000),
            output_tokens=draw.randint(100, 1000),
            concurrency=held,
            length_variation=variation,
            traffic=kind,
            requests=requests,
        )
        shown = replay(step, workload, Limits(SEQUENCES))
        run = load_replica(step, workload, held, SEQUENCES)
        rates.append(run.requests_per_s / (shown.output_tokens_per_s / workload.output_tokens))
        firsts.append(run.ttft_s / shown.ttft_s.mean)
    return sorted(rates), sorted(firsts)


def inside(values: list[float], low: float, high: float) -> float:
    return sum(low <= value <= high for value in values) / len(values)


def test_users_who_send_ten_requests_each() -> None:
    rates, firsts = ratios("closed", (4, 16, 64), (5, 10))
    assert inside(rates, 0.9, 1.1) >= 0.95
    assert inside(firsts, 0.9, 1.1) >= 0.95


def test_equal_answers_whose_prompts_come_first_end_and_begin_together() -> None:
    """So that every round opens as the first did: 78 runs of Qwen3-32B under SGLang 0.5.1 show it."""
    step = compiled(LLAMA, "h100-sxm", "sglang")
    for users in (16, 64, 128):
        equal = ServingWorkload(2000, 256, users, traffic="closed", requests=10 * users)
        shown = replay(step, equal, Limits(SEQUENCES))
        point = load_replica(step, equal, users, SEQUENCES).point
        spread = load_replica(step, replace(equal, length_variation=0.3), users, SEQUENCES).point
        assert point.ttft_s == pytest.approx(shown.ttft_s.mean, rel=0.1)
        assert point.tpot_s == pytest.approx(shown.tpot_s.mean, rel=0.1)
        assert point.ttft_s > 2 * spread.ttft_s
        assert point.request_s == pytest.approx(spread.request_s, rel=0.1)


def test_everything_at_once() -> None:
    rates, firsts = ratios("burst", (100, 256, 1000), (1, 2))
    assert inside(rates, 0.87, 1.15) >= 0.9
    assert inside(firsts, 0.75, 1.1) >= 0.95


def test_the_longest_of_very_different_answers_run_on() -> None:
    """Answers that vary by as much as their mean, as conversations do: log-normal, the last ones nearly alone."""
    rates, _ = ratios("burst", (100, 256, 1000), (1, 2), variation=1.0, runs=20)
    assert inside(rates, 0.85, 1.25) >= 0.9
    rates, _ = ratios("closed", (16, 64), (5, 10), variation=1.0, runs=20)
    assert inside(rates, 0.9, 1.12) >= 0.9


def test_gaps_of_a_burst_are_means_over_requests() -> None:
    """A few tokens that come beside nothing but prompts, and long answers after them, as clients average them."""
    draw, gaps = Random(7), []
    for _ in range(40):
        step = compiled(draw.choice((LLAMA, QWEN)), draw.choice(("l40s", "h100-sxm")), draw.choice(("vllm", "sglang")))
        workload = ServingWorkload(
            input_tokens=draw.choice((128, 1000, 4000)),
            output_tokens=draw.choice((4, 50, 200)),
            traffic="burst",
            requests=draw.choice((100, 256, 1000)),
        )
        shown = replay(step, workload, Limits(SEQUENCES))
        gaps.append(load_replica(step, workload, workload.requests or 1, SEQUENCES).point.tpot_s / shown.tpot_s.mean)
    assert inside(sorted(gaps), 0.75, 1.25) >= 0.85


def test_short_answers_weigh_most_in_the_mean_gap_of_a_burst() -> None:
    """ShareGPT's answers: a tenth have 14 tokens or fewer, and wait for the same prompts as the long ones."""
    step = replace(compiled(QWEN, "h100-sxm", "sglang"), host_decode_s=0.0, host_sequence_s=0.0)
    equal = ServingWorkload(215, 200, 1000, traffic="burst", requests=1000)
    unlike = replace(equal, lengths="sharegpt", length_variation=1.0)
    one, other = (load_replica(step, each, 1000, 1000).point for each in (equal, unlike))
    shown = replay(step, unlike, Limits(1000)).tpot_s.mean
    assert other.tpot_s > 1.5 * one.tpot_s
    assert 0.75 < other.tpot_s / shown < 1.25
    assert other.request_s < 1.5 * one.request_s, "what a mean answer takes is not so many mean gaps"


def test_a_long_run_is_the_steady_state() -> None:
    step, steady = compiled(LLAMA, "h100-sxm", "vllm"), ServingWorkload(1000, 300, 32)
    endless = ServingWorkload(1000, 300, 32, traffic="closed", requests=1_000_000)
    one, other = (load_replica(step, each, 32, SEQUENCES) for each in (steady, endless))
    assert abs(one.ttft_s / other.ttft_s - 1) < 0.01
    assert abs(one.requests_per_s / other.requests_per_s - 1) < 0.01


def test_a_front_end_has_all_of_a_burst_wait_for_the_last() -> None:
    """200 requests of 10 ms each: 2 s before the first prompt, in closed form and replay alike."""
    step = compiled(LLAMA, "h100-sxm", "vllm")
    quick, slow = (_with_front_end(step, each) for each in (0.0, 10.0))
    burst = ServingWorkload(500, 50, 200, traffic="burst", requests=200)
    without, held = (load_replica(each, burst, 200, SEQUENCES) for each in (quick, slow))
    assert abs(held.ttft_s - without.ttft_s - 2) < 1e-9
    assert abs(200 / held.requests_per_s - 200 / without.requests_per_s - 1.99) < 1e-9, "its own is in a first token"
    shown, later = (replay(each, burst, Limits(SEQUENCES)) for each in (quick, slow))
    assert abs(later.ttft_s.mean - shown.ttft_s.mean - 2) < 1e-6
    assert abs(later.duration_s - shown.duration_s - 2) < 1e-6


def test_users_of_a_closed_loop_wait_for_the_others_in_the_front_end_once() -> None:
    step = compiled(LLAMA, "h100-sxm", "vllm")
    loop = ServingWorkload(500, 50, 100, traffic="closed", requests=1000)
    quick, slow = (load_replica(_with_front_end(step, each), loop, 100, SEQUENCES) for each in (0.0, 10.0))
    assert abs(slow.ttft_s - quick.ttft_s - 0.01 - 0.099) < 1e-9, "its own in every round, the others' in one of ten"
    assert abs(1000 / slow.requests_per_s - 1000 / quick.requests_per_s - 0.1 - 0.99) < 1e-9


def test_an_answer_takes_its_first_token_and_its_gaps_in_the_opening_too() -> None:
    """Half of the opening's prompts come before a first token, and the other half no longer between the tokens."""
    step = compiled(LLAMA, "l40s", "vllm")
    for rounds in (1, 2, 10):
        loop = ServingWorkload(2000, 100, 32, traffic="closed", requests=32 * rounds)
        point = load_replica(step, loop, 32, SEQUENCES).point
        assert abs(point.request_s / (point.ttft_s + 99 * point.tpot_s) - 1) < 1e-9
        assert point.tpot_s > point.decode_step_s


def test_batches_that_start_and_end_together_wait_for_those_before_them() -> None:
    """Ten requests, four at a time: four wait for none, four for one batch, two for two: 0.8 batches on average."""
    step = compiled(LLAMA, "l40s", "transformers")
    assert step.speed.scheduler.static
    workload = ServingWorkload(500, 50, 10, traffic="burst", requests=10)
    run, last = burst_run(step, workload, 4, 10), operate(step, workload, 2)
    assert abs(run.queue_s / (0.8 * run.point.request_s) - 1) < 1e-9
    assert abs(10 / run.requests_per_s / (2 * run.point.request_s + last.request_s) - 1) < 1e-9
    whole = burst_run(step, workload, 5, 10)
    assert abs(whole.queue_s / (0.5 * whole.point.request_s) - 1) < 1e-9
    assert abs(10 / whole.requests_per_s / (2 * whole.point.request_s) - 1) < 1e-9


def _with_front_end(step: Step, front_end_ms: float) -> Step:
    speed = step.speed
    return replace(step, speed=replace(speed, first_token=speed.first_token._replace(front_end_ms=front_end_ms)))
