"""The report of a replay: percentiles of what users saw, what the replica delivered, how busy and how full it was."""

from collections.abc import Sequence
from typing import NamedTuple

from estimator.results import Percentiles
from estimator.scenario.workload import ServiceLevel
from estimator.serving.load.replay.replica import Job, Span


class ReplayReport(NamedTuple):
    """What a replayed traffic saw, on all replicas together."""

    requests: int
    """Requests answered, on one replica."""
    ttft_s: Percentiles
    tpot_s: Percentiles
    """Mean gap between the tokens of a request, over requests of more than one token."""
    gap_s: Percentiles
    """Gaps between tokens, over all tokens."""
    latency_s: Percentiles
    """Whole requests."""
    duration_s: float
    """From the first arrival to the last answer; of a stream without end, to the arrival of the next request."""
    output_tokens_per_s: float
    total_tokens_per_s: float
    """Input and output."""
    requests_per_s: float
    goodput_requests_per_s: float
    """Requests per second that kept every bound of the service level."""
    steady_output_tokens_per_s: float
    """Output tokens per second between the first and the last quarter of the answers."""
    busy: float
    """Share of the time in which a replica had anything to do."""
    mean_running: float
    """Answers in work at once on one replica, in the mean over time."""
    mean_waiting: float
    """Requests that wait for a prompt or are in it, on one replica, in the mean over time."""
    most_waiting: int
    preemptions: int
    """Answers that gave their cache back on one replica, and were computed again."""
    opening_s: float
    """Time until everybody who was there at the start has a first token."""
    opening_ttft_s: float
    """Mean time to first token of those who were there at the start."""
    spans: tuple[Span, ...] = ()
    """The replica's steps, for drawing."""


def report(
    jobs: Sequence[Job],
    spans: Sequence[Span],
    level: ServiceLevel,
    replicas: int,
    ends_s: float,
    preemptions: int,
) -> ReplayReport:
    """The report of one of `replicas` equal replicas, from the first of these requests to the time `ends_s`.

    Preemptions are those of the whole replay.
    """
    begin = min(job.sent_s for job in jobs)
    duration = max(ends_s - begin, 1e-9)
    spans = [span for span in spans if begin <= span.start_s < ends_s] or spans
    ttft = [job.first_token_s - job.sent_s for job in jobs]
    latency = [job.finish_s - job.sent_s for job in jobs]
    tpot = [(job.finish_s - job.first_token_s) / (job.output - 1) if job.output > 1 else 0.0 for job in jobs]
    kept = sum(map(level.met_by, ttft, tpot, latency))
    output = sum(job.output for job in jobs)
    given = sum(job.given for job in jobs)
    opening = [index for index, job in enumerate(jobs) if job.sent_s <= begin]
    return ReplayReport(
        requests=len(jobs),
        ttft_s=percentiles(ttft),
        tpot_s=percentiles([each for each, job in zip(tpot, jobs, strict=True) if job.output > 1] or [0.0]),
        gap_s=_gaps(spans),
        latency_s=percentiles(latency),
        duration_s=duration,
        output_tokens_per_s=replicas * output / duration,
        total_tokens_per_s=replicas * (output + given) / duration,
        requests_per_s=replicas * len(jobs) / duration,
        goodput_requests_per_s=replicas * kept / duration,
        steady_output_tokens_per_s=replicas * _steady_rate(spans),
        busy=min(sum(span.step_s * span.steps for span in spans) / duration, 1.0),
        mean_running=sum(span.running * span.step_s * span.steps for span in spans) / duration,
        mean_waiting=sum(span.waiting * span.step_s * span.steps for span in spans) / duration,
        most_waiting=max((span.waiting for span in spans), default=0),
        preemptions=preemptions,
        opening_s=max(jobs[index].first_token_s for index in opening) - begin,
        opening_ttft_s=sum(ttft[index] for index in opening) / len(opening),
        spans=tuple(spans),
    )


def percentiles(values: Sequence[float]) -> Percentiles:
    """Mean and percentiles of values, interpolated between neighbours as NumPy does."""
    ordered = sorted(values)
    return Percentiles(sum(ordered) / len(ordered), *(_at(ordered, share) for share in (0.5, 0.9, 0.95, 0.99)))


def _at(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _gaps(spans: Sequence[Span]) -> Percentiles:
    """Gaps between tokens by their number; steps without tokens lengthen the gap of the next ones."""
    weights: list[tuple[float, float]] = []
    stalled_s = 0.0
    for span in spans:
        if not span.tokens:
            stalled_s = stalled_s + span.step_s * span.steps if span.running else 0.0
            continue
        weights.append((span.step_s + stalled_s, span.tokens))
        if span.steps > 1:
            weights.append((span.step_s, span.tokens * (span.steps - 1)))
        stalled_s = 0.0
    weights.sort()
    total = sum(tokens for _, tokens in weights)
    if not total:
        return Percentiles(mean=0.0, p50=0.0, p90=0.0, p95=0.0, p99=0.0)
    shares, passed, quantiles = [0.5, 0.9, 0.95, 0.99], 0.0, list[float]()
    for gap, tokens in weights:
        passed += tokens
        while len(quantiles) < len(shares) and passed >= shares[len(quantiles)] * total:
            quantiles.append(gap)
    quantiles += [weights[-1][0]] * (len(shares) - len(quantiles))
    return Percentiles(sum(gap * tokens for gap, tokens in weights) / total, *quantiles)


def _steady_rate(spans: Sequence[Span]) -> float:
    """Answer tokens per second between the first and the last quarter of all tokens."""
    total = sum(span.tokens * span.steps for span in spans)
    passed = tokens = seconds = 0.0
    for span in spans:
        written = span.tokens * span.steps
        if 0.25 * total <= passed <= 0.75 * total:
            tokens += written
            seconds += span.step_s * span.steps
        passed += written
    return tokens / seconds if seconds else 0.0
