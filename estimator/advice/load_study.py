"""What a candidate's users see as its load grows, by replays, and one minute of a replica at the asked load."""

from dataclasses import replace
from typing import NamedTuple

from estimator.advice.study import Study
from estimator.results import Percentiles
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.performance import load_replica
from estimator.serving.load.replay import ReplayReport
from estimator.serving.load.replay.replica import Span

SHARES = (0.1, 0.3, 0.5, 0.65, 0.8, 0.9, 0.96)
"""Shares of the highest rate, at which arrivals are replayed."""
BURSTS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Multiples of the asked burst."""
USERS = 7
"""Numbers of users that are replayed, in equal ratios."""
FINE_SHARES = tuple(step / 50 for step in range(1, 50))
"""Shares of the highest load, among which the knee is looked for."""
MOST_REPLAYED = 1000
"""Requests of a trace or benchmark that are replayed at each load."""
MINUTE_S = 60.0


class SeenLoad(NamedTuple):
    """One load on all replicas, and what its requests see."""

    load: float
    ttft_s: Percentiles
    tpot_s: Percentiles


class Moment(NamedTuple):
    """A replica from one step to another."""

    start_s: float
    seconds: float
    running: float
    waiting: float
    cache_tokens: float


class LoadStudy(NamedTuple):
    """A candidate's latencies by load; the unit of a load is `requests/s`, `users` or `requests`."""

    unit: str
    loads: tuple[SeenLoad, ...]
    """From the lightest to the heaviest."""
    asked: float
    overloaded: bool
    """More is asked than can be served; the minute is then that of the heaviest load."""
    knee: float | None
    """The load of the most throughput over latency (Kleinrock 1979), up to which more load costs little time; None for
    a burst."""
    minute: tuple[Moment, ...]
    """The first minute of one replica that counts."""
    cache_tokens: float
    """Tokens of one replica's cache."""


def study_loads(study: Study) -> LoadStudy | None:
    """The candidate under growing loads of the scenario's own traffic; None where there is no schedule to replay."""
    workload = study.scenario.workload
    if workload.encodes or workload.prefill_replicas or not study.most_users:
        return None
    if workload.requests:
        workload = replace(workload, requests=min(workload.requests, MOST_REPLAYED))
    elif workload.kind == "trace":
        workload = replace(workload, requests=MOST_REPLAYED)
    unit, asked, highest = _measure(study, workload)
    steps = sorted({*_loads(study, workload, asked, highest), *([asked] if asked < highest else [])})
    reports = {load: _at(study, workload, load) for load in steps}
    shown = reports.get(asked) or reports[steps[-1]]
    return LoadStudy(
        unit=unit,
        loads=tuple(SeenLoad(load, each.ttft_s, each.tpot_s) for load, each in reports.items()),
        asked=asked,
        overloaded=asked >= highest,
        knee=_knee(study, highest) if unit != "requests" else None,
        minute=_minute(shown.spans),
        cache_tokens=study.memory.pool_sequences(workload.total_tokens)
        * workload.total_tokens
        * study.memory.layout.dp,
    )


def _measure(study: Study, workload: ServingWorkload) -> tuple[str, float, float]:
    """The unit of a load, the asked one, and the highest that has a steady state."""
    if workload.requests_per_second is not None:
        highest = study.performance.possible_requests_per_s
        return "requests/s", workload.requests_per_second, highest or workload.requests_per_second
    if workload.kind == "closed":
        return "users", float(workload.concurrency), float(max(study.most_users, workload.concurrency + 1))
    return "requests", float(workload.requests or 1), float("inf")


def _loads(study: Study, workload: ServingWorkload, asked: float, highest: float) -> list[float]:
    if workload.requests_per_second is not None:
        return [share * highest for share in SHARES]
    if workload.kind == "closed":
        least = float(min(study.replicas, asked))
        ratio = (min(highest, 4096.0 * study.replicas) / least) ** (1 / (USERS - 1))
        return [float(round(least * ratio**step)) for step in range(USERS)]
    return [float(max(round(asked * share), 1)) for share in BURSTS]


def _at(study: Study, workload: ServingWorkload, load: float) -> ReplayReport:
    if workload.requests_per_second is not None:
        other = replace(workload, requests_per_second=load)
    elif workload.kind == "closed":
        other = replace(workload, concurrency=int(load))
    else:
        other = replace(workload, requests=int(load))
    return study.asking(replace(study.scenario, workload=other)).replay


def _knee(study: Study, highest: float) -> float:
    """The load at which throughput over latency is highest, in closed form."""
    workload, replicas = study.workload, study.replicas
    powers = []
    for share in FINE_SHARES:
        load = share * highest
        if workload.requests_per_second is not None:
            other = replace(workload, requests_per_second=load)
            at = load_replica(study.step, other, 1, study.room, replicas)
        else:
            at = load_replica(study.step, workload, max(load / replicas, 1.0), study.room, replicas)
        powers.append((at.requests_per_s / (at.point.request_s + at.queue_s), load))
    return max(powers)[1]


def _minute(spans: tuple[Span, ...]) -> tuple[Moment, ...]:
    """What a replica did in the first minute of its spans."""
    begin = spans[0].start_s if spans else 0.0
    return tuple(
        Moment(
            start_s=span.start_s - begin,
            seconds=span.step_s * span.steps,
            running=span.running,
            waiting=span.waiting,
            cache_tokens=span.cache_tokens,
        )
        for span in spans
        if span.start_s - begin < MINUTE_S
    )
