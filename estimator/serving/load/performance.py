"""Latency and throughput of a candidate's replicas at their share of the load, with bands."""

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from estimator.engines.spreads import LoadKind
from estimator.results import Band, OperatorTime, PerformanceReport
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load import median_gap
from estimator.serving.load.arrivals import arrivals_at, with_prompts_at_once
from estimator.serving.load.disaggregated import disaggregated_point
from estimator.serving.load.operating_point import OperatingPoint, first_token_overhead_s, operate, read_tokens, tower_s
from estimator.serving.load.spells import Queue
from estimator.serving.speed.breakdown import decode_bound, decode_operators, prefill_bound, prefill_operators
from estimator.serving.speed.step import Step

if TYPE_CHECKING:
    from estimator.serving.load.finite_run import FiniteRun

NOTHING_S = 1e-12
"""Seconds below which a part is what rounding leaves."""

QUEUE = "queue"
"""Name of the part of a time to first token that is spent outside the engine."""


class ReplicaLoad(NamedTuple):
    """One replica under its share of the load: an operating point, and the requests that wait outside it.

    A trial adds memory and layout to it; the performance report gives every figure of it with its band.
    """

    point: OperatingPoint
    queue_s: float
    """Wait outside the engine, before the prompt."""
    requests_per_s: float
    """Requests completed."""
    utilization: float = 0.0
    """Arrivals over what one replica can complete; 0 where a concurrency is held instead."""
    limit: float = inf
    """Requests that one replica holds."""
    drains: bool = False
    """Whether the requests end, so that no queue grows for ever."""
    kind: LoadKind = "serving"
    """Whose residuals make the bands."""
    deviation: float = 0.0
    """Standard deviation of the number in flight; 0 where a concurrency is held instead."""
    prompts: Queue = Queue()
    """Under arrivals, those who wait for other prompts."""
    slots: Queue = Queue()
    """Under arrivals, those who find all places taken."""
    caught: Queue = Queue()
    """Under arrivals, answers that begin while prompts wait, and what that adds to them."""

    @property
    def overloaded(self) -> bool:
        """Whether more requests arrive at the replica than it completes, so that its queue grows without end."""
        return self.utilization >= 1 and not self.drains

    @property
    def ttft_s(self) -> float:
        """Time to first token [s], the wait outside the engine included."""
        return self.point.ttft_s + self.queue_s


def load_replica(
    step: Step, workload: ServingWorkload, concurrency: float, max_concurrency: float = inf, replicas: int = 1
) -> ReplicaLoad:
    """The load of one of `replicas` engines, with `concurrency` requests in flight or with its share of the arrivals.

    An engine holds at most `max_concurrency` requests; the others wait outside and that counts into TTFT.
    """
    limit = max(min(max_concurrency, step.speed.max_batch * step.layout.dp), 1.0)
    kind = _load_kind(workload, concurrency)
    if workload.is_benchmark and workload.requests and not workload.prefill_replicas:
        run = _finite_run(step, workload, concurrency, limit, replicas)
        return ReplicaLoad(run.point, run.queue_s, run.requests_per_s, limit=limit, drains=True, kind=kind)
    if 0 < workload.prefill_replicas < replicas and workload.requests_per_second is None:
        share = workload.prefill_replicas / replicas
        point = disaggregated_point(step, workload, concurrency, limit, share)
        outside = max(concurrency - point.concurrency, 0.0)
        return ReplicaLoad(point, outside / point.requests_per_s, point.requests_per_s, limit=limit)
    if workload.requests_per_second is None:
        point = operate(step, workload, min(concurrency, limit))
        if workload.kind == "burst":
            outside = max(concurrency - limit, 0.0)  # who comes at once waits for half of those outside before him
            outside_s = outside**2 / (2 * concurrency * point.requests_per_s)
            return ReplicaLoad(
                with_prompts_at_once(step, workload, point), outside_s, point.requests_per_s, limit=limit
            )
        outside_s = max(concurrency - limit, 0.0) / point.requests_per_s  # Little's law for those outside
        return ReplicaLoad(point, outside_s, point.requests_per_s, limit=limit, kind=kind)
    arriving = workload.requests_per_second / replicas
    arrived = arrivals_at(step, workload, arriving, limit)
    return ReplicaLoad(
        point=arrived.point,
        queue_s=arrived.slots.mean_s,
        requests_per_s=arriving if arrived.utilization < 1 else arrived.point.requests_per_s,
        utilization=arrived.utilization,
        limit=limit,
        drains=workload.is_benchmark,
        deviation=arrived.deviation,
        prompts=arrived.prompts,
        slots=arrived.slots,
        caught=arrived.caught,
    )


def _load_kind(workload: ServingWorkload, concurrency: float) -> LoadKind:
    """One user at a time, a burst that fills the engine, or anything between."""
    if workload.kind == "burst":
        return "burst"
    return "single" if concurrency <= 1 else "serving"


def _finite_run(step: Step, workload: ServingWorkload, concurrency: float, limit: float, replicas: int) -> "FiniteRun":
    """One replica's share of a traffic that ends."""
    from estimator.serving.load import finite_run  # few questions end; a hundredth of a start

    requests = max((workload.requests or 1) / replicas, 1.0)
    rate = workload.requests_per_second
    if workload.kind == "closed":
        return finite_run.closed_run(step, workload, concurrency, limit, requests)
    if rate is None:
        return finite_run.burst_run(step, workload, limit, requests)
    return finite_run.arriving_run(step, workload, rate / replicas, limit, requests)


def performance(
    step: Step,
    workload: ServingWorkload,
    concurrency: float,
    max_concurrency: float = inf,
    replicas: int = 1,
    detail: bool = False,
) -> PerformanceReport:
    """The performance report of `replicas` equal engines, each with `concurrency` requests in flight or its share of
    arrivals.
    """
    load = load_replica(step, workload, concurrency, max_concurrency, replicas)
    return report_performance(step, workload, load, replicas, detail)


def report_performance(
    step: Step, workload: ServingWorkload, load: ReplicaLoad, replicas: int, detail: bool = False
) -> PerformanceReport:
    """The report of `replicas` engines at a load, every figure with its band; `detail` keeps the operators."""
    if workload.encodes:
        return _report_passes(step, workload, load, replicas, detail)
    point = load.point
    bands = step.spreads[load.kind]
    ttft = bands.ttft.of(load.ttft_s)
    tpot = bands.tpot.of(point.tpot_s)
    throughput = bands.throughput.of(load.requests_per_s * workload.output_tokens)
    if 0 < load.utilization < 1:  # what arrives is completed, as long as the engine is as fast as the band's low end
        most = throughput.typical
        throughput = Band(min(throughput.low / load.utilization, most), most, most)
    gaps = _gaps(workload, load)
    decoding = point.concurrency, read_tokens(step, workload), workload.draft_tokens
    return PerformanceReport(
        concurrency=point.concurrency,
        ttft_s=ttft,
        tpot_s=tpot,
        request_latency_s=request_latency_s(ttft, tpot, gaps),
        median_gap_s=bands.tpot.of(median_gap.median_gap_s(workload, point)),
        tokens_per_s_per_user=tpot.reciprocal(),
        output_tokens_per_s_per_replica=throughput,
        output_tokens_per_s=throughput.times(replicas),
        total_tokens_per_s=throughput.times(replicas * workload.total_tokens / workload.output_tokens),
        requests_per_s=throughput.times(replicas / workload.output_tokens),
        prefill_bound=prefill_bound(step, *workload.uncached_tokens),
        decode_bound=decode_bound(step, *decoding),
        prefill_time_share=point.prefill_time_share,
        prefill=_first_token_parts(step, workload, load) if detail else (),
        decode=_token_parts(step, workload, load, decode_operators(step, *decoding)) if detail else (),
        utilization=load.utilization,
        overloaded=load.overloaded,
        possible_requests_per_s=_possible_rate(workload, load),
    )


def _report_passes(
    step: Step, workload: ServingWorkload, load: ReplicaLoad, replicas: int, detail: bool
) -> PerformanceReport:
    """Figures of a model that reads and writes nothing: the latency of a batch, texts and tokens per second."""
    bands, nothing = step.spreads[load.kind], Band(0.0, 0.0, 0.0)
    latency, rate = bands.ttft.of(load.ttft_s), bands.throughput.of(load.requests_per_s)
    return PerformanceReport(
        concurrency=load.point.concurrency,
        ttft_s=latency,
        tpot_s=nothing,
        request_latency_s=latency,
        tokens_per_s_per_user=nothing,
        output_tokens_per_s_per_replica=nothing,
        output_tokens_per_s=nothing,
        total_tokens_per_s=rate.times(replicas * workload.total_tokens),
        requests_per_s=rate.times(replicas),
        prefill_bound=prefill_bound(step, *workload.uncached_tokens),
        decode_bound="latency",
        prefill_time_share=1.0,
        prefill=_first_token_parts(step, workload, load) if detail else (),
        utilization=load.utilization,
        overloaded=load.overloaded,
        possible_requests_per_s=_possible_rate(workload, load),
        one_pass=True,
    )


def request_latency_s(ttft_s: Band, tpot_s: Band, gaps: float) -> Band:
    """A whole request: its first token and the gaps between the others, whose errors go the same way."""
    first, gap = ttft_s, tpot_s
    return Band(first.low + gaps * gap.low, first.typical + gaps * gap.typical, first.high + gaps * gap.high)


def _gaps(workload: ServingWorkload, load: ReplicaLoad) -> float:
    """Mean gaps in which a mean answer is complete: those between its tokens, or fewer where short answers have longer
    gaps than long ones.
    """
    point = load.point
    if load.kind == "burst" and workload.length_variation and point.tpot_s:
        return (point.request_s - point.ttft_s) / point.tpot_s
    return workload.output_tokens - 1


def _possible_rate(workload: ServingWorkload, load: ReplicaLoad) -> float | None:
    """Requests per second that all replicas complete at most; None where no rate is asked for."""
    return (
        workload.requests_per_second / load.utilization if workload.requests_per_second and load.utilization else None
    )


def _first_token_parts(step: Step, workload: ServingWorkload, load: ReplicaLoad) -> tuple[OperatorTime, ...]:
    """The time to first token by what it is spent on; the seconds add up to it."""
    prompt = workload.uncached_tokens
    waits = (
        OperatorTime("tower", tower_s(step, workload), "compute"),
        OperatorTime("first token", first_token_overhead_s(step, *prompt), "latency"),
        OperatorTime("admission", load.point.admission_s, "latency"),
        OperatorTime("other prompts", load.point.prompt_wait_s, prefill_bound(step, *prompt)),
        OperatorTime(QUEUE, load.queue_s, "latency"),
    )
    parts = (*prefill_operators(step, *prompt), *(wait for wait in waits if wait.seconds))
    rest_s = load.ttft_s - sum(part.seconds for part in parts)
    rest = "cache transfer" if workload.prefill_replicas else "running step"
    return (*parts, OperatorTime(rest, rest_s, "latency")) if rest_s > NOTHING_S else parts


def _token_parts(
    step: Step, workload: ServingWorkload, load: ReplicaLoad, decode: tuple[OperatorTime, ...]
) -> tuple[OperatorTime, ...]:
    """The time per output token by what it is spent on; the seconds add up to it."""
    accepted = workload.tokens_per_step
    parts = tuple(
        part._replace(seconds=part.seconds / accepted, flops=part.flops / accepted, bytes=part.bytes / accepted)
        for part in decode
    )
    between_s = load.point.tpot_s - sum(part.seconds for part in parts)
    if between_s <= NOTHING_S:
        return parts
    name = "waiting for caches" if workload.prefill_replicas else "prompts between"
    return (*parts, OperatorTime(name, between_s, prefill_bound(step, *workload.uncached_tokens)))
