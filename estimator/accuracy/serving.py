"""Measured serving rows against what the product answers to the same question."""

from collections.abc import Iterator

from estimator.accuracy.prose import filled
from estimator.accuracy.score import UNPRICED, Context, Row, Score, number, scored, text, unscored
from estimator.accuracy.serving_case import ServingCase, serving_case
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.results import Band, Evaluation, PerformanceReport
from estimator.units import MILLISECOND

METRICS = (
    "output_tokens_per_s",
    "total_tokens_per_s",
    "requests_per_s",
    "ttft_ms",
    "tpot_ms",
    "tokens_per_s_per_user",
)


def score(row: Row, context: Context) -> list[Score]:
    """Scores every speed that a measured serving row states: predicted as a screen shows it, or refused with the
    reason.
    """
    measured = [(metric, value) for metric in METRICS if (value := number(row, metric))]
    rule = text(filled(row), "excluded")
    scores = _answered(row, context, measured)
    return [score._replace(status="excluded", reason=rule) for score in scores] if rule else scores


def _answered(row: Row, context: Context, measured: list[tuple[str, float]]) -> list[Score]:
    try:
        case = serving_case(row, context)
        evaluation = answer(case, context)
    except InputError as problem:
        return [unscored(row, metric, value, "unsupported", str(problem)) for metric, value in measured]
    if evaluation.performance is None:
        reason = evaluation.reason or evaluation.verdict
        return [unscored(row, metric, value, "unsupported", reason) for metric, value in measured]
    figures = dict(shown_figures(case, evaluation.performance))
    return [
        scored(row, metric, value, figures[metric])
        if metric in figures
        else unscored(row, metric, value, "skipped", "the row lacks what this metric needs")
        for metric, value in measured
    ]


def answer(case: ServingCase, context: Context) -> Evaluation:
    """The evaluation that a screen would show of a measured row's question. Raises InputError where it can not be
    asked.
    """
    return rank(case.model, case.scenario, context.inventory, UNPRICED, (case.machine,)).rows[0]


def shown_figures(case: ServingCase, shown: PerformanceReport) -> Iterator[tuple[str, Band]]:
    """What the screens would show for each column of a measured row, in the column's unit."""
    row, workload = case.row, case.scenario.workload
    if text(row, "kind") == "prefill_latency":
        yield "ttft_ms", shown.ttft_s.times(1 / MILLISECOND)
        yield "total_tokens_per_s", shown.ttft_s.reciprocal(workload.input_tokens * workload.concurrency)
        return
    per_token = {
        "mean": shown.tpot_s,
        "median": shown.median_gap_s or shown.tpot_s,
        "request": shown.request_latency_s.times(1 / workload.output_tokens),
    }
    yield "tpot_ms", per_token.get(text(row, "tpot_is"), shown.tpot_s).times(1 / MILLISECOND)
    yield "ttft_ms", shown.ttft_s.times(1 / MILLISECOND)
    decoding = text(row, "rate_is") == "decode"
    of_users = shown.tokens_per_s_per_user.times(workload.concurrency)
    yield "output_tokens_per_s", of_users if decoding else shown.output_tokens_per_s
    alone = text(row, "kind") == "single_stream_decode" and not decoding
    own = shown.output_tokens_per_s.times(1 / workload.concurrency) if alone else shown.tokens_per_s_per_user
    yield "tokens_per_s_per_user", own
    yield "total_tokens_per_s", shown.total_tokens_per_s
    yield "requests_per_s", shown.requests_per_s
