"""What users see: latency and throughput of a candidate's replicas at their share of the load, with bands."""

from math import inf
from typing import NamedTuple

from estimator.results import Band, PerformanceReport
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.arrivals import at_rate, prompt_wait_s, tpot_percentiles_s, ttft_percentiles_s
from estimator.serving.load.disaggregated import apart
from estimator.serving.load.operating_point import Point, operate
from estimator.serving.speed.step import Step


class Load(NamedTuple):
    """One replica under its share of the load."""

    point: Point
    queue_s: float
    """Wait outside the engine, before the first prefill."""
    requests_per_s: float
    """Completed."""
    utilization: float = 0.0
    """Arrivals over what one replica can complete; 0 for a held concurrency."""
    limit: float = inf
    """Requests that one replica holds."""

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
    if 0 < workload.prefill_replicas < replicas and workload.requests_per_second is None:
        share = workload.prefill_replicas / replicas
        point = apart(step, workload, concurrency, limit, share)
        outside = max(concurrency - point.concurrency, 0.0)
        return Load(point, outside / point.requests_per_s, point.requests_per_s, limit=limit)
    if workload.requests_per_second is None:
        point = operate(step, workload, min(concurrency, limit))
        outside_s = max(concurrency - limit, 0.0) / point.requests_per_s  # Little's law for those outside
        return Load(point, outside_s, point.requests_per_s, limit=limit)
    arriving = workload.requests_per_second / replicas
    point, utilization = at_rate(step, workload, arriving, limit)
    completed = arriving if utilization < 1 else point.requests_per_s
    return Load(point, prompt_wait_s(point, workload.length_variation), completed, utilization, limit)


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


def report(step: Step, workload: ServingWorkload, load: Load, replicas: int, detail: bool = False) -> PerformanceReport:
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
        point.concurrency,
        ttft,
        tpot,
        Band(*(first + steps * token for first, token in zip(ttft, tpot, strict=True))),
        Band(1 / tpot.high, 1 / tpot.typical, 1 / tpot.low),
        throughput,
        throughput.times(replicas),
        throughput.times(replicas * workload.total_tokens / workload.output_tokens),
        throughput.times(replicas / workload.output_tokens),
        step.prefill_bound(new, cached),
        step.decode_bound(point.concurrency, context),
        point.prefill_share,
        step.prefill_operators(new, cached) if detail else (),
        step.decode_operators(point.concurrency, context) if detail else (),
        utilization=load.utilization,
        ttft_percentiles_s=ttft_percentiles,
        tpot_percentiles_s=tpot_percentiles,
    )
