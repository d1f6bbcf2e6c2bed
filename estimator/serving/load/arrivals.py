"""Open arrivals at one replica: requests come at random, whether or not earlier ones are done."""

from functools import lru_cache
from math import ceil, exp, inf, pi, sqrt
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, operate, prompts_in_a_step
from estimator.serving.speed.step import Step

HIGHEST_LOAD = 0.98
"""Share of the time that a server is busy beyond which its queue has no steady length (guess)."""
ROUNDS = 8
"""Points on the way to a rate; three are enough for most."""
NARROWEST = 0.02
"""Share of a bracket that a point is at least away from its ends."""
CLOSE = 0.3
"""Share of a number in flight within which another one gives the slope at it."""
NEARBY = 1.1
"""The number in flight beside a point, at which the slope of a request's time is taken, over the point's own."""
TOLERANCE = 0.01
"""Relative change of the concurrency below which the point stands."""


class Queue(NamedTuple):
    """Who waits, and how long."""

    share: float = 0.0
    """Share of the requests that wait in it."""
    wait_s: float = 0.0
    """Mean wait of those."""

    @property
    def mean_s(self) -> float:
        """Mean wait of all requests."""
        return self.share * self.wait_s


class Arrivals(NamedTuple):
    """One replica at which requests come at random: the mean request, and what scatters about it."""

    point: OperatingPoint
    """Its time to first token holds the wait for other prompts, not that for a place."""
    utilization: float
    """Arrivals over what the replica can complete."""
    deviation: float
    """Standard deviation of the number in flight."""
    prompts: Queue
    """The queue of requests that wait for other prompts."""
    slots: Queue
    """The queue of requests that find all places taken."""


def arrivals_at(step: Step, workload: ServingWorkload, requests_per_s: float, limit: float) -> Arrivals:
    """One replica of `limit` places at which so many requests arrive.

    A running batch is a server that its requests share, the slower the more there are. Its number in flight has the
    distribution of a generalized processor-sharing queue, whatever the lengths (Cohen 1979): near the point n at which
    as many leave as come, where requests take T = a + b n, it has the variance n T / a and the mean n + T / a - 1,
    which who arrives finds beside himself. A batch that nobody joins serves like its single places.
    """
    point, utilization, before = point_at_rate(step, workload, requests_per_s, limit)
    in_flight = min(point.concurrency, requests_per_s * point.request_s)
    shared = not (step.speed.scheduler.static or workload.encodes)
    scatter, slower = (1 + 1 / workload.burstiness) / 2, 1.0
    if shared and utilization < 1:
        slower = _slower(step, workload, point, before)
        point = operate(step, workload, min(point.concurrency + scatter * (slower - 1) + 1, limit))
    deviation = sqrt(scatter * in_flight * slower)
    point = point._replace(requests_per_s=min(requests_per_s, point.requests_per_s))
    prompts = _prompt_queue(step, workload, point)
    later_s = prompts.mean_s - point.prompt_wait_s
    if step.speed.scheduler.chunked and shared and workload.output_tokens > 1:  # else no step decodes others
        later_s += _riding_prompt_s(step, workload, point) - point.prompt_alone_s
    point = point._replace(
        ttft_s=point.ttft_s + later_s, request_s=point.request_s + later_s, prompt_wait_s=prompts.mean_s
    )
    if shared:
        slots = shared_slots(workload, utilization, limit, point, deviation)
    else:
        slots = single_slots(workload, utilization, limit, point.request_s)
    return Arrivals(point=point, utilization=utilization, deviation=deviation, prompts=prompts, slots=slots)


def point_at_rate(
    step: Step, workload: ServingWorkload, requests_per_s: float, limit: float
) -> tuple[OperatingPoint, float, OperatingPoint]:
    """The point at which one replica completes what arrives, its utilization, and the point that led to it; at `limit`
    where it can not.

    Requests take nearly a + b n where n share the batch, so that the line between two points leads to the next one.
    """
    high = at_most(step, workload, limit)
    utilization = requests_per_s / high.requests_per_s
    if utilization >= 1:
        return high, utilization, high
    before = point = low = at_most(step, workload, 1.0)
    if point.requests_per_s >= requests_per_s:  # less than one in flight on average: unloaded latency
        return point, utilization, point
    for _ in range(ROUNDS):
        following = _crossing(low, high, requests_per_s)
        if abs(following - point.concurrency) < TOLERANCE * following:
            break
        before, point = point, operate(step, workload, following)
        low, high = (point, high) if point.requests_per_s < requests_per_s else (low, point)
    return point, utilization, before


@lru_cache(maxsize=4096)
def at_most(step: Step, workload: ServingWorkload, limit: float) -> OperatingPoint:
    """The point of so many requests in flight, as `operate` gives it; worked out once for all sizes of a fleet."""
    return operate(step, workload, limit)


def _crossing(low: OperatingPoint, high: OperatingPoint, requests_per_s: float) -> float:
    """The number in flight between two points at which so many requests are completed, on the line of their times."""
    low_s, high_s = (each.concurrency / each.requests_per_s for each in (low, high))
    wide = high.concurrency - low.concurrency
    slope = (high_s - low_s) / wide if wide else 0.0
    number = requests_per_s * (low_s - slope * low.concurrency) / max(1 - requests_per_s * slope, NARROWEST)
    return min(max(number, low.concurrency + NARROWEST * wide), high.concurrency - NARROWEST * wide)


def _slower(step: Step, workload: ServingWorkload, point: OperatingPoint, before: OperatingPoint) -> float:
    """Seconds of a request over what they would be without those who share the batch, by the slope at its point: to one
    `before` that was close, else to one close by."""
    number = point.concurrency
    if not 0 < abs(before.concurrency - number) < CLOSE * number:
        before = operate(step, workload, number * NEARBY + 1)
    slope = (before.request_s - point.request_s) / (before.concurrency - number)
    return max(1 / max(1 - slope * number / point.request_s, 1 - HIGHEST_LOAD), 1.0)


def _prompt_queue(step: Step, workload: ServingWorkload, point: OperatingPoint) -> Queue:
    """Prompts before an engine that takes them one after the other: Pollaczek-Khinchine at Poisson arrivals, Kingman's
    bound at others. Prompts in chunks also wait for the decode steps that they ride in."""
    new, busy_s = workload.uncached_tokens[0], point.prompt_s
    if new and step.speed.scheduler.chunked and workload.output_tokens > 1:
        busy_s += point.decode_step_s * workload.accepted_tokens / _prompts_a_step(step, workload, point)
    load = min(point.requests_per_s * busy_s, HIGHEST_LOAD)
    scatter = 1 / workload.burstiness + prompt_variation(workload) ** 2
    return Queue(load, busy_s * scatter / (2 * (1 - load)))


def _prompts_a_step(step: Step, workload: ServingWorkload, point: OperatingPoint) -> float:
    """Prompts for which the tokens of a step last that decoding leaves."""
    new, decoding = workload.uncached_tokens[0], point.concurrency * (1 + workload.draft_tokens)
    return max(prompts_in_a_step(step, new) - decoding / new, 1 / new)


def _riding_prompt_s(step: Step, workload: ServingWorkload, point: OperatingPoint) -> float:
    """Seconds of a prompt in steps that decode others, where there are any, and beside the prompts that came with it;
    never less than alone."""
    new = workload.uncached_tokens[0]
    if not new:
        return point.prompt_alone_s
    most = _prompts_a_step(step, workload, point)
    decode_s, step_s = (each * workload.accepted_tokens for each in (point.decode_step_s, point.tpot_s))
    companions = min(point.requests_per_s * step_s, max(most - 1, 0.0))
    riding_s = ceil(1 / most) * decode_s + point.prompt_s * (1 + companions)
    busy = 1 - exp(-point.requests_per_s * point.request_s)
    return point.prompt_alone_s + busy * max(riding_s - point.prompt_alone_s, 0.0)


def shared_slots(
    workload: ServingWorkload, utilization: float, limit: float, point: OperatingPoint, deviation: float
) -> Queue:
    """Who finds all `limit` places of a shared batch taken: the number in flight is near to normal below the limit, and
    above it falls by the utilization from one to the next."""
    if utilization <= 0 or limit == inf or not deviation:
        return Queue()
    utilization = min(utilization, HIGHEST_LOAD)
    free = (limit - point.concurrency + 1) / deviation  # the point counts who arrives
    at_limit = exp(-(free**2) / 2) / (sqrt(2 * pi) * deviation)
    return Queue(min(at_limit / (1 - utilization), 1.0), _slot_wait_s(workload, utilization, limit, point.request_s))


def single_slots(workload: ServingWorkload, utilization: float, limit: float, request_s: float) -> Queue:
    """Who finds all `limit` places taken, each a server that a request keeps for its whole time.

    Sakasegawa's approximation of G/G/c (1977). Beyond `HIGHEST_LOAD` the queue has no steady length, and stands as long
    as there.
    """
    if utilization <= 0 or limit == inf:
        return Queue()
    utilization = min(utilization, HIGHEST_LOAD)
    share = utilization ** (sqrt(2 * (limit + 1)) - 1)
    return Queue(share, _slot_wait_s(workload, utilization, limit, request_s))


def _slot_wait_s(workload: ServingWorkload, utilization: float, limit: float, request_s: float) -> float:
    scatter = (1 / workload.burstiness + workload.length_variation**2) / 2
    return scatter * request_s / (limit * (1 - utilization))


def with_prompts_at_once(step: Step, workload: ServingWorkload, point: OperatingPoint) -> OperatingPoint:
    """The point of a replica whose requests all came at the same time: a first token waits for half of the prompts.

    It takes the place of the wait among clients that send one request after the other.
    """
    wait_s = step.prompt_time(*workload.uncached_tokens).engine_s * (point.concurrency - 1) / 2
    later_s = wait_s - point.prompt_wait_s
    return point._replace(ttft_s=point.ttft_s + later_s, request_s=point.request_s + later_s, prompt_wait_s=wait_s)


def prompt_variation(workload: ServingWorkload) -> float:
    """Standard deviation of prompt lengths over their mean."""
    if workload.lengths == "fixed":
        return workload.length_variation
    from estimator.serving.load.lengths import SHAPES, variation  # few questions name a shape

    return variation(SHAPES[workload.lengths][0])
