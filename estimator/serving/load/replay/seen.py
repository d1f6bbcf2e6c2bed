"""A replay's figures in a candidate's performance report: percentiles for every traffic, and all of it for one that
ends.
"""

from estimator.results import Band, LatencyPercentiles, LevelTimes, OperatorTime, Percentiles, PerformanceReport
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.load.operating_point import read_tokens
from estimator.serving.load.performance import request_latency_s
from estimator.serving.load.replay.report import ReplayReport
from estimator.serving.speed.breakdown import bound_of, decode_operators, prefill_operators
from estimator.serving.speed.step import Step

Parts = tuple[OperatorTime, ...]


def with_replay(
    report: PerformanceReport, shown: ReplayReport, step: Step, workload: ServingWorkload, replicas: int
) -> PerformanceReport:
    """The report of `replicas` replicas with what a replay of the workload's traffic shows.

    Its latencies and throughputs have a closed form, but for a recorded traffic's: there the replay's take the place of
    those of a stream that goes on for ever.
    """
    percentiles = LatencyPercentiles(ttft_s=shown.ttft_s, tpot_s=shown.tpot_s, latency_s=shown.latency_s)
    if workload.kind != "trace":
        kept = shown.goodput_requests_per_s / shown.requests_per_s
        goodput = kept * report.requests_per_s.typical
        return report._replace(percentiles=percentiles, goodput_requests_per_s=goodput)
    bands, steps = step.spreads["serving"], workload.output_tokens - 1
    ttft_s = shown.ttft_s.mean
    tpot_s = (shown.latency_s.mean - ttft_s) / steps if steps else report.tpot_s.typical
    ttft, tpot = bands.ttft.of(ttft_s), bands.tpot.of(tpot_s)
    throughput = bands.throughput.of(shown.output_tokens_per_s)
    return report._replace(
        concurrency=shown.mean_running,
        ttft_s=ttft,
        tpot_s=tpot,
        request_latency_s=request_latency_s(ttft, tpot, steps),
        tokens_per_s_per_user=tpot.reciprocal(),
        output_tokens_per_s_per_replica=throughput.times(1 / replicas),
        output_tokens_per_s=throughput,
        total_tokens_per_s=throughput.times(shown.total_tokens_per_s / shown.output_tokens_per_s),
        requests_per_s=throughput.times(shown.requests_per_s / shown.output_tokens_per_s),
        goodput_requests_per_s=shown.goodput_requests_per_s,
        percentiles=percentiles,
        prefill=_with_waits(prefill_operators(step, *workload.uncached_tokens), ttft_s, step) if report.prefill else (),
        decode=_decode_parts(step, workload, shown, tpot_s) if report.decode else (),
    )


def replayed_times(report: PerformanceReport, level: ServiceLevel) -> LevelTimes | None:
    """The latencies that a service level is judged by where its requests were replayed: percentiles, and the report's
    means.
    """
    seen = report.percentiles
    if seen is None:
        return None
    return LevelTimes(
        ttft_s=_at(seen.ttft_s, level.ttft_percentile, report.ttft_s),
        tpot_s=_at(seen.tpot_s, level.tpot_percentile, report.tpot_s),
        latency_s=_at(seen.latency_s, level.latency_percentile, report.request_latency_s),
    )


def _at(seen: Percentiles, percentile: int | None, mean: Band) -> float:
    if percentile is None:
        return mean.typical
    at: float = getattr(seen, f"p{percentile}")
    return at


def _decode_parts(step: Step, workload: ServingWorkload, shown: ReplayReport, token_s: float) -> Parts:
    """A mean token by operator at the batch that runs on average."""
    batch = max(shown.mean_running, 1.0)
    parts = decode_operators(step, batch, read_tokens(step, workload), workload.draft_tokens)
    accepted = workload.tokens_per_step
    return _with_waits(tuple(part._replace(seconds=part.seconds / accepted) for part in parts), token_s, step)


def _with_waits(parts: Parts, seconds: float, step: Step) -> Parts:
    """The parts and what is missing to `seconds`: waits behind other requests. Parts that are more than all of it, as
    those of a mean request are where lengths differ, take their share of it."""
    alone_s = sum(part.seconds for part in parts)
    if alone_s < seconds:
        bound = bound_of(step, parts) if parts else "latency"
        return (*parts, OperatorTime("other requests", seconds - alone_s, bound))
    return tuple(part._replace(seconds=part.seconds * seconds / alone_s) for part in parts)
