"""A traffic replayed: what users, arrivals, a burst or a trace see of a deployment under its own scheduler."""

from collections.abc import Iterator
from math import ceil
from random import Random

from estimator.scenario.traffic import Request, Traffic
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.load.operating_point import first_token_overhead_s
from estimator.serving.load.replay.lengths import SHAPES, sample_arrivals, sample_lengths
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
    step: Step,
    workload: ServingWorkload,
    traffic: Traffic,
    limits: Limits,
    replicas: int = 1,
    level: ServiceLevel | None = None,
) -> ReplayReport:
    """One of `replicas` equal replicas under its share of the traffic. Raises InputError for a traffic that is none.

    Requests are dealt to the replicas in turn. Before it comes to the replica, each spends the first token's overhead
    (tokenising, launching outside graphs, network) in the front end.
    """
    traffic.check()
    overhead_s = first_token_overhead_s(step, workload)
    table = StepTable(step, workload.draft_tokens)
    users = max(ceil(workload.concurrency / replicas), 1)
    jobs = list(_jobs(workload, traffic, replicas, users, overhead_s))
    closed = traffic.kind == "closed"
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


def _jobs(workload: ServingWorkload, traffic: Traffic, replicas: int, users: int, overhead_s: float) -> Iterator[Job]:
    """One replica's share of the requests; those of a closed loop get their times from the answers before them."""
    for number, (arrival_s, given, wanted) in enumerate(_requests(workload, traffic, replicas, users)):
        cached = int(given * workload.prefix_cache_hit)
        yield Job(number, arrival_s + overhead_s, given - cached, cached, wanted)


def _requests(workload: ServingWorkload, traffic: Traffic, replicas: int, users: int) -> Iterator[Request]:
    if traffic.kind == "trace":
        yield from traffic.trace[::replicas]
        return
    random = Random(SEED)
    count = ceil(traffic.requests / replicas) if traffic.requests else max(STEADY_REQUESTS, ROUNDS * users)
    shapes = SHAPES.get(traffic.lengths, (None, None))
    given = sample_lengths(workload.input_tokens, count, shapes[0], workload.length_variation, random)
    wanted = sample_lengths(workload.output_tokens, count, shapes[1], workload.length_variation, random)
    if traffic.kind == "closed" or workload.requests_per_second is None:
        arrivals = [0.0] * count
    else:
        arrivals = sample_arrivals(count, workload.requests_per_second / replicas, traffic.burstiness, random)
    yield from map(Request, arrivals, given, wanted)
