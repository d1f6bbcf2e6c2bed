"""A replay's report, from three requests and their steps that are written out by hand."""

import pytest

from estimator.results import Percentiles
from estimator.scenario.workload import ServiceLevel
from estimator.serving.load.replay.replica import Job, Span
from estimator.serving.load.replay.report import ReplayReport, percentiles, report


def job(number: int, sent_s: float, first_token_s: float, finish_s: float, output: int, cached: int = 0) -> Job:
    made = Job(number, sent_s, 100 - cached, cached, output)
    made.first_token_s, made.finish_s = first_token_s, finish_s
    return made


def span(start_s: float, step_s: float, steps: float, tokens: float, running: int, waiting: int) -> Span:
    return Span(start_s, step_s, steps, tokens, running, waiting, cache_tokens=0.0)


JOBS = (job(0, 0.0, 1.0, 3.0, 5), job(1, 0.0, 2.0, 3.0, 3, cached=40), job(2, 2.0, 2.5, 2.5, 1))
SPANS = (
    span(0.0, 0.5, 2, 0, 0, 2),
    span(1.0, 0.5, 2, 1, 1, 1),
    span(2.0, 0.25, 2, 2, 2, 3),
    span(2.5, 0.25, 2, 1, 2, 0),
)


def shown(level: ServiceLevel = ServiceLevel(), replicas: int = 1, spans: tuple[Span, ...] = SPANS) -> ReplayReport:  # noqa: B008
    return report(JOBS, spans, level, replicas, ends_s=4.0, preemptions=7)


def test_times_are_those_of_the_requests() -> None:
    seen = shown()
    assert (seen.requests, seen.preemptions, seen.duration_s) == (3, 7, 4.0)
    assert seen.ttft_s == percentiles([1.0, 2.0, 0.5])
    assert seen.latency_s == percentiles([3.0, 3.0, 0.5])
    assert seen.tpot_s == percentiles([2.0 / 4, 1.0 / 2]), "an answer of one token has no gap"


def test_rates_are_over_the_whole_run_and_all_replicas() -> None:
    seen = shown(replicas=2)
    assert seen.output_tokens_per_s == 2 * 9 / 4
    assert seen.total_tokens_per_s == 2 * (9 + 300) / 4
    assert seen.requests_per_s == 2 * 3 / 4


def test_only_requests_that_keep_every_bound_are_goodput() -> None:
    assert shown(ServiceLevel(ttft_s=1.0)).goodput_requests_per_s == 2 / 4
    assert shown(ServiceLevel(ttft_s=1.0, latency_s=2.0)).goodput_requests_per_s == 1 / 4


def test_a_replica_is_busy_while_it_steps_and_holds_what_its_steps_hold() -> None:
    seen = shown()
    assert seen.busy == (1 + 1 + 0.5 + 0.5) / 4
    assert seen.mean_running == (1 * 1 + 2 * 0.5 + 2 * 0.5) / 4
    assert seen.mean_waiting == (2 * 1 + 1 * 1 + 3 * 0.5) / 4
    assert seen.most_waiting == 3


def test_the_opening_lasts_until_the_last_of_those_there_at_the_start_has_a_token() -> None:
    assert shown().opening_s == 2.0
    assert shown().opening_ttft_s == (1.0 + 2.0) / 2


def test_gaps_are_weighed_by_their_tokens() -> None:
    """One token each 0.5 s, twice; then two and one each 0.25 s: eight tokens. Nobody waited for the first steps."""
    gaps = shown().gap_s
    assert gaps.mean == pytest.approx((2 * 0.5 + 6 * 0.25) / 8)
    assert (gaps.p50, gaps.p90, gaps.p99) == (0.25, 0.5, 0.5)


def test_steps_without_tokens_lengthen_the_next_gap_of_those_in_work() -> None:
    stalled = (span(0.0, 0.1, 1, 2, 2, 0), span(0.1, 0.3, 2, 0, 2, 1), span(0.7, 0.1, 3, 2, 2, 0))
    gaps = shown(spans=stalled).gap_s
    assert gaps.mean == pytest.approx((2 * 0.1 + 2 * 0.7 + 4 * 0.1) / 8)
    assert (gaps.p50, gaps.p90) == (pytest.approx(0.1), pytest.approx(0.7))


def test_the_steady_rate_leaves_the_first_and_the_last_quarter_of_the_tokens_out() -> None:
    spans = tuple(span(start, 1.0 if start in (0, 3) else 0.5, 1, 10, 1, 0) for start in range(4))
    assert shown(spans=spans).steady_output_tokens_per_s == pytest.approx(30 / (0.5 + 0.5 + 1.0))


def test_without_steps_there_are_no_gaps_and_nobody_waits() -> None:
    seen = shown(spans=())
    assert seen.gap_s == Percentiles(0.0, 0.0, 0.0, 0.0, 0.0)
    assert seen.most_waiting == seen.busy == seen.steady_output_tokens_per_s == 0


def test_percentiles_lie_between_neighbours_as_in_numpy() -> None:
    """numpy.percentile([1, 2, 4, 8], (50, 90, 95, 99))."""
    assert percentiles([8.0, 1.0, 4.0, 2.0]) == pytest.approx(Percentiles(3.75, 3.0, 6.8, 7.4, 7.88))
    assert percentiles([3.0]) == Percentiles(3.0, 3.0, 3.0, 3.0, 3.0)
