"""Published start-ups and footprints: how close the budget comes, and that no row breaks it."""

import csv
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.cache import DATA
from catalog.load import Catalog
from estimator.accuracy.memory import METRICS, score, tokens_of
from estimator.accuracy.memory_case import memory_case, start_up
from estimator.accuracy.score import Context, Score
from estimator.units import GIB

ROWS = list(csv.DictReader((DATA / "evidence/memory.csv").open(newline="", encoding="utf-8")))


@pytest.fixture(scope="module")
def context(catalog: Catalog) -> Context:
    named = catalog.model
    return Context(catalog.inventory, lambda name: named(catalog.model_id(name)))


@pytest.fixture(scope="module")
def scores(context: Context) -> list[Score]:
    return [each for row in ROWS for each in score(row, context)]


LATER = {row["case_id"] for row in ROWS if row["source"].startswith(("start-up log", "GitHub report"))}
"""Start-ups of 2026 that came in after the rules were written; they have targets of their own."""
SUSPECT = {"llmddoc-08", "club-10"}
"""A peak under half of every sibling's of its table; a recipe whose batch and drafter are not in the row."""


def errors(scores: list[Score], metric: str, engine: str) -> list[float]:
    return [
        abs(each.error)
        for each in scores
        if each.metric == metric
        and each.status == "scored"
        and f"engine={engine}" in each.groups
        and each.case_id not in SUSPECT | LATER
    ]


@pytest.mark.parametrize(
    ("engine", "metric", "rows", "most_median", "most_mean"),
    [
        ("vllm", "weights_gib_per_gpu", 55, 0.003, 0.003),
        ("vllm", "activation_peak_gib", 40, 0.02, 0.015),
        ("vllm", "kv_available_gib_per_gpu", 45, 0.005, 0.02),
        ("vllm", "kv_tokens", 45, 0.005, 0.02),
        ("vllm", "capacity_tokens", 45, 0.005, 0.02),
        ("vllm", "cudagraph_gib", 40, 0.08, 0.1),
        ("llama.cpp", "kv_gib_for_tokens", 12, 1e-4, 1e-4),
        ("ik_llama.cpp/llama.cpp", "kv_gib_for_tokens", 55, 1e-4, 1e-3),
        ("llama.cpp", "weights_gib_per_gpu", 8, 1e-4, 1e-4),
        ("transformers", "total_peak_as_printed", 60, 0.02, 0.025),
        ("AutoAWQ", "total_peak_as_printed", 24, 0.05, 0.08),
    ],
)
def test_errors_stay_within_their_targets(
    scores: list[Score], engine: str, metric: str, rows: int, most_median: float, most_mean: float
) -> None:
    found = errors(scores, metric, engine)
    assert len(found) >= rows
    assert median(found) <= most_median
    assert fmean(found) <= most_mean


@pytest.mark.parametrize(
    ("metric", "rows", "most_median", "in_band"),
    [
        ("weights_gib_per_gpu", 7, 0.005, 0.7),
        ("kv_available_gib_per_gpu", 7, 0.025, 0.7),
        ("kv_tokens", 8, 0.015, 0.7),
        ("capacity_tokens", 7, 0.015, 0.7),
    ],
)
def test_start_ups_that_came_after_the_rules(
    scores: list[Score], metric: str, rows: int, most_median: float, in_band: float
) -> None:
    later = [each for each in scores if each.case_id in LATER and each.metric == metric and each.status == "scored"]
    assert len(later) >= rows
    assert median(abs(each.error) for each in later) <= most_median
    assert sum(each.low <= each.measured <= each.high for each in later) >= in_band * len(later)


def test_weights_are_within_two_percent_in_nine_rows_of_ten(scores: list[Score]) -> None:
    found = errors(scores, "weights_gib_per_gpu", "vllm")
    assert sum(error <= 0.02 for error in found) >= 0.9 * len(found)


def test_memory_outside_torch_is_within_a_fifth_of_a_gib(scores: list[Score]) -> None:
    """All but granite-3 (0.46 for 0.25, unexplained) and a log that counts memory used before the start."""
    far = {
        each.case_id
        for each in scores
        if each.metric == "non_torch_gib"
        and each.predicted is not None
        and abs(each.predicted - each.measured) > 0.2
        and each.case_id not in LATER
    }
    assert far <= {"llmd-014", "llmd-015", "iss-009"}


def test_every_start_up_is_told_from_every_refusal(scores: list[Score]) -> None:
    fits = [each for each in scores if each.metric == "fits" and each.status == "scored"]
    assert len(fits) >= 45
    assert [each.case_id for each in fits if each.predicted != each.measured] == []


def test_tokens_of_the_printed_pool_are_exact_to_one_block(context: Context) -> None:
    checked = 0
    for row in ROWS:
        printed, tokens = row["kv_available_gib_per_gpu"], row["kv_tokens"]
        if row["engine_version"] != "0.19.0" or not printed or not tokens or row["pp"] != "1":
            continue
        try:
            case = memory_case(row, context)
        except ValueError:
            continue
        assert case.device
        memory = start_up(case)
        page = memory.plan.pool.page_bytes
        rounding = 0.005 * GIB // page + 1  # the log prints two decimals
        pages = float(printed) * GIB // page
        low, high = (tokens_of(memory, int(pages + by), "kv_tokens", "0.19.0") for by in (-rounding, rounding))
        assert low <= float(tokens) <= high, row["case_id"]
        checked += 1
    assert checked >= 35


def test_error_messages_state_the_size_we_compute(scores: list[Score]) -> None:
    """vLLM: "23.25 GiB KV cache is needed" for 196,608 tokens of MiniMax-M2.7-AWQ over two ranks."""
    found = {each.case_id: each for each in scores if each.metric == "kv_gib_for_tokens"}
    assert abs(found["spark-1"].error) < 0.03
    assert found["infx-1"].status == "skipped", "its source does not state the cache format"


@pytest.mark.parametrize(
    ("case_id", "within"),
    [
        ("dsllm-026", 0.02),  # 67B over eight stages, one prompt of 4,096: 33.23
        ("dsllm-034", 0.02),  # four prompts of 2,048: 33.71
        ("qwen1-qwen-7b-bf16", 0.01),  # encoding 2,048 tokens: 16.99
        ("qwen1-qwen-14b-bf16", 0.01),  # 30.15
    ],
)
def test_peaks_of_whole_prompts_without_a_pool(scores: list[Score], case_id: str, within: float) -> None:
    found = [each for each in scores if each.case_id == case_id and each.metric == "total_peak_as_printed"]
    assert abs(found[0].error) <= within


def test_what_is_not_scored_says_why(scores: list[Score]) -> None:
    for each in scores:
        assert each.metric in METRICS
        assert (each.predicted is None) == (each.status != "scored")
        assert (each.reason is None) == (each.status == "scored")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(ROWS),
    st.dictionaries(
        st.sampled_from(sorted(ROWS[0])),
        st.one_of(st.text(max_size=12), st.sampled_from(["-1", "0", "1e30", "nan", "inf", "q8_0", "K f16 / V q4_0"])),
        max_size=4,
    ),
)
def test_no_row_breaks_the_scoring(context: Context, row: Mapping[str, str], broken: dict[str, str]) -> None:
    for each in score({**row, **broken}, context):
        assert each.predicted is None or abs(each.predicted) < float("inf")


def test_start_ups_that_no_rule_was_read_off(context: Context) -> None:
    """Start-ups of vLLM 0.10 to 0.27 whose logs stand in public repositories, of sources that are not shipped."""
    unseen = Path(__file__).parents[2] / "data" / "memory_unseen.csv"
    rows = list(csv.DictReader(unseen.open(newline="", encoding="utf-8")))
    assert not {row["source"] for row in rows} & {row["source"] for row in ROWS}
    for metric in ("kv_available_gib_per_gpu", "kv_tokens"):
        scored = [each for row in rows for each in score(row, context) if each.metric == metric and each.predicted]
        assert len(scored) >= 15
        assert median(abs(each.error) for each in scored) < 0.018
        within = sum(bool(each.low and each.high and each.low <= each.measured <= each.high) for each in scored)
        assert within / len(scored) >= 0.7


@pytest.mark.parametrize(
    ("notes", "drafts", "cached", "tower"),
    [("", 0, 0.0, True), ("mtp 3", 3, 0.0, True), ("language-model-only; prefix caching", 0, 0.5, False)],
)
def test_notes_say_how_a_server_was_started(
    context: Context, notes: str, drafts: int, cached: float, tower: bool
) -> None:
    row = next(row for row in ROWS if row["case_id"] == "gh-le-2") | {"quantity_notes": notes}
    case = memory_case(row, context)
    assert case.scenario.workload.draft_tokens == drafts
    assert case.scenario.workload.prefix_cache_hit == cached
    assert bool(case.model.tower_parameters) == tower
