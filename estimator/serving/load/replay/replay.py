"""A traffic replayed: what users, arrivals, a burst or a trace see of a deployment under its own scheduler."""

from collections.abc import Iterator
from math import ceil
from random import Random

from estimator.scenario.traffic import Request
from estimator.scenario.workload import ServiceLevel, ServingWorkload, check_workload
from estimator.serving.load.lengths import SHAPES, sample_arrivals, sample_lengths
from estimator.serving.load.operating_point import first_token_overhead_s, operate, tower_s
from estimator.serving.load.replay.replica import Job, Limits, Replica
from estimator.serving.load.replay.report import ReplayReport, report
from estimator.serving.load.replay.step_table import StepTable
from estimator.serving.speed.step import Step

SEED = 20231116
"""Seed of the sample of lengths and gaps: equal questions get equal answers."""
STEADY_REQUESTS = 400
"""Requests of a replay whose number nobody says, at least: percentiles up to p99 rest on four of them."""
ROUNDS = 8
"""Requests that each user of a closed loop sends then, at least."""


def replay(
    step: Step, workload: ServingWorkload, limits: Limits, replicas: int = 1, level: ServiceLevel | None = None
) -> ReplayReport:
    """One of `replicas` equal replicas under its share of the traffic. Raises InputError for a traffic that is none.

    Each replica gets the same share of the requests; a trace is dealt in turn. A request first spends the first
    token's overhead (tokenising, launching outside graphs, network) and its images in the front end. The users of a
    closed loop begin all at once where it is a benchmark that ends; where it goes on for ever, they come one after the
    other within the time of one request, so that requests of equal lengths do not march in step.
    """
    check_workload(workload)
    overhead_s = first_token_overhead_s(step, workload) + tower_s(step, workload)
    table = StepTable(step, workload.draft_tokens)
    users = max(ceil(workload.concurrency / replicas), 1)
    joining_s = 0.0 if workload.is_finite else operate(step, workload, users).request_s
    jobs = list(_jobs(workload, replicas, users, overhead_s, joining_s))
    closed = workload.kind == "closed"
    replica = Replica(table, step.speed.scheduler, limits, jobs[:users] if closed else jobs, workload.accepted_tokens)
    sent, answered = users, 0
    while replica.advance():
        if closed:
            for _ in range(len(replica.finished) - answered):
                if sent < len(jobs):
                    jobs[sent].arrival_s = replica.clock_s + overhead_s
                    replica.arrive(jobs[sent])
                    sent += 1
            answered = len(replica.finished)
    return report(
        jobs=jobs,
        spans=replica.spans,
        level=level or ServiceLevel(),
        replicas=replicas,
        overhead_s=overhead_s,
        preemptions=replica.preemptions,
    )


def _jobs(workload: ServingWorkload, replicas: int, users: int, overhead_s: float, joining_s: float) -> Iterator[Job]:
    """One replica's share of the requests; those of a closed loop get their times from the answers before them, but for
    the first ones, which come within `joining_s`."""
    closed = workload.kind == "closed"
    for number, (arrival_s, given, wanted) in enumerate(_requests(workload, replicas, users)):
        cached = int(given * workload.prefix_cache_hit)
        joined_s = joining_s * number / users if closed and number < users else 0.0
        yield Job(number, arrival_s + joined_s + overhead_s, given - cached + workload.media.tokens, cached, wanted)


def _requests(workload: ServingWorkload, replicas: int, users: int) -> Iterator[Request]:
    rate = workload.requests_per_second
    if workload.kind == "trace" and workload.trace:
        recorded = workload.trace.scaled(workload.input_tokens, workload.output_tokens, rate)
        yield from recorded[: workload.requests : replicas]
        return
    random = Random(SEED)
    count = ceil(workload.requests / replicas) if workload.requests else max(STEADY_REQUESTS, ROUNDS * users)
    shapes = SHAPES.get(workload.lengths, (None, None))
    given = sample_lengths(workload.input_tokens, count, shapes[0], workload.length_variation, random)
    wanted = sample_lengths(workload.output_tokens, count, shapes[1], workload.length_variation, random)
    arrivals = [0.0] * count if rate is None else sample_arrivals(count, rate / replicas, workload.burstiness, random)
    yield from map(Request, arrivals, given, wanted)
