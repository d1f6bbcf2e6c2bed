"""What holds of every replay: the hardware's bounds, ordered percentiles, and what more machines or hits can not do."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.layout import Layout
from estimator.results import Percentiles
from estimator.scenario.traffic import LENGTHS
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import operate
from estimator.serving.load.replay import Limits, replay
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import CATALOG, packaged_step

SAMPLE = 0.03
"""Requests meet steps at other moments where there are more replicas, so that a percentile of 400 is some steps off."""


STEPS = st.builds(
    packaged_step,
    st.sampled_from(["meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b"]),
    st.sampled_from(["l4", "a10g", "l40s", "h100-sxm", "b200-sxm"]),
    st.sampled_from(["vllm", "sglang", "trt-serve", "tgi", "lmdeploy", "llamacpp"]),
    st.sampled_from([Layout(), Layout(4), Layout(2, 2)]),
)
WORKLOADS = st.builds(
    ServingWorkload,
    st.integers(50, 4000),
    st.integers(20, 800),
    length_variation=st.sampled_from([0.0, 0.3, 1.0]),
    lengths=st.sampled_from(LENGTHS),
)
LIMITS = Limits(256, 1_000_000)


def at_load(step: Step, workload: ServingWorkload, share: float) -> ServingWorkload:
    """The workload at a share of the highest rate of one replica."""
    return replace(workload, requests_per_second=share * operate(step, workload, 256.0).requests_per_s)


def at_kept_load(step: Step, workload: ServingWorkload, share: float) -> ServingWorkload:
    """The workload at a share of what one replica shows to complete.

    Its highest rate in closed form can be more where an engine computes prompts first: with all places taken these
    come together and share a step, with some free each takes a step of its own, and more machines then help nobody.
    """
    shown = replay(step, replace(workload, concurrency=256, requests=1024), LIMITS)
    return replace(workload, requests_per_second=share * shown.requests_per_s)


@settings(deadline=None, max_examples=40)
@given(STEPS, WORKLOADS, st.floats(0.1, 0.95))
def test_no_replay_passes_the_roofline(step: Step, workload: ServingWorkload, share: float) -> None:
    shown = replay(step, at_load(step, workload, share), LIMITS)
    devices, active = step.layout.devices, CATALOG.model("openai/gpt-oss-20b").architecture.active_parameters
    assert shown.total_tokens_per_s * 2 * active * 0.7 <= step.peak_flops_per_s * devices
    for figure in (shown.ttft_s, shown.tpot_s, shown.gap_s, shown.latency_s):
        assert 0 <= figure.p50 <= figure.p90 <= figure.p95 <= figure.p99
    most = max(span.running for span in shown.spans)
    assert shown.output_tokens_per_s <= 1.05 * most / step.decode_s(1, 1, 0) + 1e-9
    assert shown.goodput_requests_per_s <= shown.requests_per_s


@settings(deadline=None, max_examples=40)
@given(STEPS, WORKLOADS, st.floats(0.3, 0.9), st.integers(2, 6))
def test_more_machines_raise_no_percentile(step: Step, workload: ServingWorkload, share: float, replicas: int) -> None:
    asked = at_kept_load(step, workload, share * replicas)
    fewer, more = (replay(step, asked, LIMITS, each) for each in (replicas, replicas + 1))
    for before, after in zip(_figures(fewer), _figures(more), strict=True):
        slack = SAMPLE + 2 * fewer.gap_s.p99 / max(min(before), 1e-9)
        assert all(late <= early * (1 + slack) for early, late in zip(before, after, strict=True))


@settings(deadline=None, max_examples=40)
@given(STEPS, WORKLOADS, st.floats(0.3, 0.9), st.floats(0.1, 0.9))
def test_cache_hits_raise_no_first_token(step: Step, workload: ServingWorkload, share: float, hit: float) -> None:
    asked = at_load(step, workload, share)
    cold, warm = replay(step, asked, LIMITS), replay(step, replace(asked, prefix_cache_hit=hit), LIMITS)
    step_s = 2 * cold.gap_s.p99
    assert all(after <= before * (1 + SAMPLE) + step_s for before, after in zip(cold.ttft_s, warm.ttft_s, strict=True))


def _figures(report: object) -> tuple[Percentiles, ...]:
    return tuple(getattr(report, name) for name in ("ttft_s", "tpot_s", "latency_s"))
