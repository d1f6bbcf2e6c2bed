"""What is shown is what is scored: a row's question, asked with options, gets the figure that `accuracy` scores."""

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterator

import pytest

from catalog.cache import DATA
from catalog.load import load
from estimator.accuracy import memory, serving
from estimator.accuracy.memory_case import memory_case
from estimator.accuracy.score import Context, Row
from estimator.accuracy.serving import shown_figures
from estimator.accuracy.serving_case import ServingCase, serving_case
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Scenario
from estimator.units import GIB
from tui.__main__ import main
from tui.options.options import given_options, with_option

CATALOG = load()
CONTEXT = Context(CATALOG.inventory, CATALOG.model)
ROWS_DRAWN, COMMANDS = 300, 4


def drawn() -> Iterator[Row]:
    """Rows of every source in turn, at random."""
    with (DATA / "evidence" / "serving.csv").open(newline="") as lines:
        sources = defaultdict(list)
        for row in csv.DictReader(lines):
            sources[row["source"].partition(":")[0]].append(row)
    draw = random.Random(5)
    for rows in sources.values():
        draw.shuffle(rows)
    for turn in range(max(map(len, sources.values()))):
        for rows in sources.values():
            if turn < len(rows):
                yield rows[turn]


def asked(case: ServingCase) -> Scenario:
    """The scenario of the options that the row states, each read from its text."""
    scenario = Scenario()
    for name, value in options(case).items():
        scenario = with_option(scenario, name, value)
    return scenario


def options(case: ServingCase) -> dict[str, str]:
    given = given_options(case.scenario)
    if "requests-per-second" in given:
        del given["concurrency"]  # the command line takes one of the two
    return {name: str(value) for name, value in given.items()}


def test_the_options_of_a_row_give_the_figures_that_are_scored() -> None:
    compared, left = 0, ROWS_DRAWN
    for row in drawn():
        scores = serving.score(row, CONTEXT)
        if not scores or scores[0].status != "scored":
            continue
        case = serving_case(row, CONTEXT)
        assert asked(case) == case.scenario
        shown = rank(case.model, asked(case), CATALOG.inventory, CATALOG.prices("us-east-1")).rows[0].performance
        assert shown
        figures = dict(shown_figures(case, shown))
        for score in scores:
            assert (score.low, score.predicted, score.high) == tuple(figures[score.metric])
            compared += 1
        left -= 1
        if not left:
            break
    assert compared > ROWS_DRAWN


def test_the_options_of_a_start_up_give_the_memory_that_is_scored() -> None:
    """Activations, graphs and pool of a row of one stage, asked with its options, are those of the Memory page."""
    compared = 0
    with (DATA / "evidence" / "memory.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["engine"] == "vllm" and row["pp"] == "1"]
    for row in rows:
        figures = {each.metric: each for each in memory.score(row, CONTEXT) if each.status == "scored"}
        if not row["accelerator_id"] or "kv_available_gib_per_gpu" not in figures:
            continue
        case = memory_case(row, CONTEXT)
        scenario = Scenario()
        for name, value in given_options(case.scenario).items():
            scenario = with_option(scenario, name, str(value))
        shown = rank(case.model, scenario, case.inventory, CATALOG.prices("us-east-1")).rows[0].memory
        if shown is None:
            continue
        for metric, shown_bytes in (
            ("activation_peak_gib", shown.activation_bytes),
            ("cudagraph_gib", shown.cuda_graph_bytes),
            ("kv_available_gib_per_gpu", shown.left_bytes),
        ):
            if metric in figures:
                assert figures[metric].predicted == pytest.approx(shown_bytes / GIB, rel=1e-9), row["case_id"]
                compared += 1
    assert compared >= 80


def test_estimate_prints_what_is_scored(capsys: pytest.CaptureFixture[str]) -> None:
    left = COMMANDS
    for row in drawn():
        try:
            case = serving_case(row, CONTEXT)
        except InputError:
            continue
        scores = {score.metric: score for score in serving.score(row, CONTEXT)}
        if "tpot_ms" not in scores or case.row["tpot_is"] != "mean":
            continue
        arguments = [part for name, value in options(case).items() for part in (f"--{name}", value)]
        assert main(["estimate", "--format", "json", *arguments]) == 0
        shown = json.loads(capsys.readouterr().out)["performance"]["tpot_s"]["typical"]
        assert shown * 1000 == pytest.approx(scores["tpot_ms"].predicted, rel=1e-12)
        left -= 1
        if not left:
            return
