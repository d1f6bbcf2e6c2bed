"""The parts of a step add up to it, and say what limits it as the roofline does."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import load
from estimator.engines.speed_constants import Calibration, calibrated
from estimator.layout import Layout
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.performance import performance
from estimator.serving.speed.breakdown import bound_of, decode_operators, prefill_operators
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import step_on

CATALOG = load()
OWN = tuple(Calibration(device, engine, 1.25, 0.5) for device in ("h100-sxm", "l40s") for engine in ("vllm", "sglang"))


@cache
def compiled(name: str, accelerator: str, engine: str, layout: Layout, own: bool) -> Step:
    efficiency = calibrated(CATALOG.inventory.efficiency, OWN) if own else CATALOG.inventory.efficiency
    weights = "mxfp4" if "oss" in name else "gguf-q4_k_m" if engine == "llamacpp" else "bf16"
    model = CATALOG.model(name)
    return step_on(CATALOG.inventory, model, accelerator, layout, weights, engine, efficiency=efficiency)


STEPS = st.builds(
    compiled,
    st.sampled_from(["Qwen/Qwen3-8B", "openai/gpt-oss-20b", "Qwen/Qwen3-Next-80B-A3B-Instruct"]),
    st.sampled_from(["l40s", "h100-sxm"]),
    st.sampled_from(["vllm", "vllm-0.11", "sglang", "trt-1", "llamacpp", "neuron"]),
    st.sampled_from([Layout(), Layout(4), Layout(2, 2), Layout(1, 1, 4, 4)]),
    st.booleans(),
)
LOADS = st.tuples(st.integers(1, 40_000), st.integers(0, 4_000), st.integers(1, 300), st.integers(0, 3))


@settings(deadline=None, max_examples=150)
@given(STEPS, LOADS)
def test_operators_add_up_to_the_step(step: Step, load: tuple[int, int, int, int]) -> None:
    new, cached, batch, drafts = load
    decode = decode_operators(step, batch, new, drafts)
    assert sum(part.seconds for part in decode) == pytest.approx(step.decode_s(batch, new, drafts), rel=1e-9)
    prompt = prefill_operators(step, new, cached)
    assert sum(part.seconds for part in prompt) == pytest.approx(step.prefill_s(new, cached), rel=1e-9)
    assert all(part.seconds >= 0 for part in (*decode, *prompt))


BESIDE = {"pipeline", "host", "drafting"}
"""Parts of a step that are no operator's: they multiply nothing and read no weights."""


@pytest.mark.parametrize("drafts", [0, 3])
def test_what_is_no_operator_multiplies_and_reads_nothing(drafts: int) -> None:
    step = compiled("Qwen/Qwen3-8B", "l40s", "vllm-0.11", Layout(2, 2), own=False)
    parts = (*decode_operators(step, 16, 1000, drafts), *prefill_operators(step, 3000, 0))
    beside = [part for part in parts if part.name in BESIDE]
    assert {part.name for part in beside} == (BESIDE if drafts else BESIDE - {"drafting"})
    assert all(part.flops == part.bytes == 0 for part in beside)


@settings(deadline=None, max_examples=150)
@given(STEPS, LOADS, st.sampled_from([None, 0.1, 2.0]), st.floats(1, 4))
def test_parts_of_a_report_add_up_to_its_latencies(
    step: Step, load: tuple[int, int, int, int], rate: float | None, accepted: float
) -> None:
    new, wanted, users, drafts = load
    workload = ServingWorkload(
        new,
        wanted + 1,
        users,
        requests_per_second=rate,
        draft_tokens=drafts,
        accepted_tokens=min(accepted, drafts + 1),
        prefix_cache_hit=0.25,
    )
    report = performance(step, workload, users, 64, detail=True)
    assert sum(part.seconds for part in report.prefill) == pytest.approx(report.ttft_s.typical, rel=1e-9)
    assert sum(part.seconds for part in report.decode) == pytest.approx(report.tpot_s.typical, rel=1e-9)
    assert all(part.seconds >= 0 for part in (*report.prefill, *report.decode))


@settings(deadline=None, max_examples=100)
@given(STEPS, LOADS)
def test_a_step_left_of_the_ridge_is_never_bound_by_compute(step: Step, load: tuple[int, int, int, int]) -> None:
    new, cached, batch, drafts = load
    ridge = step.peak_flops_per_s / step.peak_bytes_per_s
    for parts in (decode_operators(step, batch, new, drafts), prefill_operators(step, new, cached)):
        flops = sum(part.flops for part in parts)
        moved = sum(part.bytes for part in parts if part.flops)
        bound = bound_of(step, parts)
        assert (bound != "compute") or flops / moved > ridge
        assert (bound != "memory") or flops / moved <= ridge


def test_sixteen_users_of_gpt_oss_on_h100_are_not_bound_by_compute() -> None:
    step = compiled("openai/gpt-oss-120b", "h100-sxm", "vllm", Layout(), False)
    parts = decode_operators(step, 16, 2304)
    assert bound_of(step, parts) != "compute"
    assert next(part for part in parts if part.name == "experts").bound != "compute"


def test_an_own_point_scales_every_operator() -> None:
    plain, own = (compiled("Qwen/Qwen3-8B", "h100-sxm", "vllm", Layout(), each) for each in (False, True))
    for before, after in zip(decode_operators(plain, 8, 1000), decode_operators(own, 8, 1000), strict=True):
        assert after.seconds == pytest.approx(1.25 * before.seconds)
    faster = replace(plain, decode_factor=0.5)
    assert all(part.seconds > 0 for part in decode_operators(faster, 8, 1000))
