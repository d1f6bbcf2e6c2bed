"""Open arrivals at one replica: requests come at random, whether or not earlier ones are done."""

from math import inf, sqrt
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, operate
from estimator.serving.speed.step import Step

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


def with_random_arrivals(point: OperatingPoint, requests_per_s: float, workload: ServingWorkload) -> OperatingPoint:
    """The point of a replica at which so many requests arrive, at random: each waits for the prompts ahead (G/G/1).

    It takes the place of the wait among clients that send one request after the other.
    """
    point = point._replace(requests_per_s=min(requests_per_s, point.requests_per_s))
    wait_s = queue_s(point, workload) * prompt_load(point)
    later_s = wait_s - point.prompt_wait_s
    return point._replace(ttft_s=point.ttft_s + later_s, request_s=point.request_s + later_s, prompt_wait_s=wait_s)


def with_prompts_at_once(step: Step, workload: ServingWorkload, point: OperatingPoint) -> OperatingPoint:
    """The point of a replica whose requests all came at the same time: a first token waits for half of the prompts.

    It takes the place of the wait among clients that send one request after the other.
    """
    wait_s = step.prompt_time(*workload.uncached_tokens).engine_s * (point.concurrency - 1) / 2
    later_s = wait_s - point.prompt_wait_s
    return point._replace(ttft_s=point.ttft_s + later_s, request_s=point.request_s + later_s, prompt_wait_s=wait_s)


def prompt_load(point: OperatingPoint) -> float:
    """Share of the time that prompts keep the engine busy."""
    return min(point.requests_per_s * point.prompt_s, HIGHEST_LOAD)


def queue_s(point: OperatingPoint, workload: ServingWorkload) -> float:
    """Mean wait of those who have to wait: Pollaczek-Khinchine at Poisson arrivals, Kingman's bound at others."""
    gaps, prompts = 1 / workload.burstiness, prompt_variation(workload) ** 2
    return point.prompt_s * (gaps + prompts) / (2 * (1 - prompt_load(point)))


class SlotQueue(NamedTuple):
    """The queue before a replica that holds no more requests."""

    share: float
    """Share of the requests that wait in it."""
    wait_s: float
    """Mean wait of those."""


def slot_queue(workload: ServingWorkload, utilization: float, limit: float, request_s: float) -> SlotQueue:
    """Who finds all `limit` places of a replica taken, where `utilization` of its highest rate arrives.

    Sakasegawa's approximation of G/G/c (1977): each place is a server, which a request keeps for its whole time. Beyond
    `HIGHEST_LOAD` the queue has no steady length, and stands as long as there.
    """
    if utilization <= 0 or limit == inf:
        return SlotQueue(0.0, 0.0)
    utilization = min(utilization, HIGHEST_LOAD)
    share = utilization ** (sqrt(2 * (limit + 1)) - 1)
    scatter = (1 / workload.burstiness + workload.length_variation**2) / 2
    return SlotQueue(share, scatter * request_s / (limit * (1 - utilization)))


def prompt_variation(workload: ServingWorkload) -> float:
    """Standard deviation of prompt lengths over their mean."""
    if workload.lengths == "fixed":
        return workload.length_variation
    from estimator.serving.load.lengths import SHAPES, variation  # few questions name a shape

    return variation(SHAPES[workload.lengths][0])
