"""Open arrivals at one replica: requests come at random, whether or not earlier ones are done."""

from math import log, sqrt

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, operate
from estimator.serving.speed.step import Step

QUANTILES = (0.50, 0.95, 0.99)
DEVIATIONS = (0.0, 1.645, 2.326)
"""Standard deviations of a normal distribution at `QUANTILES`."""
HIGHEST_LOAD = 0.98
"""Share of the time that prompts keep the engine busy beyond which their queue has no steady length (guess)."""
ROUNDS = 12
"""Little's law as a fixed point, or halves of a bracket: enough for 1 in 4,000."""
TOLERANCE = 0.01
"""Relative change of the concurrency below which the point stands."""


def point_at_rate(
    step: Step, workload: ServingWorkload, requests_per_s: float, limit: float
) -> tuple[OperatingPoint, float]:
    """The point at which one replica completes what arrives, and its utilization; at `limit` where it can not."""
    full = operate(step, workload, limit)
    if requests_per_s >= full.requests_per_s:
        return full, requests_per_s / full.requests_per_s
    point = operate(step, workload, 1.0)
    low, high = 1.0, limit
    for _ in range(ROUNDS):
        if point.requests_per_s >= requests_per_s and point.concurrency <= 1.0:
            # less than one request in flight on average: unloaded latency
            break
        wanted = requests_per_s * point.request_s  # Little's law
        if point.requests_per_s < requests_per_s:
            low = max(low, point.concurrency)
        else:
            high = min(high, point.concurrency)
        following = wanted if low < wanted < high else (low + high) / 2
        if abs(following - point.concurrency) < TOLERANCE * following:
            break
        point = operate(step, workload, following)
    return point, requests_per_s / full.requests_per_s


def with_random_arrivals(point: OperatingPoint, requests_per_s: float, variation: float) -> OperatingPoint:
    """The point of a replica at which so many requests arrive, at random: each waits for the prompts ahead (M/G/1).

    It takes the place of the wait among clients that send one request after the other.
    """
    point = point._replace(requests_per_s=min(requests_per_s, point.requests_per_s))
    wait_s = _queue_s(point, variation) * _load(point)
    later_s = wait_s - point.prompt_wait_s
    return point._replace(ttft_s=point.ttft_s + later_s, request_s=point.request_s + later_s, prompt_wait_s=wait_s)


def ttft_percentiles_s(point: OperatingPoint, ttft_s: float, variation: float) -> tuple[float, float, float]:
    """p50, p95 and p99: who waits at all waits an exponential time."""
    load, queue_s = _load(point), _queue_s(point, variation)
    unqueued = ttft_s - point.prompt_wait_s
    p50, p95, p99 = (unqueued + max(queue_s * log(load / (1 - each)), 0.0) if load else unqueued for each in QUANTILES)
    return p50, p95, p99


def tpot_percentiles_s(
    step: Step, workload: ServingWorkload, point: OperatingPoint, limit: float
) -> tuple[float, float, float]:
    """p50, p95 and p99: the number in flight varies like a Poisson count, up to what the engine holds."""
    p50, p95, p99 = (
        operate(step, workload, min(point.concurrency + each * sqrt(point.concurrency), limit)).tpot_s
        for each in DEVIATIONS
    )
    return p50, p95, p99


def _load(point: OperatingPoint) -> float:
    """Share of the time that prompts keep the engine busy."""
    return min(point.requests_per_s * point.prompt_s, HIGHEST_LOAD)


def _queue_s(point: OperatingPoint, variation: float) -> float:
    """Mean wait of those who have to wait (Pollaczek-Khinchine), for prompts of that coefficient of variation."""
    return point.prompt_s * (1 + variation**2) / (2 * (1 - _load(point)))
