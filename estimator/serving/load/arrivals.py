"""Open arrivals at one replica: requests come at random, whether or not earlier ones are done."""

from dataclasses import replace
from functools import lru_cache
from math import exp, floor, inf, log, pi, sqrt
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, first_token_overhead_s, operate
from estimator.serving.load.spells import HIGHEST_LOAD, Queue, Spells
from estimator.serving.speed.step import Step, one_prompt

RATIO = 2**0.5
"""Between numbers of answers at which steps are timed; what lies between is taken as linear, within a hundredth."""
TOLERANCE = 0.01
"""Relative change of a number of answers below which it stands."""
ROUNDS = 8
"""Steps towards a number, at most; three are enough for most."""
NARROWEST = 0.02
"""Share of a bracket that a number is at least away from its ends."""


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
    caught: Queue = Queue()
    """Answers that begin while prompts wait, and what that adds to them."""


class InWork(NamedTuple):
    """Answers in work on average, where as many leave as come."""

    number: float
    slower: float
    """Seconds of a request over what they would be without those who share the batch, by the slope at the number."""


class Timed:
    """Operating points of one step and one workload, whatever its rate, by the number in flight."""

    __slots__ = ("at_random", "points", "steady", "step", "workload")

    def __init__(self, step: Step, workload: ServingWorkload) -> None:
        self.step, self.workload, self.at_random = step, workload, _shares(step, workload)
        self.points, self.steady = dict[float, OperatingPoint](), dict[float, OperatingPoint]()

    def at(self, number: float) -> OperatingPoint:
        """The point of a number in flight of those that come at random, worked out once."""
        point = self.points.get(number)
        if point is None:
            point = self.points[number] = operate(self.step, self.workload, number, self.at_random)
        return point

    def full(self, limit: float) -> OperatingPoint:
        """The point of all places taken, each by the next request as soon as one leaves, worked out once."""
        point = self.steady.get(limit)
        if point is None:
            point = self.steady[limit] = operate(self.step, self.workload, limit)
        return point


_timed = lru_cache(maxsize=1024)(Timed)


def arrivals_at(step: Step, workload: ServingWorkload, requests_per_s: float, limit: float) -> Arrivals:
    """One replica of `limit` places at which so many requests arrive.

    A running batch is a server that its requests share, the slower the more there are. Its number in work has the
    distribution of a generalized processor-sharing queue, whatever the lengths (Cohen 1979): near the point n at which
    as many leave as come, where answers take T = a + b n, it has the variance n T / a and the mean n + T / a - 1,
    which who arrives finds beside himself. A batch that nobody joins serves like its single places.
    """
    timed = _timed(step, _at_any_rate(workload))
    full = timed.full(limit)
    utilization = requests_per_s / full.requests_per_s
    if not timed.at_random:
        return _single_places(step, workload, requests_per_s, limit)
    completed = min(requests_per_s, full.requests_per_s)
    most = full if utilization >= 1 else timed.at(limit)
    spells = Spells(step, workload, completed, timed.at(1.0), most, prompt_variation(workload))
    mean = InWork(limit, 1.0) if utilization >= 1 else _in_work(workload, spells, timed, limit)
    scatter = (1 + 1 / workload.burstiness) / 2
    number = max(min(mean.number + scatter * (mean.slower - 1) + 1, limit), 1.0)
    point = most if number == limit else operate(step, workload, number, at_random=True)
    seen = spells.seen(number, point.decode_step_s, point.prompt_s)
    outside_s = first_token_overhead_s(step, *workload.uncached_tokens) + point.admission_s
    point = spells.among(point, seen, outside_s, workload.output_tokens)
    deviation = sqrt(scatter * mean.slower * min(requests_per_s * point.request_s, limit))
    return Arrivals(
        point=point,
        utilization=utilization,
        deviation=deviation,
        prompts=seen.prompts,
        slots=shared_slots(workload, utilization, limit, point, deviation),
        caught=seen.caught,
    )


def _shares(step: Step, workload: ServingWorkload) -> bool:
    """Whether requests join a batch that runs, and share it."""
    return not (step.speed.scheduler.static or workload.encodes)


def _in_work(workload: ServingWorkload, spells: Spells, timed: Timed, limit: float) -> InWork:
    """Answers in work where as many leave as come: first on the line between one and all, then between neighbours."""
    mean = _on_line(workload, spells, timed.at(1.0), timed.at(limit))
    if mean.number <= 1 or limit <= RATIO:
        return mean
    place = floor(log(mean.number, RATIO))
    for _ in range(ROUNDS):
        low, high = (timed.at(min(RATIO**each, limit)) for each in (place, place + 1))
        mean = _on_line(workload, spells, low, high)
        if mean.number >= high.concurrency and high.concurrency < limit:
            place += 1
        elif mean.number < low.concurrency and place:
            place -= 1
        else:
            break
    return mean


def _on_line(workload: ServingWorkload, spells: Spells, low: OperatingPoint, high: OperatingPoint) -> InWork:
    """Answers in work where the times of steps lie on the line between two points; an end where they are none between.

    Fewer than one are those that come while one is answered.
    """
    wide, output = high.concurrency - low.concurrency, workload.output_tokens

    def coming(number: float) -> float:
        """Answers that begin in the time of one, among so many."""
        share = (number - low.concurrency) / wide if wide else 0.0
        decode_s, prompt_s = (
            a + share * (b - a) for a, b in ((low.decode_step_s, high.decode_step_s), (low.prompt_s, high.prompt_s))
        )
        return spells.requests_per_s * output * spells.seen(number, decode_s, prompt_s).tpot_s

    fewer, more = coming(low.concurrency), coming(high.concurrency)
    slower = 1 / max(1 - (more - fewer) / wide, 1 - HIGHEST_LOAD) if wide else 1.0
    if fewer <= low.concurrency:
        return InWork(fewer, slower)
    if more >= high.concurrency:
        return InWork(more, slower)
    ends = [(low.concurrency, fewer - low.concurrency), (high.concurrency, more - high.concurrency)]
    number = low.concurrency
    for _ in range(ROUNDS):
        (less, above), (many, below) = ends
        number = less + (many - less) * min(max(above / (above - below), NARROWEST), 1 - NARROWEST)
        excess = coming(number) - number
        if abs(excess) < TOLERANCE * number:
            break
        ends[excess < 0] = number, excess
    return InWork(number, slower)


def _single_places(step: Step, workload: ServingWorkload, requests_per_s: float, limit: float) -> Arrivals:
    """A replica whose requests do not share: a batch that starts and ends together, or one pass over a text."""
    point, utilization = point_at_rate(step, workload, requests_per_s, limit)
    load = min(min(requests_per_s, point.requests_per_s) * point.prompt_s, HIGHEST_LOAD)
    scatter = 1 / workload.burstiness + prompt_variation(workload) ** 2
    prompts = Queue(load, point.prompt_s * scatter / (2 * (1 - load)))
    later_s = prompts.mean_s - point.prompt_wait_s
    in_flight = min(point.concurrency, requests_per_s * point.request_s)
    point = point._replace(
        requests_per_s=min(requests_per_s, point.requests_per_s),
        ttft_s=point.ttft_s + later_s,
        request_s=point.request_s + later_s,
        prompt_wait_s=prompts.mean_s,
    )
    return Arrivals(
        point=point,
        utilization=utilization,
        deviation=sqrt((1 + 1 / workload.burstiness) / 2 * in_flight),
        prompts=prompts,
        slots=single_slots(workload, utilization, limit, point.request_s),
    )


def point_at_rate(
    step: Step, workload: ServingWorkload, requests_per_s: float, limit: float
) -> tuple[OperatingPoint, float]:
    """The point at which one replica completes what arrives, and its utilization; at `limit` where it can not.

    Requests take nearly a + b n where n share the batch, so that the line between two points leads to the next one.
    """
    high = at_most(step, workload, limit)
    utilization = requests_per_s / high.requests_per_s
    if utilization >= 1:
        return high, utilization
    point = low = at_most(step, workload, 1.0)
    if point.requests_per_s >= requests_per_s:  # less than one in flight on average: unloaded latency
        return point, utilization
    for _ in range(ROUNDS):
        following = _crossing(low, high, requests_per_s)
        if abs(following - point.concurrency) < TOLERANCE * following:
            break
        point = operate(step, workload, following)
        low, high = (point, high) if point.requests_per_s < requests_per_s else (low, point)
    return point, utilization


def _crossing(low: OperatingPoint, high: OperatingPoint, requests_per_s: float) -> float:
    """The number in flight between two points at which so many requests are completed, on the line of their times."""
    low_s, high_s = (each.concurrency / each.requests_per_s for each in (low, high))
    wide = high.concurrency - low.concurrency
    slope = (high_s - low_s) / wide if wide else 0.0
    number = requests_per_s * (low_s - slope * low.concurrency) / max(1 - requests_per_s * slope, NARROWEST)
    return min(max(number, low.concurrency + NARROWEST * wide), high.concurrency - NARROWEST * wide)


def at_most(step: Step, workload: ServingWorkload, limit: float) -> OperatingPoint:
    """The point of so many requests in flight as `operate` gives it; worked out once for all rates and sizes of a
    fleet."""
    return _timed(step, _at_any_rate(workload)).full(limit)


@lru_cache(maxsize=64)
def _at_any_rate(workload: ServingWorkload) -> ServingWorkload:
    """A workload's requests without how they come, which an operating point does not depend on."""
    return replace(
        workload,
        concurrency=1,
        requests_per_second=None,
        traffic=None,
        requests=None,
        burstiness=1.0,
        lengths="fixed",
        trace=None,
    )


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
    wait_s = one_prompt(step, *workload.uncached_tokens).engine_s * (point.concurrency - 1) / 2
    later_s = wait_s - point.prompt_wait_s
    return point._replace(ttft_s=point.ttft_s + later_s, request_s=point.request_s + later_s, prompt_wait_s=wait_s)


def prompt_variation(workload: ServingWorkload) -> float:
    """Standard deviation of prompt lengths over their mean."""
    if workload.lengths == "fixed":
        return workload.length_variation
    from estimator.serving.load.lengths import SHAPES, variation  # few questions name a shape

    return variation(SHAPES[workload.lengths][0])
