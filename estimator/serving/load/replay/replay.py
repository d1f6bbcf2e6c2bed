"""A traffic replayed: what users, arrivals, a burst or a trace see of a deployment under its own scheduler."""

from itertools import groupby
from math import ceil

from estimator.scenario.workload import ServiceLevel, ServingWorkload, check_workload
from estimator.serving.load.arrivals import arrivals_at
from estimator.serving.load.operating_point import first_token_overhead_s, operate, tower_s
from estimator.serving.load.replay.replica import Job, Limits, Replica
from estimator.serving.load.replay.report import ReplayReport, report
from estimator.serving.load.replay.sample import Sample, sample_of
from estimator.serving.load.replay.step_table import step_table
from estimator.serving.speed.step import Step
from estimator.units import MILLISECOND


def replay(
    step: Step, workload: ServingWorkload, limits: Limits, replicas: int = 1, level: ServiceLevel | None = None
) -> ReplayReport:
    """One of `replicas` equal replicas under its share of the traffic. Raises InputError for a traffic that is none.

    Each replica gets the same share of the requests; a trace is dealt in turn. A request first spends the first
    token's overhead (launching outside graphs, network) and its images in the front end, and waits there for the others
    that came at the same time. The users of a
    closed loop begin all at once where it is a benchmark that ends; where it goes on for ever, they come one after the
    other within the time of one request, so that requests of equal lengths do not march in step, and what comes before
    the replica is as full as it stays does not count.
    """
    check_workload(workload)
    overhead_s = first_token_overhead_s(step, *workload.uncached_tokens) + tower_s(step, workload)
    users = max(ceil(workload.concurrency / replicas), 1)
    request_s = 0.0 if workload.is_finite else _request_s(step, workload, limits, replicas, users)
    rate = (workload.requests_per_second or 0.0) / replicas
    sample = sample_of(workload, replicas, users, min(rate * request_s, limits.sequences))
    closed = workload.kind == "closed"
    front_end_s = step.speed.first_token.front_end_ms * MILLISECOND
    joining_s = [request_s * number / users for number in range(users if closed else 0)]
    jobs = _jobs(workload, sample, joining_s)
    _take_in(jobs[:users] if closed else jobs, front_end_s, overhead_s)
    replica = Replica(
        step_table(step, workload.draft_tokens),
        step.speed.scheduler,
        limits,
        jobs[:users] if closed else jobs,
        workload.tokens_per_step,
    )
    counted, sent, answered = jobs[sample.before : sample.last], users, 0
    left = len(counted)
    while left and replica.advance():
        latest, answered = replica.finished[answered:], len(replica.finished)
        for job in latest:
            left -= sample.before <= job.number < sample.last
            if closed and sent < len(jobs):
                jobs[sent].sent_s = replica.clock_s
                jobs[sent].arrival_s = replica.clock_s + overhead_s
                replica.arrive(jobs[sent])
                sent += 1
    ends_s = jobs[sample.last].sent_s if sample.after else max(job.finish_s for job in counted)
    return report(
        jobs=counted,
        spans=replica.spans,
        level=level or ServiceLevel(),
        replicas=replicas,
        ends_s=ends_s,
        preemptions=replica.preemptions,
    )


def _request_s(step: Step, workload: ServingWorkload, limits: Limits, replicas: int, users: int) -> float:
    """Seconds of a mean request in the steady state."""
    if workload.requests_per_second is None:
        return operate(step, workload, users).request_s
    arriving = workload.requests_per_second / replicas
    return arrivals_at(step, workload, arriving, float(limits.sequences)).point.request_s


def _jobs(workload: ServingWorkload, sample: Sample, joining_s: list[float]) -> list[Job]:
    """The requests of a sample; those of a closed loop get their times from the answers before them, but for the first
    ones, which join at `joining_s`."""
    jobs = []
    for number, (sent_s, given, wanted) in enumerate(sample.requests):
        cached = int(given * workload.prefix_cache_hit)
        joined_s = joining_s[number] if number < len(joining_s) else 0.0
        jobs.append(Job(number, sent_s + joined_s, given - cached + workload.media.tokens, cached, wanted))
    return jobs


def _take_in(jobs: list[Job], front_end_s: float, overhead_s: float) -> None:
    """When each job arrives at the engine: with the last of those sent together, after those sent before. The front
    end's time for a job alone is part of its overhead.
    """
    free_s = 0.0
    for sent_s, together in groupby(jobs, lambda job: job.sent_s):
        group = list(together)
        free_s = max(free_s, sent_s) + len(group) * front_end_s
        for job in group:
            job.arrival_s = free_s - front_end_s + overhead_s
