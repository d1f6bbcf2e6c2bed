"""A replayed scheduler agrees with the steady state, and shows what a steady state can not."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import load
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.scenario.traffic import LENGTHS, Request, Trace
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.load.operating_point import operate
from estimator.serving.load.replay import Limits, ReplayReport, replay
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import step_on

CATALOG = load()
LLAMA, QWEN, OSS = "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b"
ROOM = Limits(sequences=4096)


@cache
def compiled(
    name: str,
    accelerator: str,
    engine: str,
    layout: Layout = Layout(),  # noqa: B008
    *,
    batched_tokens: int | None = None,
) -> Step:
    weights = "mxfp4" if "oss" in name else "bf16"
    inventory, model = CATALOG.inventory, CATALOG.model(name)
    return step_on(inventory, model, accelerator, layout, weights, engine, batched_tokens=batched_tokens)


def test_users_in_a_closed_loop_get_what_the_steady_state_says() -> None:
    random, ratios = Random(7), []
    for _ in range(80):
        step = compiled(
            random.choice([LLAMA, QWEN, OSS]),
            random.choice(["a10g", "l40s", "h100-sxm", "b200-sxm"]),
            random.choice(["vllm", "vllm-0.11", "sglang", "trt-serve", "tgi", "vllm-v0"]),
            random.choice([Layout(), Layout(4)]),
        )
        prompt, answer, users = random.randint(50, 4000), random.randint(200, 1000), random.choice([1, 2, 4, 16, 64])
        workload = ServingWorkload(prompt, answer, users, length_variation=0.3)
        shown = replay(step, replace(workload, requests=max(12 * users, 60)), ROOM)
        steady = operate(step, workload, users)
        ratios.append(shown.steady_output_tokens_per_s / (steady.requests_per_s * answer))
        assert shown.tpot_s.mean == pytest.approx(steady.tpot_s, rel=0.05)
    assert all(0.9 < ratio < 1.1 for ratio in ratios)


@pytest.mark.parametrize("engine", ["vllm", "llamacpp"])
def test_a_prompt_passes_every_pipeline_stage_before_its_first_token(engine: str) -> None:
    """Stages side by side divide the engine's time of a prompt, not the time that its user waits."""
    step = compiled(LLAMA, "rtx3090" if engine == "llamacpp" else "a10g", engine, Layout(1, 4))
    for users, prompt in ((1, 1000), (2, 1000), (1, 4000)):
        workload = ServingWorkload(prompt, 200, users)
        shown, steady = replay(step, workload, ROOM), operate(step, workload, users)
        assert shown.ttft_s.mean == pytest.approx(steady.ttft_s, rel=0.2)
        assert shown.ttft_s.mean >= step.prompt_time(prompt).alone_s * (1 - 1e-9)
        assert shown.tpot_s.mean == pytest.approx(steady.tpot_s, rel=0.1)


COUNT = st.integers(1, 200)
TRAFFIC = st.one_of(
    st.builds(dict, requests=COUNT, lengths=st.sampled_from(LENGTHS)),
    st.builds(dict, traffic=st.just("burst"), requests=COUNT),
    st.builds(
        dict, requests=COUNT, burstiness=st.floats(0.1, 4), requests_per_second=st.sampled_from([0.5, 20.0]),
        traffic=st.sampled_from(["rate", "burst", None]),
    ),
)  # fmt: skip
LIMITS = st.builds(Limits, st.integers(1, 64), st.sampled_from([6_000.0, 20_000.0, 1e6]))


@settings(deadline=None, max_examples=120)
@given(
    st.builds(
        compiled,
        st.just(LLAMA),
        st.just("l40s"),
        st.sampled_from(["vllm", "sglang", "trt-serve", "lmdeploy", "llamacpp"]),
        st.sampled_from([Layout(), Layout(2, 2)]),
    ),
    TRAFFIC,
    LIMITS,
    st.integers(1, 4000),
    st.integers(1, 600),
)
def test_every_request_is_answered_in_order_of_its_times(
    step: Step, traffic: dict[str, Any], limits: Limits, prompt: int, answer: int
) -> None:
    shown = replay(step, ServingWorkload(prompt, answer, 8, **traffic), limits)
    assert shown.requests == traffic["requests"]
    for figure in (shown.ttft_s, shown.tpot_s, shown.gap_s, shown.latency_s):
        assert 0 <= figure.p50 <= figure.p90 <= figure.p95 <= figure.p99
    assert shown.latency_s.p99 >= shown.ttft_s.p99
    assert shown.busy <= 1
    assert all(span.running <= limits.sequences for span in shown.spans)
    assert all(later.start_s >= span.start_s for span, later in pairwise(shown.spans))
    flops = 2 * CATALOG.model(LLAMA).architecture.active_parameters * 0.7  # embedding apart
    assert shown.total_tokens_per_s * flops <= step.peak_flops_per_s * step.layout.devices


def burst(step: Step, requests: int = 200, **workload: object) -> ReplayReport:
    asked = replace(ServingWorkload(500, 200, traffic="burst", requests=requests), **workload)  # type: ignore[arg-type]
    return replay(step, asked, Limits(256, 400_000))


def test_a_burst_makes_its_first_tokens_wait_for_the_prompts_before_them() -> None:
    step = compiled(LLAMA, "h100-sxm", "vllm")
    one, many = burst(step, 1), burst(step, 200)
    assert many.ttft_s.p99 > 5 * one.ttft_s.p99
    assert many.opening_s == pytest.approx(max(many.ttft_s), rel=0.05)
    assert burst(compiled(LLAMA, "b200-sxm", "vllm")).ttft_s.mean < many.ttft_s.mean


def test_prompts_first_starve_answers_and_prompts_in_chunks_do_not() -> None:
    steps = (compiled(LLAMA, "a10g", engine, batched_tokens=8192) for engine in ("vllm", "vllm-v0"))
    chunked, first = (burst(step, 100) for step in steps)
    assert first.gap_s.p99 > chunked.gap_s.p50
    assert first.ttft_s.p50 <= 1.5 * chunked.ttft_s.p50


def test_a_prefix_in_the_cache_brings_first_tokens_forward() -> None:
    step = compiled(LLAMA, "l40s", "vllm")
    assert burst(step, prefix_cache_hit=0.8).ttft_s.mean < burst(step).ttft_s.mean


def test_more_replicas_never_raise_a_percentile() -> None:
    step = compiled(LLAMA, "l40s", "vllm")
    workload = ServingWorkload(1000, 200, requests_per_second=6, requests=400)
    reports = [replay(step, workload, Limits(256, 100_000), replicas) for replicas in (1, 2, 4)]
    for fewer, more in pairwise(reports):
        assert all(after <= before * 1.02 for before, after in zip(fewer.ttft_s, more.ttft_s, strict=True))
        assert all(after <= before * 1.02 for before, after in zip(fewer.tpot_s, more.tpot_s, strict=True))


def test_a_full_cache_preempts_where_pages_grow_and_queues_where_they_are_reserved() -> None:
    tight = Limits(64, 8_000)
    workload = ServingWorkload(100, 800, traffic="burst", requests=64)
    grows = replay(compiled(LLAMA, "l40s", "vllm"), workload, tight)
    reserves = replay(compiled(LLAMA, "l40s", "trt-serve"), workload, tight)
    assert grows.preemptions > 0
    assert reserves.preemptions == 0
    assert max(span.cache_tokens for span in reserves.spans) <= tight.cache_tokens
    assert max(span.running for span in reserves.spans) <= 8


def test_clumps_wait_longer_than_even_arrivals() -> None:
    step = compiled(LLAMA, "l40s", "vllm")
    workload = ServingWorkload(2000, 100, requests_per_second=3, requests=400)
    even, clumps = (replay(step, replace(workload, burstiness=each), Limits(256, 200_000)) for each in (10.0, 0.2))
    assert clumps.ttft_s.p95 > even.ttft_s.p95


@pytest.mark.parametrize("rate", [None, 2.0])
def test_a_stream_without_end_is_seen_where_the_replica_is_as_full_as_it_stays(rate: float | None) -> None:
    step, workload = compiled(LLAMA, "l40s", "vllm"), ServingWorkload(300, 900, 64, requests_per_second=rate)
    shown = replay(step, workload, ROOM)
    assert shown.requests >= 400
    assert min(span.running for span in shown.spans) > 0.6 * shown.mean_running
    in_flight = shown.requests_per_s * shown.latency_s.mean
    assert shown.mean_running + shown.mean_waiting == pytest.approx(in_flight, rel=0.15)
    opening = replay(step, replace(workload, requests=shown.requests), ROOM)
    assert min(span.running for span in opening.spans) < 0.1 * shown.mean_running


def test_an_overload_waits_ever_longer() -> None:
    step, workload = compiled(LLAMA, "l40s", "vllm"), ServingWorkload(2000, 300, requests_per_second=50)
    short, long = (
        replay(step, replace(workload, requests=each), Limits(64, 100_000), level=ServiceLevel(ttft_s=1.0))
        for each in (100, 400)
    )
    assert long.ttft_s.p99 > 2 * short.ttft_s.p99
    assert long.goodput_requests_per_s < 0.5 * long.requests_per_s


def test_a_trace_is_sent_as_it_was_recorded() -> None:
    step = compiled(LLAMA, "l40s", "vllm")
    trace = Trace("two.csv", (Request(0.0, 400, 10), Request(100.0, 800, 20)))
    assert (trace.input_tokens, trace.output_tokens, trace.requests_per_second) == (600, 15, 0.01)
    workload = ServingWorkload(600, 15, requests_per_second=0.01, traffic="trace", trace=trace)
    shown = replay(step, workload, ROOM)
    assert shown.requests == 2
    assert 100 < shown.duration_s < 102
    assert shown.most_waiting == 0 or shown.ttft_s.p99 < 1
    faster = replay(step, replace(workload, requests_per_second=0.1), ROOM)
    assert 10 < faster.duration_s < 12


@pytest.mark.parametrize(
    "workload",
    [
        ServingWorkload(traffic="burst"),
        ServingWorkload(traffic="trace"),
        ServingWorkload(traffic="rate"),
        ServingWorkload(traffic="closed", requests_per_second=1.0),
        ServingWorkload(traffic="flood"),
        ServingWorkload(lengths="poem"),
    ],
)
def test_a_traffic_without_its_own_number_is_refused(workload: ServingWorkload) -> None:
    with pytest.raises(InputError):
        replay(compiled(LLAMA, "l40s", "vllm"), workload, ROOM)


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_keep_the_means_that_are_asked_for(name: str) -> None:
    workload = ServingWorkload(1000, 300, traffic="burst", requests=400, lengths=name)
    shown = replay(compiled(LLAMA, "h100-sxm", "vllm"), workload, ROOM)
    assert shown.output_tokens_per_s * shown.duration_s / 400 == pytest.approx(300, rel=0.01)
    assert shown.total_tokens_per_s * shown.duration_s / 400 == pytest.approx(1300, rel=0.01)


@pytest.mark.parametrize("variation", [5e-324, 1e-160, 1e-9, 3.0])
def test_lengths_vary_as_little_or_as_much_as_is_asked(variation: float) -> None:
    shown = burst(compiled(LLAMA, "l40s", "vllm"), 20, length_variation=variation)
    assert (shown.latency_s.p99 > 1.5 * shown.latency_s.p50) == (variation > 1)


def test_equal_questions_get_equal_answers() -> None:
    step = compiled(LLAMA, "l40s", "vllm")
    first, second = (burst(step, length_variation=0.5) for _ in range(2))
    assert first == second
