"""Measured serving cases: how rows are read, what is refused, and how close the shipped ones are."""

import csv
import math
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.cache import DATA
from catalog.load import load
from estimator.accuracy import serving
from estimator.accuracy.cases import arrivals, cache, dcp, engine_class, layout, lengths, queued_prompts, weights
from estimator.accuracy.score import Context, Score, summarise
from estimator.layout import Layout

CATALOG = load()
CONTEXT = Context(CATALOG.inventory, CATALOG.model)
with (DATA / "evidence" / "serving.csv").open(newline="") as lines:
    ROWS = tuple(csv.DictReader(lines))
SCORES = tuple(score for row in ROWS for score in serving.score(row, CONTEXT))
ROW = dict.fromkeys(ROWS[0], "") | {
    "case_id": "x-1",
    "kind": "serving_concurrency",
    "engine": "vLLM",
    "model_id": "meta-llama/Llama-3.1-8B",
    "weight_format": "bf16",
    "accelerator_id": "h100-sxm",
    "accelerator_count": "1",
    "input_tokens": "1024",
    "output_tokens": "256",
    "concurrency": "8",
    "tpot_ms": "8",
}


def architecture(name: str):  # type: ignore[no-untyped-def]
    return CATALOG.model(name).architecture


def error(metric: str, kind: str = "") -> float:
    return median(
        abs(each.error)
        for each in SCORES
        if each.metric == metric and each.status == "scored" and (not kind or f"kind={kind}" in each.groups)
    )


@pytest.mark.parametrize(
    ("metric", "kind", "most"),
    [
        ("tpot_ms", "", 0.12),
        ("output_tokens_per_s", "", 0.125),
        ("ttft_ms", "", 0.25),
        ("output_tokens_per_s", "single_stream_decode", 0.12),
        ("total_tokens_per_s", "prefill_latency", 0.16),
        ("output_tokens_per_s", "throughput_max", 0.13),
    ],
)
def test_the_median_error_of_the_shipped_cases(metric: str, kind: str, most: float) -> None:
    assert error(metric, kind) <= most


def test_published_runs_that_no_constant_was_fitted_on() -> None:
    with (Path(__file__).parents[2] / "data" / "serving_unseen.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["accelerator_count"] == "1"]
    scores = [score for row in rows for score in serving.score(row, CONTEXT)]
    errors = {
        metric: median(abs(score.error) for score in scores if score.metric == metric)
        for metric in ("tpot_ms", "ttft_ms")
    }
    assert len(rows) == 18
    assert errors["tpot_ms"] < 0.12
    assert errors["ttft_ms"] < 0.35


def test_a_benchmark_of_few_prompts_never_holds_more_than_them() -> None:
    notes = "ShareGPT 40 prompts at request_rate=1000/s"
    row = ROW | {"concurrency": "", "notes": notes, "output_tokens_per_s": "1"}
    together = {score.metric: score.predicted for score in serving.score(row | {"concurrency": "40"}, CONTEXT)}
    sent = {score.metric: score.predicted for score in serving.score(row, CONTEXT)}
    assert together["tpot_ms"]
    assert sent["tpot_ms"]
    assert 0.8 * together["tpot_ms"] < sent["tpot_ms"] <= together["tpot_ms"]


def test_a_published_maximum_load_runs_in_waves_of_as_many_as_fit() -> None:
    row = ROW | {"kind": "throughput_max", "engine": "TensorRT-LLM", "engine_version": "1.0", "concurrency": ""}
    row |= {"tpot_ms": "", "output_tokens_per_s": "1", "input_tokens": "2048", "output_tokens": "2048"}
    assert queued_prompts(row) == 1500
    steady = row | {"output_tokens": "2047"}  # of which nobody says how many were queued
    assert queued_prompts(steady) == 0
    in_waves, endless = (serving.score(each, CONTEXT)[0].predicted or 0 for each in (row, steady))
    fit = serving.read(row, CONTEXT).max_concurrency
    assert 1500 % fit  # the last wave leaves room
    assert 0.75 * endless < in_waves < 0.995 * endless


def test_at_least_97_percent_are_answered_and_the_rest_has_a_reason() -> None:
    assert sum(each.status == "scored" for each in SCORES) >= 0.97 * len(SCORES)
    assert all(each.reason for each in SCORES if each.status != "scored")


def test_bands_hold_what_they_promise_in_every_kind() -> None:
    for kind in ("serving_concurrency", "throughput_max", "single_stream_decode", "prefill_latency"):
        inside = [each.covered for each in SCORES if f"kind={kind}" in each.groups and each.status == "scored"]
        assert 0.75 <= sum(map(bool, inside)) / len(inside) <= 0.92


def test_large_groups_are_not_biased() -> None:
    for line in summarise(SCORES):
        if line.cases >= 100 and line.metric != "ttft_ms":
            assert abs(line.bias) <= 0.11, line


@pytest.mark.parametrize(
    ("engine", "version", "kind", "expected"),
    [
        ("vLLM", "0.19.0", "serving_concurrency", "vllm"),
        ("vLLM", "ML.ENERGY v3.0 (2025-12)", "serving_concurrency", "vllm-0.11"),
        ("vLLM", "0.8.5", "serving_concurrency", "vllm"),
        ("vLLM", "2025-04", "serving_concurrency", "vllm-0.11"),
        ("vLLM", "2024-11", "serving_concurrency", "vllm-v0"),
        ("vLLM", "0.6.3.dev", "serving_concurrency", "vllm-v0"),
        ("vLLM (ROCm)", "0.10.0", "throughput_max", "vllm-rocm"),
        ("TensorRT-LLM", "0.12.0", "throughput_max", "trt-0.12"),
        ("TensorRT-LLM", "1.0", "throughput_max", "trt-1"),
        ("TensorRT-LLM", "1.x (developer-guide doc)", "throughput_max", "trt-1.x"),
        ("TensorRT-LLM", "1.2.0rc6.post2", "serving_concurrency", "trt-serve"),
        ("NIM (TensorRT-LLM)", "NIM 1.8.0", "serving_concurrency", "nim"),
        ("transformers-neuronx", "Neuron 2.18.0", "serving_concurrency", "neuron-static"),
        ("HF transformers", "", "single_stream_decode", "transformers"),
        ("llama.cpp", "2024-01", "prefill_latency", "llamacpp"),
    ],
)
def test_engines_by_name_version_and_kind(engine: str, version: str, kind: str, expected: str) -> None:
    assert engine_class(ROW | {"engine": engine, "engine_version": version, "kind": kind}) == expected


def test_a_model_that_asks_for_no_top_p_is_sampled_without() -> None:
    row = ROW | {"engine": "vLLM", "engine_version": "ML.ENERGY v3.0 (2025-12)"}
    assert engine_class(row | {"model_id": "openai/gpt-oss-20b"}) == "vllm-0.11-plain"
    assert engine_class(row | {"model_id": "Qwen/Qwen3-8B"}) == "vllm-0.11"


def test_experts_over_ranks_make_attention_tensor_parallel() -> None:
    sparse = architecture("Qwen/Qwen3-235B-A22B")
    assert layout(ROW | {"tp": "1", "ep": "8", "dp": "1", "accelerator_count": "8"}, sparse) == Layout(8, 1, 8, 1)
    assert layout(ROW | {"tp": "1", "ep": "4", "dp": "4", "accelerator_count": "4"}, sparse) == Layout(1, 1, 4, 4)
    assert layout(ROW | {"accelerator_count": "4"}, architecture("meta-llama/Llama-3.1-8B")) == Layout(4)


def test_tensorrt_1_0_copies_the_attention_of_experts() -> None:
    row = ROW | {"kind": "throughput_max", "engine": "TensorRT-LLM", "accelerator_count": "8", "tp": "8"}
    found = architecture("Qwen/Qwen3-235B-A22B")
    assert layout(row | {"engine_version": "1.0"}, found) == Layout(1, 1, 8, 8)
    assert layout(row | {"engine_version": "0.12"}, found) == Layout(8)
    assert layout(row | {"engine_version": "1.0"}, architecture("meta-llama/Llama-3.1-8B")) == Layout(8)


def test_formats_as_published_checkpoints_use_them() -> None:
    deepseek, llama = architecture("deepseek-ai/DeepSeek-V3"), architecture("meta-llama/Llama-3.1-8B")
    named = {"model_id": "deepseek-ai/DeepSeek-V3"}
    assert weights(ROW | named | {"weight_format": "fp8"}, deepseek).id == "fp8-block"
    assert weights(ROW | {"weight_format": "fp8"}, llama).id == "fp8"
    assert "attention" not in weights(ROW | named | {"weight_format": "nvfp4"}, deepseek).quantises
    assert "attention" in weights(ROW | {"weight_format": "nvfp4"}, llama).quantises
    assert cache(ROW | {"weight_format": "fp8"}, "trt-serve", llama).bits == 8
    assert cache(ROW, "trt-serve", llama).bits == 16


def test_mxfp4_caches_in_8_bit_in_recipes_and_in_16_bit_where_a_checkpoint_runs_as_it_comes() -> None:
    row, model = ROW | {"weight_format": "mxfp4", "accelerator_id": "b200-sxm"}, architecture("openai/gpt-oss-20b")
    assert cache(row | {"kind": "serving_concurrency"}, "trt-serve", model).bits == 8
    assert cache(row | {"kind": "throughput_max"}, "trt-1.x", model).bits == 16


def test_lengths_that_are_not_stated_follow_from_the_rates_or_the_task() -> None:
    rates = {"input_tokens": "", "output_tokens": "", "requests_per_s": "10", "output_tokens_per_s": "2000"}
    assert lengths(ROW | rates | {"total_tokens_per_s": "5000"}) == (300, 200)
    assert lengths(ROW | {"input_tokens": "", "notes": "task lm-arena-chat"})[0] == 140


def test_request_rates_are_read_from_the_notes() -> None:
    asked = arrivals(ROW | {"notes": "ShareGPT 1000 prompts at request_rate=16/s"})
    assert asked == (16.0, 1000.0)
    assert arrivals(ROW) is None


@settings(deadline=None, max_examples=150)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(
                st.sampled_from(["", "0", "-1", "nan", "inf", "1e300", "7", "3.5", "fp8", "int4", "h100-sxm", "l4"]),
                st.sampled_from(sorted({row[name] for row in ROWS})),
                st.text(max_size=12),
            )
            for name in ROWS[0]
        },
    )
)
def test_any_row_is_answered_or_refused_with_a_reason(changed: dict[str, str]) -> None:
    for score in serving.score(ROW | changed, CONTEXT):
        assert isinstance(score, Score)
        if score.status == "scored":
            assert score.predicted is not None
            assert math.isfinite(score.predicted)
            assert score.predicted > 0
        else:
            assert score.reason


@pytest.mark.parametrize(
    ("notes", "count"),
    [("", 1), ("16 prompts; decode context parallel 8", 8), ("TP16 DCP=4, 8 prompts", 4), ("dcp 0", 1), ("ndcp8", 1)],
)
def test_decode_context_parallelism_is_read_off_the_notes(notes: str, count: int) -> None:
    assert dcp(ROW | {"notes": notes}) == count
