"""What users see: latency and throughput of a candidate's replicas at their share of the load, with bands."""

from math import inf
from typing import NamedTuple

from estimator.results import Band, PerformanceReport
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.arrivals import point_at_rate, prompt_wait_s, tpot_percentiles_s, ttft_percentiles_s
from estimator.serving.load.disaggregated import disaggregated_point
from estimator.serving.load.operating_point import OperatingPoint, operate
from estimator.serving.speed.breakdown import decode_bound, decode_operators, prefill_bound, prefill_operators
from estimator.serving.speed.step import Step


class ReplicaLoad(NamedTuple):
    """One replica under its share of the load: an operating point with what waits outside.

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

    @property
    def ttft_s(self) -> float:
        """Time to first token, the wait outside the engine included."""
        return self.point.ttft_s + self.queue_s


def load_replica(
    step: Step, workload: ServingWorkload, concurrency: float, max_concurrency: float = inf, replicas: int = 1
) -> ReplicaLoad:
    """One of `replicas` engines with `concurrency` requests in flight, or with its share of the arrivals.

    An engine holds at most `max_concurrency` requests; the others wait outside and that counts into TTFT.
    """
    limit = max(min(max_concurrency, step.speed.max_batch * step.layout.dp), 1.0)
    if 0 < workload.prefill_replicas < replicas and workload.requests_per_second is None:
        share = workload.prefill_replicas / replicas
        point = disaggregated_point(step, workload, concurrency, limit, share)
        outside = max(concurrency - point.concurrency, 0.0)
        return ReplicaLoad(point, outside / point.requests_per_s, point.requests_per_s, limit=limit)
    if workload.requests_per_second is None:
        point = operate(step, workload, min(concurrency, limit))
        outside_s = max(concurrency - limit, 0.0) / point.requests_per_s  # Little's law for those outside
        return ReplicaLoad(point, outside_s, point.requests_per_s, limit=limit)
    arriving = workload.requests_per_second / replicas
    point, utilization = point_at_rate(step, workload, arriving, limit)
    completed = arriving if utilization < 1 else point.requests_per_s
    return ReplicaLoad(
        point=point,
        queue_s=prompt_wait_s(point, workload.length_variation),
        requests_per_s=completed,
        utilization=utilization,
        limit=limit,
    )


def performance(
    step: Step,
    workload: ServingWorkload,
    concurrency: float,
    max_concurrency: float = inf,
    replicas: int = 1,
    detail: bool = False,
) -> PerformanceReport:
    """Speed of `replicas` equal engines, each with `concurrency` requests in flight or its share of the arrivals."""
    load = load_replica(step, workload, concurrency, max_concurrency, replicas)
    return report_performance(step, workload, load, replicas, detail)


def report_performance(
    step: Step, workload: ServingWorkload, load: ReplicaLoad, replicas: int, detail: bool = False
) -> PerformanceReport:
    """Every figure of `replicas` engines at that load, with its band; `detail` keeps the operators."""
    point = load.point
    bands = step.spreads
    ttft = bands.ttft.of(load.ttft_s)
    tpot = bands.tpot.of(point.tpot_s)
    throughput = bands.throughput.of(load.requests_per_s * workload.output_tokens)
    if 0 < load.utilization < 1:  # what arrives is completed, as long as the engine is as fast as the band's low end
        most = throughput.typical
        throughput = Band(min(throughput.low / load.utilization, most), most, most)
    steps = workload.output_tokens - 1
    new, cached = workload.uncached_tokens
    context = workload.mean_context
    ttft_percentiles = tpot_percentiles = None
    if workload.requests_per_second is not None and load.utilization < 1:
        ttft_percentiles = ttft_percentiles_s(point, load.ttft_s, workload.length_variation)
        tpot_percentiles = tpot_percentiles_s(step, workload, point, load.limit)
    return PerformanceReport(
        concurrency=point.concurrency,
        ttft_s=ttft,
        tpot_s=tpot,
        request_latency_s=Band(*(first + steps * token for first, token in zip(ttft, tpot, strict=True))),
        tokens_per_s_per_user=Band(1 / tpot.high, 1 / tpot.typical, 1 / tpot.low),
        output_tokens_per_s_per_replica=throughput,
        output_tokens_per_s=throughput.times(replicas),
        total_tokens_per_s=throughput.times(replicas * workload.total_tokens / workload.output_tokens),
        requests_per_s=throughput.times(replicas / workload.output_tokens),
        prefill_bound=prefill_bound(step, new, cached),
        decode_bound=decode_bound(step, point.concurrency, context),
        prefill_time_share=point.prefill_time_share,
        prefill=prefill_operators(step, new, cached) if detail else (),
        decode=decode_operators(step, point.concurrency, context) if detail else (),
        utilization=load.utilization,
        ttft_percentiles_s=ttft_percentiles,
        tpot_percentiles_s=tpot_percentiles,
    )
