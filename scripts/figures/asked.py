"""Kept questions as they are put to the estimator."""

from dataclasses import replace
from datetime import date
from functools import cache

from catalog import questions
from catalog.load import Catalog
from catalog.questions import Question
from estimator.ranking.rank import in_full, rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.traffic import Request, Trace
from scripts.figures import kept

TODAY = date(2026, 11, 30)
"""Day on which prices are looked at, whenever the figures are made."""
OTHER_KEYWORDS = ("trace", "replayed", "day", "headroom", "base_load", "peak_hours", "spare_copies")
"""What a kept question says beside the fields of a scenario."""


def ask(catalog: Catalog, question: kept.Question) -> Question:
    """The scenario that a kept question says, with its model, the inventory and the prices of a fixed day."""
    keywords = {name: value for name, value in question.items() if name not in OTHER_KEYWORDS}
    scenario = questions.scenario(catalog, **keywords)
    if count := question.get("trace"):
        scenario = _with_trace(scenario, int(count))
    asked = questions.ask(catalog, scenario)
    return asked._replace(prices=asked.prices._replace(asked_on=TODAY))


def _with_trace(scenario: Scenario, count: int) -> Scenario:
    """The scenario under a made-up recording: clumps of four requests, lengths that go round."""
    return replace(scenario, workload=scenario.workload.under(made_up_trace(count)))


@cache
def made_up_trace(count: int) -> Trace:
    """A recording of some requests, the same at every call."""
    return Trace(
        "made up",
        [
            Request(
                arrival_s=(number // 4) * 1.5 + (number % 4) * 0.1,
                input_tokens=200 + number * 37 % 900,
                output_tokens=50 + number * 53 % 300,
            )
            for number in range(count)
        ],
    )


def best(question: Question, detail: bool = True, replayed: bool = False) -> Evaluation:
    """The first row of a question's board, with the time of every operator."""
    row = rank(*question).rows[0]
    return in_full(row, *question, replayed=replayed) if detail else row
