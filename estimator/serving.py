"""From seconds of a step to what users see: TTFT, TPOT and throughput of one replica under load.

Serving is a closed queueing network without iteration: prompts come first, decoding shares what is left.
With p the prefill time of a prompt, D the decoding time of a request and C requests in flight,
a token waits for the prompts of the others: TPOT = t_decode (1 + (C - 1) p / (p + D)).
How many prompts a first token finds ahead of it follows from the workload alone, so that faster memory, which lets
clients come back sooner, never shows as a later first token.
"""

from math import inf
from typing import NamedTuple

from estimator.evaluation import Band, PerformanceReport
from estimator.step import Step, dominant
from estimator.units import MILLISECOND
from estimator.workload import ServingWorkload


class Point(NamedTuple):
    """One replica in steady state."""

    concurrency: float
    ttft_s: float
    tpot_s: float
    request_s: float
    requests_per_s: float
    prefill_s: float
    """Of one prompt, alone."""
    decode_step_s: float
    """A step without prompts in it."""
    prefill_share: float
    """Of device time."""
    prompt_wait_s: float
    """Part of the time to first token that other prompts take."""


def operate(step: Step, workload: ServingWorkload, concurrency: float) -> Point:
    """One replica with `concurrency` requests in flight, each followed at once by the next."""
    speed = step.speed
    output = workload.output_tokens
    context = workload.input_tokens + output / 2
    new, cached = workload.uncached_tokens
    prompt = step.prefill_occupancy_s(new, cached)
    first = step.prefill_s(new, cached) if step.layout.devices > step.layout.tp else prompt
    alone = step.decode_s(concurrency, context, workload.draft_tokens) / workload.accepted_tokens
    overhead = (speed.ttft_ms + speed.ttft_layer_ms * step.layers + speed.network_ms) * MILLISECOND
    decoding = output * alone
    ahead = (concurrency - 1) * new / (new + speed.step_tokens * output) if new else 0.0
    if speed.static_batch:
        tpot = alone
        ttft = step.prefill_s(new, cached, max(round(concurrency), 1)) + overhead
    else:
        if speed.fused_prefill:
            tpot = _fused_step_s(step, workload, concurrency) / workload.accepted_tokens
        else:
            tpot = alone * (1 + (concurrency - 1) * prompt / (prompt + decoding))
        ttft = first * (1 + speed.wait * ahead) + overhead + tpot / 2
    request = ttft + (output - 1) * tpot
    rate = concurrency / request
    return Point(
        concurrency,
        ttft,
        tpot,
        request,
        min(rate, 1 / prompt) if prompt else rate,
        first,
        alone,
        prompt / (prompt + decoding / concurrency),
        first * speed.wait * ahead,
    )


def _fused_step_s(step: Step, workload: ServingWorkload, concurrency: float) -> float:
    """Mean step when prompts ride along as chunks: each request brings its prompt once every output length."""
    context = workload.input_tokens + workload.output_tokens / 2
    new, cached = workload.uncached_tokens
    speed = step.speed
    prompts = concurrency / workload.output_tokens
    room = speed.chunk_tokens * step.layout.pp * step.layout.dp / new if new else prompts
    riding = min(prompts, room)
    seconds = step.step_s(concurrency, context, new, cached, riding, workload.draft_tokens)
    if prompts > riding:
        seconds += (prompts / riding - 1) * step.step_s(0, context, new, cached, riding)
    return seconds + prompts * speed.request_ms * MILLISECOND


def at_rate(step: Step, workload: ServingWorkload, requests_per_s: float, limit: float) -> tuple[Point, float]:
    """The point at which one replica completes what arrives, and its utilization; at `limit` where it can not."""
    full = operate(step, workload, limit)
    if requests_per_s >= full.requests_per_s:
        return full, requests_per_s / full.requests_per_s
    point = operate(step, workload, 1.0)
    low, high = 1.0, limit
    for _ in range(12):
        if point.requests_per_s >= requests_per_s and point.concurrency <= 1.0:
            # less than one request in flight on average: unloaded latency
            break
        wanted = requests_per_s * point.request_s  # Little's law
        if point.requests_per_s < requests_per_s:
            low = max(low, point.concurrency)
        else:
            high = min(high, point.concurrency)
        following = wanted if low < wanted < high else (low + high) / 2
        if abs(following - point.concurrency) < 0.01 * following:
            break
        point = operate(step, workload, following)
    return point, requests_per_s / full.requests_per_s


def maximum_throughput(step: Step, workload: ServingWorkload, max_concurrency: float, requests: float = inf) -> float:
    """Output tokens per second of one replica with every request queued at once: prompts fill decode steps."""
    batch = max(min(max_concurrency, step.speed.max_batch * step.layout.dp, requests), 1.0)
    seconds = _fused_step_s(step, workload, batch)
    return workload.accepted_tokens * batch / seconds / (1 + step.speed.drain * min(batch / requests, 1.0))


class Load(NamedTuple):
    """One replica under its share of the load."""

    point: Point
    queue_s: float
    """Wait outside the engine, before the first prefill."""
    requests_per_s: float
    """Completed."""
    utilization: float = 0.0
    """Arrivals over what one replica can complete; 0 for a held concurrency."""

    @property
    def ttft_s(self) -> float:
        return self.point.ttft_s + self.queue_s


def carry(
    step: Step, workload: ServingWorkload, concurrency: float, max_concurrency: float = inf, replicas: int = 1
) -> Load:
    """One of `replicas` engines with `concurrency` requests in flight, or with its share of the arrivals.

    An engine holds at most `max_concurrency` requests; the others wait outside and that counts into TTFT.
    """
    limit = max(min(max_concurrency, step.speed.max_batch * step.layout.dp), 1.0)
    if workload.requests_per_second is None:
        point = operate(step, workload, min(concurrency, limit))
        outside_s = max(concurrency - limit, 0.0) / point.requests_per_s  # Little's law for those outside
        return Load(point, outside_s, point.requests_per_s)
    arriving = workload.requests_per_second / replicas
    point, utilization = at_rate(step, workload, arriving, limit)
    completed = min(point.requests_per_s, arriving) if utilization < 1 else point.requests_per_s
    return Load(point, _prompt_wait_s(point), completed, utilization)


def performance(
    step: Step,
    workload: ServingWorkload,
    concurrency: float,
    max_concurrency: float = inf,
    replicas: int = 1,
    detail: bool = False,
) -> PerformanceReport:
    """Speed of `replicas` equal engines at the load that each `carry`s."""
    return report(step, workload, carry(step, workload, concurrency, max_concurrency, replicas), replicas, detail)


def _prompt_wait_s(point: Point) -> float:
    """Mean wait of a Poisson arrival for prompts ahead of it (M/D/1), beyond what the closed network counts."""
    load = min(point.requests_per_s * point.prefill_s, 0.98)
    return max(point.prefill_s * load / (2 * (1 - load)) - point.prompt_wait_s, 0.0)


def report(step: Step, workload: ServingWorkload, load: Load, replicas: int, detail: bool = False) -> PerformanceReport:
    """Every figure of `replicas` engines at that load, with its band; `detail` keeps the operators."""
    point = load.point
    bands = step.spreads
    ttft = bands.ttft.of(load.ttft_s)
    tpot = bands.tpot.of(point.tpot_s)
    throughput = bands.throughput.of(load.requests_per_s * workload.output_tokens)
    steps = workload.output_tokens - 1
    new, cached = workload.uncached_tokens
    context = workload.input_tokens + workload.output_tokens / 2
    prefill = step.prefill_operators(new, cached)
    decode = step.decode_operators(point.concurrency, context)
    return PerformanceReport(
        point.concurrency,
        ttft,
        tpot,
        Band(*(first + steps * token for first, token in zip(ttft, tpot, strict=True))),
        Band(1 / tpot.high, 1 / tpot.typical, 1 / tpot.low),
        throughput,
        throughput.times(replicas),
        throughput.times(replicas * workload.total_tokens / workload.output_tokens),
        throughput.times(replicas / workload.output_tokens),
        dominant(prefill),
        dominant(decode),
        point.prefill_share,
        prefill if detail else (),
        decode if detail else (),
        utilization=load.utilization,
    )
