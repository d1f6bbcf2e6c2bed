"""Paired runs with and without drafts against the speed-up that the product answers."""

from dataclasses import replace

from estimator.accuracy.score import Context, Row, Score, number, scored, unscored
from estimator.accuracy.serving import answer
from estimator.accuracy.serving_case import ServingCase, serving_case
from estimator.errors import InputError
from estimator.results import Band

METRIC = "drafted_gain"
"""Tokens/s with drafts over tokens/s without, of one pair of runs that differ in nothing else."""


def score(row: Row, context: Context) -> list[Score]:
    """Scores the speed-up by drafts that a measured pair of runs shows: what screens show with the drafts, over what
    they show without.
    """
    without, drafted = number(row, "undrafted_tokens_per_s"), number(row, "drafted_tokens_per_s")
    if not (without and drafted):
        return []
    measured = drafted / without
    try:
        predicted = gain(row, context)
    except InputError as problem:
        return [unscored(row, METRIC, measured, "unsupported", str(problem))]
    return [scored(row, METRIC, measured, predicted)]


def gain(row: Row, context: Context) -> Band:
    """The speed-up by the drafts that a row states, with its band. Raises InputError for what can not be asked."""
    case = serving_case(row, context)
    drafts, tokens = int(number(row, "draft_tokens") or 0), number(row, "tokens_per_step") or 1.0
    workload = replace(case.scenario.workload, draft_tokens=drafts, accepted_tokens=tokens)
    drafting = case._replace(scenario=replace(case.scenario, workload=workload))
    typical = _seconds_per_token(case, context) / _seconds_per_token(drafting, context)
    return context.inventory.efficiency.draft_gain.of(typical)


def _seconds_per_token(case: ServingCase, context: Context) -> float:
    evaluation = answer(case, context)
    if evaluation.performance is None:
        raise InputError("case", evaluation.reason or evaluation.verdict)
    return evaluation.performance.tpot_s.typical
