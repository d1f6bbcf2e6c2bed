"""Models that only read: any number of texts waits for the next pass, and nothing is said of what they do not write."""

from dataclasses import replace
from math import inf

import pytest

from catalog import open_catalog, scenario
from catalog.questions import ask
from estimator.advice.alternatives import single_changes
from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.models.conversion import conversion
from estimator.models.format_choice import starting_weights
from estimator.ranking.rank import rank
from estimator.scenario.workload import ServingWorkload
from tui.cli import text_output
from tui.draw.runs import rows_as_text
from tui.pages.header import scenario_row

CATALOG = open_catalog()
EMBEDDING, DECODER = "BAAI/bge-m3", "Qwen/Qwen3-8B"


def board(**asked):
    return rank(*ask(CATALOG, scenario(CATALOG, model=EMBEDDING, **asked))).rows


def test_sixteen_texts_at_once_take_one_device() -> None:
    rows = [row for row in board(concurrency=16) if row.verdict == "fits"]
    assert rows
    assert all(row.candidate.machines == 1 and row.holds_load for row in rows)


def test_who_waits_for_a_pass_waits_in_proportion() -> None:
    few, many = (
        next(row for row in board(concurrency=number, instance="g6.xlarge", machines=1)).performance
        for number in (16, 160)
    )
    assert many.ttft_s.typical == pytest.approx(10 * few.ttft_s.typical, rel=0.02)
    assert many.requests_per_s.typical == pytest.approx(few.requests_per_s.typical, rel=0.02)


@pytest.mark.parametrize("bound", [0.05, 0.2, 1.0])
def test_users_within_a_level_see_it(bound: float) -> None:
    row = next(row for row in board(concurrency=1, ttft_s=bound, instance="g6e.xlarge", machines=1))
    assert row.max_users > 0
    at_most, beyond = (
        next(row for row in board(concurrency=number, ttft_s=bound, instance="g6e.xlarge", machines=1))
        for number in (row.max_users, row.max_users + 2)
    )
    assert at_most.performance.ttft_s.typical <= bound < beyond.performance.ttft_s.typical


def test_a_32_bit_upload_starts_as_engines_load_it() -> None:
    assert starting_weights(CATALOG.model(EMBEDDING), "fp8") == "fp16"
    assert conversion("fp32", "fp16") == "the engine rounds the 32-bit weights while loading (--dtype)"
    assert conversion("fp32", "fp8") == "the engine quantises while loading (--quantization fp8)"


def test_no_text_is_computed_ahead_of_one_that_is_read_both_ways() -> None:
    with pytest.raises(InputError, match="prefix_cache_hit: BAAI/bge-m3 reads both ways"):
        board(prefix_cache_hit=0.5)
    causal = scenario(CATALOG, model="Qwen/Qwen3-Embedding-8B", prefix_cache_hit=0.5)
    assert rank(*ask(CATALOG, causal)).rows[0].verdict == "fits"


def test_nothing_that_it_lacks_is_advised() -> None:
    asked = ask(CATALOG, scenario(CATALOG, model=EMBEDDING))
    row = rank(*asked).rows[0]
    study = Study(row.candidate, asked.scenario, asked.model, asked.inventory, asked.prices)
    titles = {each.title for each in single_changes(study)}
    assert "half the input" in titles
    assert not {title for title in titles if "output" in title or "cache" in title}


def test_the_question_is_said_without_an_answer_and_a_cache() -> None:
    reading = ask(CATALOG, scenario(CATALOG, model=EMBEDDING)).scenario
    assert text_output.scenario(reading).startswith("BAAI/bge-m3 fp16 | 2k in, x16 |")
    assert " bge-m3 fp16 │ 2k x16 │" in rows_as_text([scenario_row(reading, 80)])
    writing = replace(reading, model=DECODER, workload=replace(reading.workload, encodes=False))
    assert " kv bf16 | 2k in, 512 out, x16 |" in text_output.scenario(writing)


def test_texts_that_are_only_read_are_held_where_one_runs() -> None:
    written = ServingWorkload(concurrency=1000)
    read = replace(written, encodes=True)
    assert [written.capacity_in(room) for room in (0, 1, 7)] == [0, 1, 7]
    assert [read.capacity_in(room) for room in (0, 1, 7)] == [0, inf, inf]
