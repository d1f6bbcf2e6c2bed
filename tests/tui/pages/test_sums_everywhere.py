"""Over 300 scenarios, served, trained and on own hardware, terms add up and a figure reads alike wherever it stands."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import pytest

from estimator.errors import InputError
from estimator.results import Evaluation, Part, TrainingReport
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_workload import METHODS, TrainingWorkload
from tests.tui.pages.test_sums import CALCULATOR, serving
from tui.draw.bars import Share
from tui.draw.cells import hours_cell, seconds_cell
from tui.draw.figures import percent, usd
from tui.draw.runs import rows_as_text
from tui.pages.candidate import pane, shares, strip
from tui.pages.facts import bench_of, memory_facts
from tui.pages.leaderboard import TableContext, candidate_line
from tui.pages.speed_facts import performance_facts
from tui.state.answer import Answer
from tui.state.columns import BY_KEY
from tui.state.session import Session

MACHINES = (
    "g6e.12xlarge",
    "g7e.48xlarge",
    "p4d.24xlarge",
    "p5.48xlarge",
    "p5en.48xlarge",
    "p6-b200.48xlarge",
    "inf2.48xlarge",
    "trn1.32xlarge",
)
DEVICES = ("rtx4090", "rtx5090", "rtxpro6000-workstation", "h100-pcie", "mi300x", "gb10")
EACH = 300
LEAST_SHOWN = 180
"""Scenarios of each kind that show a row, so that the properties are about something."""


def on_a_machine(seed: int) -> Scenario:
    draw = random.Random(1000 + seed)
    return replace(serving(seed), placement=Placement(instance=draw.choice(MACHINES)), deployment="cloud")


def on_devices(seed: int) -> Scenario:
    draw = random.Random(2000 + seed)
    placement = Placement(accelerator=draw.choice(DEVICES), count=draw.choice((1, 2, 4, 8)))
    small = draw.choice(("Qwen/Qwen3-8B", "google/gemma-3-27b-it", "openai/gpt-oss-20b"))
    weights = draw.choice(("bf16", "fp8")) if "gpt-oss" not in small else "mxfp4"
    return replace(serving(seed), model=small, weights=weights, placement=placement, deployment="local")


def in_training(seed: int) -> Scenario:
    draw = random.Random(3000 + seed)
    run = TrainingWorkload(
        method=draw.choice(METHODS), sequence_length=draw.choice((512, 2048, 4096)), global_batch=draw.choice((8, 64))
    )
    model = draw.choice(("meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-8B", "meta-llama/Llama-3.3-70B-Instruct"))
    return Scenario(model=model, training=run, placement=Placement(instance=draw.choice(MACHINES)))


def shown(scenario: Scenario) -> tuple[Answer, Evaluation] | None:
    """The answer with its first row in full, where one fits."""
    try:
        answer = CALCULATOR.answer(Session(scenario=scenario))
    except InputError:
        return None
    row = answer.detail
    return (answer, row) if row and row.verdict == "fits" else None


def texts(answer: Answer, row: Evaluation) -> tuple[str, str, str]:
    """The row as the leaderboard, the strip under it and the pane beside it write it."""
    scenario = answer.session.scenario
    line = rows_as_text([candidate_line(row, 1, True, TableContext.of(250, answer))])
    below = rows_as_text(strip(row, scenario, answer.best, answer.inventory, 139))
    return line, below, rows_as_text(pane(row, scenario, answer.best, answer.inventory, 43))


def check_served(answer: Answer, row: Evaluation) -> None:
    assert row.memory
    assert row.performance
    line, below, beside = texts(answer, row)
    for value in (seconds_cell(row.performance.tpot_s.typical), seconds_cell(row.performance.ttft_s.typical)):
        assert value in beside
    assert BY_KEY["tpot"].text(row) in line
    if row.cost.price_usd_per_hour is not None:
        assert f"{usd(row.cost.price_usd_per_hour)}/h" in below
        assert usd(row.cost.price_usd_per_hour) in beside
        assert row.cost.usd_per_1m_tokens
        assert usd(row.cost.usd_per_1m_tokens.typical) in beside
    speed, usage = performance_facts(answer, row), memory_facts(answer, row).usage
    assert sum(each.seconds for each in speed.decode) == pytest.approx(row.performance.tpot_s.typical, rel=2e-3)
    assert sum(each.seconds for each in speed.prefill) == pytest.approx(row.performance.ttft_s.typical, rel=2e-3)
    assert (speed.ttft_s, speed.tpot_s) == (row.performance.ttft_s, row.performance.tpot_s)
    for parts in (usage.shares, shares(row)):
        assert all(share.value >= 0 for share in parts)
        assert sum(share.value for share in parts) == pytest.approx(row.memory.usable_bytes, rel=1e-3)
    check_alike({"act": "activations", "reserve": "reserve", "weights": "weights"}, shares(row), usage.shares)
    used = sum(share.value for share in usage.shares if share.style not in ("free", "reserve"))
    assert BY_KEY["mem"].text(row) == percent(used / row.memory.usable_bytes)
    terms = bench_of(answer, row).memory.pool_terms()
    assert sum(term.bytes for term in terms) == pytest.approx(row.memory.left_bytes, rel=1e-3, abs=2**20)


def check_alike(names: Mapping[str, str], short: Sequence[Share], long: Sequence[Share | Part]) -> None:
    """What the strip calls a part is what the Memory page shows under its name; only these are other words for one."""
    by_name = {each.name: each.value for each in long}
    for share in short:
        if share.name in by_name or share.name in names:
            assert share.value == by_name[names.get(share.name, share.name)]
    assert set(names) <= {share.name for share in short}


def check_run(answer: Answer, row: Evaluation) -> None:
    run = row.training
    assert run
    line, below, beside = texts(answer, row)
    assert BY_KEY["time"].text(row) == hours_cell(run.hours.typical)
    assert all(hours_cell(run.hours.typical) in text for text in (line, beside))
    if run.usd:
        assert f"{usd(run.usd.typical)} a run" in below
        assert usd(run.usd.typical) in beside
    assert sum(part.value for part in run.memory.parts) == pytest.approx(run.memory.peak_bytes.typical, rel=1e-3)
    assert sum(part.value for part in run.step) == pytest.approx(run.step_s.typical, rel=1e-3)
    assert sum(part.value for part in run.run) == pytest.approx(run.hours.typical * 3600, rel=1e-3)
    check_alike({"weights": "weights", "act": "activations"}, shares(row), run.memory.parts)
    assert [share.value for share in shares(row) if share.name == "states"] == [
        sum(part.value for part in run.memory.parts if part.name in ("gradients", "optimizer", "adapters"))
    ]
    check_workings(run)
    assert BY_KEY["peak"].text(row) == percent(run.memory.peak_bytes.typical / run.memory.usable_bytes)


def check_workings(run: TrainingReport) -> None:
    """What the workings say is reckoned again, and gives the figure that stands beside them."""
    step = {part.name: part.value for part in run.step}
    working = next(part.working for part in run.step if part.name == "compute")
    tokens, gflop, tflops, reached, said, factors = COMPUTE.fullmatch(working).groups()
    again = _number(tokens) * _number(gflop) * 1e9 / (_number(tflops) * 1e12 * _number(reached) / 100)
    assert again == pytest.approx(step["compute"] + step.get("recompute", 0.0), rel=2e-3)
    assert bool(said) == ("recompute" in step)
    powers = [FACTOR.match(each).groups() for each in factors.split(" x ")]
    assert prod(float(base) ** float(power or 1) for base, power in powers) * 100 == pytest.approx(
        _number(reached), rel=5e-3
    )
    memory = {part.name: part for part in run.memory.parts}
    first, second, third = GROWING.match(memory["logits"].working).groups()
    assert _number(first) * _number(second) * _number(third) == pytest.approx(memory["logits"].value, rel=6e-3)


COMPUTE = re.compile(
    r"([\d,.]+) tokens x ([\d,.e+]+) GFLOP / \(([\d,.]+) TFLOP/s x ([\d.]+)%\)(, less recompute)?; [\d.]+% = (.*)"
)
FACTOR = re.compile(r"([\d.]+)(?:\^(-?[\d.]+))?(?: |$)")
GROWING = re.compile(r"([\d,]+) tokens x ([\d,]+) x ([\d.]+) B")


def _number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize(
    ("drawn", "check"), [(on_a_machine, check_served), (on_devices, check_served), (in_training, check_run)]
)
def test_three_hundred_scenarios_add_up_and_read_alike(drawn, check) -> None:
    counted = 0
    for seed in range(EACH):
        found = shown(drawn(seed))
        if found:
            check(*found)
            counted += 1
    assert counted >= LEAST_SHOWN
