"""On every page the terms that are shown add up to the figure that is shown, and a figure shown twice is the same."""

import random
from dataclasses import replace

import pytest

from catalog.load import load
from estimator.engines.speed_constants import Calibration
from estimator.errors import InputError
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Scenario
from estimator.scenario.training_workload import METHODS, TrainingWorkload
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from tui.draw.cells import seconds_cell
from tui.pages.candidate import shares
from tui.pages.comparison import SERVING, compare_line
from tui.pages.facts import memory_facts
from tui.pages.memory_parts import Usage
from tui.pages.speed_facts import performance_facts
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.columns import BY_KEY
from tui.state.pinning import pin_of
from tui.state.session import Session

CALCULATOR = Calculator(load())
MODELS = (
    "meta-llama/Llama-3.3-70B-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
    "openai/gpt-oss-120b",
    "Qwen/Qwen3-Next-80B-A3B-Instruct",
    "deepseek-ai/DeepSeek-V3",
    "google/gemma-3-27b-it",
)
SERVING_SCENARIOS = 30
TRAINING_SCENARIOS = 10
ROWS = 3
"""Rows of a leaderboard that are looked into, drawn at random."""


def serving(seed: int) -> Scenario:
    draw = random.Random(seed)
    own = (Calibration("h100-sxm", "vllm", 1.3, 0.8), Calibration("l40s", "vllm", 0.7, 1.4))
    return Scenario(
        model=draw.choice(MODELS),
        weights=draw.choice(("bf16", "fp8", "int4-awq")),
        kv=draw.choice(("bf16", "fp8")),
        workload=ServingWorkload(
            input_tokens=draw.choice((128, 2048, 16384)),
            output_tokens=draw.choice((1, 64, 512)),
            concurrency=draw.choice((1, 16, 300)),
            requests_per_second=draw.choice((None, None, 0.5)),
            prefix_cache_hit=draw.choice((0.0, 0.6)),
        ),
        service_level=ServiceLevel(draw.choice((None, 1.0)), draw.choice((None, 0.05))),
        settings=EngineSettings(memory_utilization=draw.choice((None, 0.85, 0.95))),
        deployment=draw.choice(("cloud", "cloud", "local")),
        calibrations=draw.choice(((), own)),
    )


def training(seed: int) -> Scenario:
    draw = random.Random(seed)
    run = TrainingWorkload(method=draw.choice(METHODS), sequence_length=draw.choice((512, 4096)))
    return Scenario(model=MODELS[seed % 2], training=replace(run, global_batch=draw.choice((8, 64))))


def rows_of(scenario: Scenario, seed: int) -> tuple[Answer, list[Evaluation]]:
    try:
        answer = CALCULATOR.answer(Session(scenario=scenario))
    except InputError:
        pytest.skip("a scenario that is refused shows nothing")
    fitting = [row for row in answer.board.rows if row.verdict == "fits"]
    return answer, random.Random(seed).sample(fitting, min(ROWS, len(fitting)))


@pytest.mark.parametrize("seed", range(SERVING_SCENARIOS))
def test_what_is_shown_of_a_served_model_adds_up(seed: int) -> None:
    answer, rows = rows_of(serving(seed), seed)
    for row in rows:
        assert row.memory
        assert row.performance
        speed = performance_facts(answer, row)
        assert sum(each.seconds for each in speed.decode) == pytest.approx(row.performance.tpot_s.typical, rel=2e-3)
        assert sum(each.seconds for each in speed.prefill) == pytest.approx(row.performance.ttft_s.typical, rel=2e-3)
        usage = memory_facts(answer, row).usage
        assert all(share.value >= 0 for share in (*usage.shares, *shares(row)))
        assert sum(share.value for share in usage.shares) == pytest.approx(row.memory.usable_bytes, rel=1e-3)
        assert sum(share.value for share in shares(row)) == pytest.approx(row.memory.usable_bytes, rel=1e-3)
        used = sum(share.value for share in usage.shares if share.style not in ("free", "reserve"))
        assert BY_KEY["mem"].figure(row) == pytest.approx(used / row.memory.usable_bytes, rel=1e-3)


@pytest.mark.parametrize("seed", range(0, SERVING_SCENARIOS, 3))
def test_a_figure_is_the_same_on_the_leaderboard_and_in_the_comparison(seed: int) -> None:
    answer, rows = rows_of(serving(seed), seed)
    session = answer.session
    for row in rows:
        pinned = CALCULATOR.pinned(pin_of(answer._replace(session=session, rows=(row,))))
        for title, key in (("TTFT", "ttft"), ("TPOT", "tpot")):
            line = next(line for line in SERVING if line.title == title)
            (cell,) = compare_line(line, [pinned])
            assert cell.text == BY_KEY[key].text(row)
        assert row.performance
        assert seconds_cell(row.performance.tpot_s.typical) == BY_KEY["tpot"].text(row)


@pytest.mark.parametrize("seed", range(TRAINING_SCENARIOS))
def test_what_is_shown_of_a_run_adds_up(seed: int) -> None:
    answer, rows = rows_of(training(seed), seed)
    for row in rows:
        full = CALCULATOR.detail(answer, row).training
        assert full
        assert sum(part.value for part in full.memory.parts) == pytest.approx(full.memory.peak_bytes.typical, rel=1e-3)
        assert sum(part.value for part in full.step) == pytest.approx(full.step_s.typical, rel=1e-3)
        assert sum(part.value for part in full.run) == pytest.approx(full.hours.typical * 3600, rel=1e-3)
        assert sum(share.value for share in shares(row)) <= full.memory.usable_bytes * 1.001


def test_the_parts_of_a_device_never_overlap() -> None:
    answer, rows = rows_of(Scenario(), 0)
    for row in rows:
        assert row.memory
        usage = Usage(row.memory, 1e9, answer.session.scenario.workload.total_tokens)
        assert usage.cache_bytes <= max(row.memory.kv_cache_bytes, 0.0)
