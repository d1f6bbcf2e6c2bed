"""A pasted benchmark result moves one accelerator under one engine, and nothing else."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.load import load
from estimator.engines.speed_constants import calibrated
from estimator.errors import InputError
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.calibration import Measurement, calibration, parse, read_points
from estimator.serving.load.operating_point import operate
from estimator.serving.speed.step import Step
from tests.estimator.serving.steps import step_on

CATALOG = load()
NAME = "meta-llama/Llama-3.1-8B"
MODEL = CATALOG.model(NAME)

VLLM = """
============ Serving Benchmark Result ============
Successful requests:                     640
Maximum request concurrency:             32
Benchmark duration (s):                  61.20
Total input tokens:                      655360
Total generated tokens:                  163840
Request throughput (req/s):              10.46
Output token throughput (tok/s):         2,677.12
Total Token throughput (tok/s):          13385.62
---------------Time to First Token----------------
Mean TTFT (ms):                          152.20
Median TTFT (ms):                        120.61
P99 TTFT (ms):                           913.81
-----Time per Output Token (excl. 1st token)------
Mean TPOT (ms):                          11.30
Median TPOT (ms):                        11.10
==================================================
"""
SGLANG = {
    "backend": "sglang",
    "completed": 100,
    "total_input_tokens": 102400,
    "total_output_tokens": 51200,
    "request_throughput": 2.0,
    "output_throughput": 1024.0,
    "mean_ttft_ms": 90.0,
    "mean_tpot_ms": 7.5,
    "concurrency": 7.8,
}


def step(accelerator: str, calibrations: tuple = ()) -> Step:  # type: ignore[type-arg]
    inventory = CATALOG.inventory
    return step_on(inventory, MODEL, accelerator, efficiency=calibrated(inventory.efficiency, calibrations))


def test_vllm_prints_are_read() -> None:
    assert parse(VLLM) == Measurement(1024, 256, 32.0, pytest.approx(0.1522), pytest.approx(0.0113), 2677.12)


def test_sglang_json_lines_are_read() -> None:
    line = json.dumps(SGLANG)
    assert parse(line) == parse(f"{line}\n{line}") == Measurement(1024, 512, 7.8, 0.09, 0.0075, 1024.0)


def test_without_a_concurrency_littles_law_gives_it() -> None:
    known = {name: value for name, value in SGLANG.items() if name != "concurrency"}
    assert parse(json.dumps(known)).concurrency == pytest.approx(2.0 * (0.09 + 511 * 0.0075))


@pytest.mark.parametrize("pasted", ["", "hello", "{", "[1, 2]", json.dumps({"completed": 10}), "Mean TPOT (ms): 5"])
def test_anything_else_is_refused(pasted: str) -> None:
    with pytest.raises(InputError):
        parse(pasted)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(pasted: str) -> None:
    with suppress(InputError):
        assert parse(pasted).concurrency >= 1


def test_the_measured_point_is_met_on_that_accelerator_alone_and_its_band_shrinks() -> None:
    measured = parse(VLLM)
    plain = step("h100-sxm")
    point = calibration(measured, plain, "h100-sxm")
    fitted = step("h100-sxm", (point,))
    workload = ServingWorkload(measured.input_tokens, measured.output_tokens)
    assert operate(fitted, workload, 32.0).tpot_s == pytest.approx(measured.tpot_s, rel=0.02)
    assert operate(fitted, workload, 32.0).ttft_s == pytest.approx(measured.ttft_s, rel=0.05)
    assert fitted.spreads["serving"].tpot.high < plain.spreads["serving"].tpot.high
    assert operate(step("a100-80gb-sxm", (point,)), workload, 32.0) == operate(step("a100-80gb-sxm"), workload, 32.0)
    assert step("h100-sxm", ()) is plain


def test_a_measurement_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="another model"):
        calibration(parse(VLLM)._replace(tpot_s=9.0), step("h100-sxm"), "h100-sxm")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (("mean_ttft_ms", "mean_tpot_ms", "output_throughput"), "neither TTFT, TPOT nor output throughput"),
        (("concurrency", "request_throughput"), "no concurrency, and no request rate"),
    ],
)
def test_what_a_result_lacks_is_said(missing: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse(json.dumps({name: value for name, value in SGLANG.items() if name not in missing}))


def test_a_number_too_long_to_be_finite_is_skipped() -> None:
    line = json.dumps(SGLANG)
    assert parse(line.replace("}", ', "note_1": 1e999}')) == parse(line)


def test_output_throughput_alone_gives_the_factor_of_decode() -> None:
    measured = parse(VLLM)._replace(tpot_s=None, ttft_s=None)
    plain = step("h100-sxm")
    point = calibration(measured, plain, "h100-sxm")
    assert point.prefill == 1.0
    workload = ServingWorkload(measured.input_tokens, measured.output_tokens)
    rate = operate(step("h100-sxm", (point,)), workload, 32.0).requests_per_s * measured.output_tokens
    assert rate == pytest.approx(measured.output_tokens_per_s, rel=0.02)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("x", "expected a list of at most 64"),
        ([{}] * 65, "expected a list of at most 64"),
        ([{"accelerator": "h100-sxm"}], "a point is accelerator, engine"),
        ([{"accelerator": "h100-sxm", "engine": "vllm", "colour": 1}], "a point is accelerator, engine"),
        ([{"accelerator": "h100 sxm", "engine": "vllm"}], "ids of letters, digits"),
        ([{"accelerator": "h100-sxm", "engine": "vllm", "decode": 11}], "numbers from 0.1 to 10"),
        ([{"accelerator": "h100-sxm", "engine": "vllm", "prefill": True}], "numbers from 0.1 to 10"),
        ([{"accelerator": "h100-sxm", "engine": "vllm", "reserve_gib": 2000}], "reserve_gib"),
    ],
)
def test_points_of_a_session_are_checked(points: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_points(points)


def test_points_of_a_session_are_read() -> None:
    (point,) = read_points([{"accelerator": "h100-sxm", "engine": "vllm", "decode": 1.25}])
    assert (point.accelerator, point.engine, point.decode, point.prefill) == ("h100-sxm", "vllm", 1.25, 1.0)
