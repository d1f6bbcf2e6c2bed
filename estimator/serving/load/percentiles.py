"""Latency percentiles of the steady state in closed form: what a ranking judges a service level by."""

from functools import lru_cache
from math import exp, log, sqrt

from estimator.results import LevelTimes
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, operate
from estimator.serving.load.performance import ReplicaLoad, load_replica
from estimator.serving.load.spells import Queue
from estimator.serving.speed.step import Step

DEVIATIONS = {50: 0.0, 90: 1.282, 95: 1.645, 99: 2.326}
"""Standard deviations of a normal distribution at the percentiles that are counted."""


def level_times(step: Step, workload: ServingWorkload, load: ReplicaLoad, level: ServiceLevel) -> LevelTimes:
    """Latencies of one replica under its load, each at the percentile that the service level asks for [s]."""
    point = load.point
    means = LevelTimes(ttft_s=load.ttft_s, tpot_s=point.tpot_s, latency_s=point.request_s + load.queue_s)
    if not level.asks_percentiles:
        return means
    return means._replace(
        ttft_s=_ttft_s(workload, load, level.ttft_percentile),
        tpot_s=_tpot_s(step, workload, load, level.tpot_percentile),
        latency_s=_latency_s(step, workload, load, means, level.latency_percentile),
    )


@lru_cache(maxsize=4096)
def best_concurrency(
    step: Step, workload: ServingWorkload, level: ServiceLevel, max_concurrency: float
) -> OperatingPoint | None:
    """The most requests in flight that keep the service level; None where a single one misses it.

    Latencies grow with concurrency and nearly in a line: each guess lies on it, but ever further beyond where the last
    one was on the same side, so that both ends of the bracket close in.
    """

    def excess(point: OperatingPoint) -> float:
        if not level.asks_percentiles:
            return level.excess(point.ttft_s, point.tpot_s, point.request_s)
        return level.excess(*level_times(step, workload, ReplicaLoad(point, 0.0, point.requests_per_s), level))

    best, worst = operate(step, workload, 1.0), operate(step, workload, max(float(int(max_concurrency)), 1.0))
    low, high = excess(best), excess(worst)
    if low > 0:
        return None
    if high <= 0:
        return worst
    beyond = 0.0
    while (wide := worst.concurrency - best.concurrency) > 1:
        number = int(best.concurrency + wide * low / (low - high) + beyond)
        number = min(max(number, int(best.concurrency) + 1), int(worst.concurrency) - 1)
        point = operate(step, workload, float(number))
        over = excess(point)
        if over <= 0:
            best, low, beyond = point, over, max(2 * beyond, 1.0)
        else:
            worst, high, beyond = point, over, min(2 * beyond, -1.0)
    return best


def most_users(step: Step, workload: ServingWorkload, level: ServiceLevel, room: float) -> int:
    """Users of one replica that still see the service level; 0 where a single one misses it.

    Who finds no room does not count where the replica does not hold him; else he waits (Little's law).
    """
    within = best_concurrency(step, workload, level, room)
    if within is None:
        return 0
    users = int(within.concurrency)
    if users < int(room) or workload.capacity_in(room) == room:
        return users
    bounds = [bound for bound in (level.ttft_s, level.latency_s) if bound is not None]
    if not bounds:
        return users
    more = int(min(bounds) * within.requests_per_s)
    while more > users:
        middle = (users + more + 1) // 2
        load = load_replica(step, workload, middle, room)
        users, more = (middle, more) if level.met_by(*level_times(step, workload, load, level)) else (users, middle - 1)
    return users


def _ttft_s(workload: ServingWorkload, load: ReplicaLoad, percentile: int | None) -> float:
    """Deviations by the wait, by the prompt's own length and by what is left of the running step (anything of it)."""
    if percentile is None:
        return load.ttft_s
    point = load.point
    beyond = 1 - percentile / 100
    wait_s = _wait_s(load, beyond) - point.prompt_wait_s
    outside_s = _exceeded_s(load.slots, beyond) - load.queue_s if load.slots.share else 0.0
    longer = length_quantile(workload, PROMPT, percentile) - 1
    running_s = (percentile / 100 - 0.5) * point.tpot_s
    return load.ttft_s + _together(wait_s, outside_s, longer * point.prompt_alone_s, running_s)


def _wait_s(load: ReplicaLoad, beyond: float) -> float:
    """Wait for the prompts ahead that a share `beyond` of the requests exceeds; in a closed loop an exponential one."""
    return _exceeded_s(load.prompts, beyond) if load.utilization else -load.point.prompt_wait_s * log(beyond)


def _exceeded_s(queue: Queue, beyond: float) -> float:
    """Wait that a share `beyond` of the requests exceeds: who has to wait at all waits an exponential time."""
    return max(queue.wait_s * log(queue.share / beyond), 0.0) if queue.share else 0.0


def _together(*deviations: float) -> float:
    """Deviations from a mean, taken for independent: their root of squares, with the sign of their sum."""
    root = sqrt(sum(each**2 for each in deviations))
    return root if sum(deviations) >= 0 else -root


def _tpot_s(step: Step, workload: ServingWorkload, load: ReplicaLoad, percentile: int | None) -> float:
    """Under arrivals the number in flight varies, up to what the engine holds, and some begin while prompts wait."""
    point = load.point
    if percentile is None or not load.utilization:
        return point.tpot_s
    number = min(point.concurrency + DEVIATIONS[percentile] * load.deviation, load.limit)
    if not load.caught.share:
        return operate(step, workload, number).tpot_s
    among_s, found_s = (operate(step, workload, each).tpot_s for each in (number, point.concurrency))
    caught_s = _exceeded_s(load.caught, 1 - percentile / 100) - load.caught.mean_s
    return point.tpot_s + _together(among_s - found_s, caught_s / workload.output_tokens)


def _latency_s(
    step: Step, workload: ServingWorkload, load: ReplicaLoad, means: LevelTimes, percentile: int | None
) -> float:
    """Deviations by the first token, by the step and by the length of the answer."""
    if percentile is None:
        return means.latency_s
    first_s = _ttft_s(workload, load, percentile) - means.ttft_s
    step_s = _tpot_s(step, workload, load, percentile) - means.tpot_s
    longer = length_quantile(workload, ANSWER, percentile) - 1
    gaps, answer_s = workload.output_tokens - 1, workload.output_tokens * means.tpot_s
    return means.latency_s + _together(first_s, gaps * step_s, longer * answer_s)


PROMPT, ANSWER = 0, 1


def length_quantile(workload: ServingWorkload, part: int, percentile: int) -> float:
    """Tokens of a prompt or an answer at a percentile, over their mean."""
    if workload.lengths != "fixed":
        from estimator.serving.load.lengths import SHAPES, quantile  # few questions name a shape

        return quantile(SHAPES[workload.lengths][part], percentile / 100)
    width = sqrt(log(1 + workload.length_variation**2))
    return exp(width * DEVIATIONS[percentile] - width**2 / 2)
