"""Requests that an engine leaves waiting though it has room: by hand, and beside the replay of its scheduler."""

from dataclasses import replace
from math import inf

import pytest

from catalog.load import load
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import operate
from estimator.serving.load.performance import load_replica, report_performance
from estimator.serving.load.replay import Limits, replay
from estimator.serving.speed.admission import AT_ONCE, Admission, admission
from estimator.serving.speed.step import Step
from tests.estimator.serving.linear_engine import MS, linear_engine, requests, with_speed
from tests.estimator.serving.steps import step_on

CATALOG = load()
ROOM = Limits(sequences=4096)
approx = pytest.approx


def ahead(step: Step, steps: int) -> Step:
    return with_speed(step, scheduler=step.speed.scheduler._replace(ahead=steps))


def test_who_is_looked_for_once_in_so_many_steps_waits_for_half_of_them() -> None:
    assert AT_ONCE.waiting_steps(0.5, 100) == 0
    assert Admission(31).waiting_steps(0.5, 100) == 15


def test_attention_replicas_wait_no_longer_than_until_each_has_a_prompt() -> None:
    replicas = Admission(61, prompts=8)
    assert replicas.waiting_steps(1 / 64, 100) == 30
    assert replicas.waiting_steps(0.25, 100) == (8 / 0.25 - 1) / 2


def test_prompts_are_held_back_for_so_many_steps_or_until_they_fill_one() -> None:
    held = Admission(20, from_first=True, tokens=6000)
    assert held.waiting_steps(1e-6, 1000) == approx(20, rel=1e-4)
    assert held.waiting_steps(0.1, 1000) == approx(20 * (1 + 2 / 2) / (1 + 2))  # two others come meanwhile
    assert held.waiting_steps(1.0, 1000) == approx(5 * (1 + 5 / 2) / (1 + 5))  # the sixth fills the step
    assert held.waiting_steps(1.0, 6000) == 0
    assert held.enough(0) == inf


def test_a_first_token_waits_for_the_steps_that_are_launched_already() -> None:
    prompt = operate(linear_engine(), requests(), 20)
    late = operate(ahead(linear_engine(), 1), requests(), 20)
    assert late.admission_s == approx(10 * MS)
    assert late.ttft_s == approx(prompt.ttft_s + 10 * MS)
    assert late.tpot_s == prompt.tpot_s
    assert operate(ahead(linear_engine(), 1), requests(), 1).admission_s == 0


def test_a_first_token_waits_for_the_next_look() -> None:
    engine = linear_engine("first", admission=Admission(31))
    assert operate(engine, requests(), 20).admission_s == approx(15 * 10 * MS)
    assert operate(engine, requests(), 1).admission_s == 0


def test_the_wait_is_a_part_of_the_time_to_first_token() -> None:
    engine = linear_engine("first", admission=Admission(31), token_bytes=80e3)
    for asked in (requests(), requests(requests_per_second=1.0)):
        load_ = load_replica(engine, asked, 20)
        report = report_performance(engine, asked, load_, 1, detail=True)
        parts = {part.name: part.seconds for part in report.prefill}
        assert parts["admission"] == approx(load_.point.admission_s)
        assert parts["admission"] > 100 * MS
        assert sum(part.seconds for part in report.prefill) == approx(load_.ttft_s)


def compiled(engine: str, steps: int, rule: Admission = AT_ONCE) -> Step:
    """Llama-3.1-8B on one H100, under an engine that launches so many steps ahead and waits by a rule."""
    step = step_on(CATALOG.inventory, CATALOG.model("meta-llama/Llama-3.1-8B"), "h100-sxm", Layout(), "bf16", engine)
    return ahead(replace(step, admission=rule), steps)


LOAD = ServingWorkload(500, 400, 16, length_variation=0.3, requests=480)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@pytest.mark.parametrize(
    "rule",
    [Admission(31), Admission(61, prompts=4), Admission(41, from_first=True, tokens=2500)],
    ids=["polled", "replicas", "held"],
)
def test_a_replay_waits_as_long(engine: str, rule: Admission) -> None:
    for steps in (0, 1):
        at_once, waiting = compiled(engine, steps), compiled(engine, steps, rule)
        longer_s = operate(waiting, LOAD, 16).ttft_s - operate(at_once, LOAD, 16).ttft_s
        shown_s = replay(waiting, LOAD, ROOM).ttft_s.mean - replay(at_once, LOAD, ROOM).ttft_s.mean
        assert shown_s == approx(longer_s, rel=0.3)


def test_a_replay_counts_the_steps_that_are_launched_already() -> None:
    at_once, late = compiled("vllm", 0), compiled("vllm", 3)
    longer_s = operate(late, LOAD, 16).ttft_s - operate(at_once, LOAD, 16).ttft_s
    shown_s = replay(late, LOAD, ROOM).ttft_s.mean - replay(at_once, LOAD, ROOM).ttft_s.mean
    assert shown_s == approx(longer_s, rel=0.2)
    alone = replace(LOAD, concurrency=1, requests=5)
    assert replay(late, alone, ROOM).ttft_s.mean == approx(replay(at_once, alone, ROOM).ttft_s.mean)


def test_engines_wait_as_their_own_settings_say() -> None:
    sglang, trtllm, vllm = (CATALOG.inventory.engine(name) for name in ("sglang", "trtllm", "vllm"))
    asked = EngineSettings(admission_steps=30)
    assert admission(sglang, asked, Layout(), 8192) == Admission(30)
    assert admission(trtllm, asked, Layout(), 8192) == Admission(30, from_first=True, tokens=0.8 * 8192)
    assert admission(trtllm, asked, Layout(dp=8), 8192) == Admission(30, prompts=8)
    assert admission(vllm, asked, Layout(), 8192) is AT_ONCE
    for none in (EngineSettings(), EngineSettings(admission_steps=1)):
        assert admission(sglang, none, Layout(), 8192) is AT_ONCE


def question(engine: str, steps: int | None) -> Scenario:
    return Scenario(
        model="meta-llama/Llama-3.1-8B",
        weights="bf16",
        engine=engine,
        workload=ServingWorkload(1024, 1024, 16),
        settings=EngineSettings(admission_steps=steps),
        placement=Placement(accelerator="h100-sxm", count=1),
    )


def test_a_scenario_asks_for_it_and_an_engine_without_it_refuses() -> None:
    model, prices = CATALOG.model("meta-llama/Llama-3.1-8B"), CATALOG.prices("us-east-1")
    one, thirty = (
        evaluate(model, question("sglang", steps), CATALOG.inventory, prices).performance for steps in (None, 31)
    )
    assert one
    assert thirty
    assert thirty.ttft_s.typical > one.ttft_s.typical + 14 * one.tpot_s.typical
    assert thirty.tpot_s == one.tpot_s
    with pytest.raises(InputError, match="admission_steps: vLLM begins whoever waits at its next step"):
        evaluate(model, question("vllm", 31), CATALOG.inventory, prices)
    evaluate(model, question("vllm", 1), CATALOG.inventory, prices)
