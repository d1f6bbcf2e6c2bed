"""A finite run, from the first to the last answer: what benchmark clients do, and what they print.

Its means hold an opening, in which every user's prompt comes at once, and an end, at which nobody sends the next
request. Closed forms beside the replay of `load/replay`, which is exact and takes a thousand times as long.
"""

from math import erf, exp, floor, log, pi, sqrt
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.burst import burst
from estimator.serving.load.operating_point import OperatingPoint, operate, prompts_in_a_step, read_tokens
from estimator.serving.speed.step import Step
from estimator.units import MILLISECOND

EULER = 0.5772
"""Euler's constant."""
FIXED_POINT_STEPS = 20
"""Halvings towards the number in flight while requests pile up and drain."""


class FiniteRun(NamedTuple):
    """A finite run on one replica: its mean request, and the rate over all of it."""

    point: OperatingPoint
    """Its `prompt_wait_s` holds the opening."""
    queue_s: float
    """Wait outside the engine."""
    requests_per_s: float
    """Requests over the time from the first to the last answer."""


def closed_run(step: Step, workload: ServingWorkload, users: float, limit: float, requests: float) -> FiniteRun:
    """The run of `users` who all begin at once and send `requests` in all, each the next one when the last is answered.

    In the opening a request waits for half of the others' prompts; how they are spread then stays, so that the first
    round takes as much longer as the last of them waits. Who finds the engine full waits outside (Little's law).
    """
    users = min(users, requests)
    running = min(users, limit)
    point, rounds = operate(step, workload, running), requests / users
    opening_s = _opening_s(step, workload, running)
    ready_s = _ready_s(step, users)
    outside_s = (users - running) / point.requests_per_s + ready_s / rounds
    lasting_s = ready_s + requests / point.requests_per_s + max(opening_s - point.prompt_wait_s, 0.0)
    lasting_s += _longest_s(step, workload, running)
    return FiniteRun(_opened(step, workload, point, rounds), outside_s, requests / lasting_s)


def burst_run(step: Step, workload: ServingWorkload, limit: float, requests: float) -> FiniteRun:
    """The run of `requests` that come at once, all of which are in the front end first."""
    if step.speed.scheduler.static:
        return _static_run(step, workload, limit, requests)
    ready_s, at_once = _ready_s(step, requests), burst(step, workload, limit, requests)
    return FiniteRun(at_once.point, ready_s + at_once.outside_s, requests / (ready_s + at_once.lasting_s))


def _static_run(step: Step, workload: ServingWorkload, limit: float, requests: float) -> FiniteRun:
    """The run of `requests` in batches of as many as fit, which start and end together."""
    running = min(requests, limit)
    waves, last = floor(requests / running), requests % running
    point, ready_s = operate(step, workload, running), _ready_s(step, requests)
    lasting_s = ready_s + waves * point.request_s + (operate(step, workload, last).request_s if last >= 1 else 0.0)
    before = running * waves * (waves - 1) / 2 + last * waves
    return FiniteRun(point, ready_s + point.request_s * before / requests, requests / lasting_s)


def arriving_run(
    step: Step, workload: ServingWorkload, requests_per_s: float, limit: float, requests: float
) -> FiniteRun:
    """The run of `requests` at a rate: what exceeds the engine's own rate queues, and those who come last still
    finish.
    """
    limit = min(limit, requests)
    point = _piled_up(step, workload, requests_per_s, limit, requests)
    full = operate(step, workload, limit)
    rate = min(full.requests_per_s, requests_per_s)
    queue_s = (requests - limit) ** 2 / (2 * requests) * (1 / rate - 1 / requests_per_s)
    # where requests queue, those in flight at the end are half done when the last one starts
    in_flight = min(rate * point.request_s, limit)
    draining_s = point.request_s / (2 if rate < requests_per_s else 1) + _longest_s(step, workload, in_flight) / 2
    return FiniteRun(point, queue_s, requests / (requests / rate + draining_s))


def _ready_s(step: Step, together: float) -> float:
    """Seconds until the front end has taken in the others of so many requests that come at once: none is ready before
    the last. What it takes for a request alone is part of its first token.
    """
    return max(together - 1, 0.0) * step.speed.first_token.front_end_ms * MILLISECOND


def _opening_s(step: Step, workload: ServingWorkload, prompts: float) -> float:
    """Engine time of so many prompts that come at once, in steps that are full of them."""
    new, cached = workload.uncached_tokens
    if step.speed.scheduler.static or not new:
        return 0.0
    together = _together(step, workload, prompts)
    return prompts * step.prompt_time(new, cached, together).engine_s / together


def _together(step: Step, workload: ServingWorkload, prompts: float) -> float:
    """Prompts of one step, of so many that wait."""
    return max(min(prompts_in_a_step(step, workload.uncached_tokens[0]), prompts), 1.0)


def _opened(step: Step, workload: ServingWorkload, point: OperatingPoint, rounds: float) -> OperatingPoint:
    """The mean request of so many rounds, the first of which begins with every prompt.

    There a first token waits for half of the prompts, and for the end of its own step; the answers wait for the other
    half, where they would wait for all of them between their tokens later on. Where the answers are in step, every
    round is as the first.
    """
    opening_s = _opening_s(step, workload, point.concurrency)
    if not opening_s:
        return point
    waiting_s = opening_s * (1 + _together(step, workload, point.concurrency) / point.concurrency) / 2
    openings = 1.0 if _in_step(step, workload) else 1 / rounds
    later_s = max(waiting_s - point.prompt_alone_s - point.prompt_wait_s, 0.0) * openings
    sooner_s = (point.tpot_s - point.decode_step_s) * openings / 2
    return point._replace(
        ttft_s=point.ttft_s + later_s,
        tpot_s=point.tpot_s - sooner_s,
        request_s=point.request_s + later_s - sooner_s * (workload.output_tokens - 1),
        prompt_wait_s=point.prompt_wait_s + later_s,
    )


def _in_step(step: Step, workload: ServingWorkload) -> bool:
    """Whether all answers end in one step, and the next prompts come together: equal ones of an engine under which
    nobody decodes while prompts are computed."""
    return step.speed.scheduler.prompts == "first" and not workload.length_variation


def _longest_s(step: Step, workload: ServingWorkload, running: float) -> float:
    """How much later than a mean answer the longest of so many ends: lengths are log-normal, and ever fewer run on."""
    if not workload.length_variation or running <= 1:
        return 0.0
    spread = sqrt(log(1 + workload.length_variation**2))
    longest = exp(spread * largest_normal(running) - spread**2 / 2) - 1  # in means, beyond the mean
    beyond = erf(spread / sqrt(8))  # of an answer, on average over all of them
    stragglers = max(min(running * beyond / longest, running), 1.0)
    step_s = step.decode_s(stragglers, read_tokens(step, workload), workload.draft_tokens)
    return longest * workload.output_tokens * step_s / workload.tokens_per_step


def largest_normal(count: float) -> float:
    """Expected largest of so many standard normal numbers (Gumbel's limit; its first term alone for two or three)."""
    first = sqrt(2 * log(count))
    if count <= 3:
        return first
    return first - (log(log(count)) + log(4 * pi)) / (2 * first) + EULER / first


def _piled_up(
    step: Step, workload: ServingWorkload, requests_per_s: float, limit: float, requests: float
) -> OperatingPoint:
    """The mean request's point while requests pile up to a plateau, or to all of them, and drain again."""
    sending_s, running = requests / requests_per_s, 1.0
    varied = min(workload.length_variation, 1.0)
    for _ in range(FIXED_POINT_STEPS):
        lasting_s = operate(step, workload, running).request_s
        equal, unequal = (seen(requests, sending_s, lasting_s) for seen in (seen_equal, seen_unequal))
        mean = equal + varied * (unequal - equal)
        running = (running + min(max(mean, 1.0), limit)) / 2
    return operate(step, workload, running)


def seen_equal(requests: float, sending_s: float, lasting_s: float) -> float:
    """Mean number in flight that requests of equal length see: a trapezoid in time."""
    short, long = sorted((sending_s, lasting_s))
    return requests * min(lasting_s / sending_s, 1.0) * (1 - short / (3 * long))


def seen_unequal(requests: float, sending_s: float, lasting_s: float) -> float:
    """Mean number in flight that requests of exponential length see: short ones leave before others have come."""
    share = lasting_s / sending_s
    return requests * share * (1 - share * (1 - exp(-1 / share)))
