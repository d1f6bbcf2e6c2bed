"""More work is never sooner or cheaper, and an overload is never a pass."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.errors import InputError
from estimator.layout import Layout
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload, check_workload
from estimator.serving.load.operating_point import operate
from estimator.serving.load.performance import load_replica
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import CATALOG, packaged_step

ROUNDING = 0.01
"""Prompts that share a step are a whole number in an engine and a mean in the model."""
LENGTHS = (1, 2, 3, 5, 8, 13, 30, 100, 300, 1000)


STEPS = st.builds(
    packaged_step,
    st.sampled_from(["Qwen/Qwen3-8B", "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b"]),
    st.sampled_from(["l4", "a10g", "l40s", "h100-sxm", "b200-sxm"]),
    st.sampled_from(["vllm", "vllm-0.11", "sglang", "trt-serve", "tgi", "lmdeploy"]),
    st.sampled_from([Layout(), Layout(4), Layout(2, 2), Layout(1, 1, 4, 4)]),
)


@settings(deadline=None, max_examples=200)
@given(STEPS, st.integers(1, 16_000), st.integers(1, 512))
def test_a_longer_answer_is_never_complete_sooner_nor_are_more_of_them(
    step: Step, prompt: int, concurrency: int
) -> None:
    points = [operate(step, ServingWorkload(prompt, length), concurrency) for length in LENGTHS]
    for length, (shorter, longer) in zip(LENGTHS, pairwise(points), strict=False):
        assert longer.request_s >= shorter.request_s * (1 - ROUNDING), length
        assert longer.requests_per_s <= shorter.requests_per_s * (1 + ROUNDING), length


@pytest.mark.parametrize(
    ("name", "accelerator", "engine", "layout", "workload"),
    [
        ("Qwen/Qwen3-8B", "l4", "vllm", Layout(), ServingWorkload(2000, requests_per_second=1.5)),
        ("openai/gpt-oss-20b", "a10g", "sglang", Layout(4), ServingWorkload(2000, concurrency=4)),
    ],
)
def test_requests_of_one_token_are_answered_before_those_of_eight(
    name: str, accelerator: str, engine: str, layout: Layout, workload: ServingWorkload
) -> None:
    step = packaged_step(name, accelerator, engine, layout)
    latency = []
    for length in (1, 2, 5, 8):
        asked = ServingWorkload(
            workload.input_tokens, length, workload.concurrency, requests_per_second=workload.requests_per_second
        )
        load = load_replica(step, asked, asked.concurrency, 64)
        latency.append(load.ttft_s + (length - 1) * load.point.tpot_s)
    assert latency == sorted(latency)


@pytest.mark.parametrize("rate", [0.3, 0.9, 1.2, 1.5, 1.6])
def test_a_first_token_alone_waits_for_no_step_that_decodes(rate: float) -> None:
    step = packaged_step("Qwen/Qwen3-8B", "l4", "vllm", Layout())
    latency = []
    for length in (1, 2, 5, 8):
        load = load_replica(step, ServingWorkload(2000, length, requests_per_second=rate), 16, 14)
        latency.append(load.ttft_s + (length - 1) * load.point.tpot_s)
    assert latency == sorted(latency)


def test_arrivals_beyond_what_is_possible_are_an_overload_that_meets_no_level() -> None:
    workload = ServingWorkload(2000, 100, requests_per_second=150)
    scenario = Scenario(
        "Qwen/Qwen3-8B",
        "bf16",
        workload=workload,
        service_level=ServiceLevel(ttft_s=3600),
        placement=Placement(instance="g6.xlarge"),
    )
    row = rank(CATALOG.model(scenario.model), scenario, CATALOG.inventory, CATALOG.prices(scenario.region)).rows[0]
    speed = row.performance
    assert speed
    assert speed.overloaded
    assert speed.possible_requests_per_s == pytest.approx(speed.requests_per_s.typical)
    assert speed.utilization == pytest.approx(150 / speed.requests_per_s.typical)
    assert not row.meets_service_level
    assert not row.holds_load


def test_what_keeps_up_says_what_would_be_possible() -> None:
    step = packaged_step("Qwen/Qwen3-8B", "h100-sxm", "vllm", Layout())
    load = load_replica(step, ServingWorkload(2000, 100, requests_per_second=1), 16, 64)
    assert not load.overloaded
    assert 1 / load.utilization == pytest.approx(load_replica(step, ServingWorkload(2000, 100), 64, 64).requests_per_s)


@pytest.mark.parametrize(("drafts", "accepted"), [(0, 65.0), (2, 10.0), (0, 1.5)])
def test_a_step_yields_no_more_than_it_verifies(drafts: int, accepted: float) -> None:
    with pytest.raises(InputError, match="accepted_tokens"):
        check_workload(ServingWorkload(draft_tokens=drafts, accepted_tokens=accepted))
    check_workload(ServingWorkload(draft_tokens=2, accepted_tokens=3.0))
