"""Measured serving cases against the speed model."""

from collections.abc import Iterator
from math import exp
from typing import NamedTuple

from estimator.accuracy.cases import (
    Arrivals,
    arrivals,
    cache,
    concurrency,
    dcp,
    default_batch,
    engine_class,
    layout,
    lengths,
    machine_devices,
    queued_prompts,
    weights,
)
from estimator.accuracy.score import Context, Row, Score, number, scored, text, unscored
from estimator.engines.speed_constants import Spread, Spreads
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.results import Band
from estimator.scenario.scenario import EngineSettings
from estimator.scenario.workload import ServingWorkload
from estimator.serving.deployment import Deployment
from estimator.serving.load.operating_point import OperatingPoint, maximum_throughput, operate
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.step import Step
from estimator.units import GB, MILLISECOND

METRICS = (
    "output_tokens_per_s",
    "total_tokens_per_s",
    "requests_per_s",
    "ttft_ms",
    "tpot_ms",
    "tokens_per_s_per_user",
)
FIXED_POINT_STEPS = 20
ENGINES_THAT_COUNT_PREFILL = frozenset({"nim", "lmdeploy", "neuron", "neuron-static"})
"""Single-stream output rates of these include the first token's wait."""


class Case(NamedTuple):
    """One row, ready to be predicted."""

    step: Step
    workload: ServingWorkload
    concurrency: float
    max_concurrency: float
    kind: str
    spreads: Spreads
    default_batch: float
    """Sequences at once per attention copy, where the row does not say."""


def score(row: Row, context: Context) -> list[Score]:
    """Every metric that the row states, predicted or refused with the reason."""
    measured = [(metric, value) for metric in METRICS if (value := number(row, metric))]
    try:
        case = read(row, context)
        predictions = dict(predict(row, case))
    except InputError as problem:
        return [unscored(row, metric, value, "unsupported", str(problem)) for metric, value in measured]
    return [
        scored(row, metric, value, predictions[metric])
        if metric in predictions
        else unscored(row, metric, value, "skipped", "the row lacks what this metric needs")
        for metric, value in measured
    ]


def read(row: Row, context: Context) -> Case:
    """The row in the estimator's terms. Raises InputError."""
    model = context.model(row)
    device = _device(row, context)
    architecture = model.architecture
    engine = engine_class(row)
    ranks = layout(row, architecture)
    given, wanted = lengths(row)
    kind = text(row, "kind") or "serving_concurrency"
    efficiency = context.inventory.efficiency
    deployment = Deployment(
        model=model,
        weights=weights(row, architecture),
        cache=cache(row, engine, architecture),
        device=device,
        fabric=context.inventory.fabrics[device.fabric],
        engine=context.inventory.engine("vllm"),
        speed=efficiency.engines[engine],
        efficiency=efficiency,
        machine_devices=machine_devices(row),
        settings=EngineSettings(decode_context_parallel=dcp(row)),
    )
    step = compile_step(deployment, ranks)
    workload = ServingWorkload(given, wanted)
    return Case(
        step=step,
        workload=workload,
        concurrency=concurrency(row) or 1.0,
        max_concurrency=_max_concurrency(step, workload, device),
        kind=kind,
        spreads=efficiency.spreads(engine, kind, step.confidence),
        default_batch=default_batch(engine, device, step.speed.max_batch),
    )


def _device(row: Row, context: Context) -> Accelerator:
    """The device that the row names, else that of its instance type. Raises InputError."""
    machine = context.inventory.machines.get(text(row, "instance_type"))
    if text(row, "accelerator_id") or machine is None:
        return context.accelerator(row)
    return context.inventory.accelerators[machine.accelerator]


def predict(row: Row, case: Case) -> Iterator[tuple[str, Band]]:
    """Metric by metric, in the units of the columns."""
    match case.kind:
        case "prefill_latency":
            return _prefill(case)
        case "throughput_max":
            return _maximum(row, case)
        case "single_stream_decode":
            return _single_stream(row, case)
        case _:
            return _serving(row, case)


def _prefill(case: Case) -> Iterator[tuple[str, Band]]:
    tokens = case.workload.input_tokens
    seconds = case.step.prefill_s(tokens, 0, int(case.concurrency)) + case.step.speed.first_token.fixed_ms * MILLISECOND
    yield "total_tokens_per_s", case.spreads.throughput.of(tokens * case.concurrency / seconds)
    yield "ttft_ms", case.spreads.ttft.of(seconds / MILLISECOND)


def _single_stream(row: Row, case: Case) -> Iterator[tuple[str, Band]]:
    point = operate(case.step, case.workload, case.concurrency)
    rate = case.concurrency / point.tpot_s
    if "request latency" in text(row, "notes"):
        point = point._replace(tpot_s=point.request_s / case.workload.output_tokens)
    if case.step.engine in ENGINES_THAT_COUNT_PREFILL or case.concurrency > 1:
        rate = case.concurrency * case.workload.output_tokens / point.request_s
    yield "output_tokens_per_s", case.spreads.throughput.of(rate)
    yield "tokens_per_s_per_user", case.spreads.throughput.of(rate / case.concurrency)
    yield from _latencies(case, point, point.ttft_s)


def _maximum(row: Row, case: Case) -> Iterator[tuple[str, Band]]:
    asked = concurrency(row) or case.default_batch * case.step.layout.dp
    running = min(case.max_concurrency, asked)
    rate = maximum_throughput(case.step, case.workload, running)
    prompts = queued_prompts(row)
    yield from _throughputs(case, _in_waves(case, prompts, running, rate) if prompts else rate)


def _in_waves(case: Case, prompts: int, running: float, rate: float) -> float:
    """Output tokens per second over so many equal requests, from the first to the last of them.

    As many as fit start and end together, at `rate`; those of the last wave have the engine to themselves.
    """
    waves, last = divmod(prompts, running)
    alone = last / maximum_throughput(case.step, case.workload, last) if last >= 1 else 0.0
    return prompts / (waves * running / rate + alone)


def _serving(row: Row, case: Case) -> Iterator[tuple[str, Band]]:
    if concurrency(row) is None:
        yield from _arriving(row, case)
        return
    asked = case.concurrency
    if case.step.speed.scheduler.static:
        yield from _single_stream(row, case)
        return
    running = max(min(asked, case.max_concurrency), 1.0)
    point = operate(case.step, case.workload, running)
    outside = (asked - running) / point.requests_per_s
    burst = case.step.speed.benchmark.burst * asked * case.step.prompt_time(case.workload.input_tokens).engine_s
    shown = _median_step(row, case, point)
    if "request latency" in text(row, "notes"):
        shown = point._replace(tpot_s=point.request_s / case.workload.output_tokens)
    yield from _latencies(case, shown, point.ttft_s + burst + outside)
    rate = running / (point.request_s + burst) * case.workload.output_tokens
    yield from _throughputs(case, rate)
    yield "tokens_per_s_per_user", case.spreads.tpot.of(point.tpot_s).reciprocal()


def _arriving(row: Row, case: Case) -> Iterator[tuple[str, Band]]:
    """So many prompts sent at a rate: what exceeds the engine's own rate queues, and the last ones still finish."""
    asked = arrivals(row)
    if asked is None:
        return
    limit = max(min(case.max_concurrency, case.step.speed.max_batch, asked.prompts), 1.0)
    point = _piled_up(case, asked, limit)
    full = operate(case.step, case.workload, limit)
    rate = min(full.requests_per_s, asked.requests_per_s)
    waiting = asked.prompts - limit
    queue_s = waiting**2 / (2 * asked.prompts) * (1 / rate - 1 / asked.requests_per_s)
    yield from _latencies(case, point, point.ttft_s + queue_s)
    # where prompts queue, those in flight at the end are half done when the last one starts
    draining_s = point.request_s / (2 if rate < asked.requests_per_s else 1)
    served_s = asked.prompts / rate + draining_s
    yield from _throughputs(case, asked.prompts * case.workload.output_tokens / served_s)


def _piled_up(case: Case, asked: Arrivals, limit: float) -> OperatingPoint:
    """The mean request's point while prompts pile up to a plateau, or to all of them, and drain again."""
    sending_s, running = asked.prompts / asked.requests_per_s, 1.0
    for _ in range(FIXED_POINT_STEPS):
        lasting_s = operate(case.step, case.workload, running).request_s
        short, long = sorted((sending_s, lasting_s))
        peak = asked.prompts * min(lasting_s / sending_s, 1.0)
        mean = peak * (1 - short / (3 * long))  # of a trapezoid in time, seen by those who are in it
        running = (running + min(max(mean, 1.0), limit)) / 2
    return operate(case.step, case.workload, running)


def _median_step(row: Row, case: Case, point: OperatingPoint) -> OperatingPoint:
    """Where a source prints the median step, steps that admit a prompt count once they are the majority."""
    if "median" not in text(row, "notes").lower() or case.step.speed.scheduler.static:
        return point
    share = 1 / (1 + exp(-(point.concurrency / case.workload.output_tokens - 0.7) / 0.15))
    return point._replace(tpot_s=point.decode_step_s + share * (point.tpot_s - point.decode_step_s))


def _latencies(case: Case, point: OperatingPoint, ttft_s: float) -> Iterator[tuple[str, Band]]:
    yield "tpot_ms", case.spreads.tpot.of(point.tpot_s / MILLISECOND)
    yield "ttft_ms", case.spreads.ttft.of(ttft_s / MILLISECOND)


def _throughputs(case: Case, output_tokens_per_s: float) -> Iterator[tuple[str, Band]]:
    spread: Spread = case.spreads.throughput
    yield "output_tokens_per_s", spread.of(output_tokens_per_s)
    requests = output_tokens_per_s / case.workload.output_tokens
    yield "total_tokens_per_s", spread.of(requests * case.workload.total_tokens)
    yield "requests_per_s", spread.of(requests)


def _max_concurrency(step: Step, workload: ServingWorkload, device: Accelerator) -> float:
    """Sequences whose cache fits beside the weights, by the engine class's own reserve."""
    terms = step.speed.benchmark
    stages = step.layout.pp
    weights = step.weight_bytes / stages
    usable = (device.memory_usable_bytes or device.memory_sold_gb * GB) / device.cores
    taken = weights + terms.reserve_gb * GB
    free = (
        (usable - taken) * terms.memory_fraction if terms.fraction_of_free else usable * terms.memory_fraction - taken
    )
    sequence_bytes = step.sequence_bytes(workload.input_tokens + workload.output_tokens * terms.cache_share) / stages
    return max(free / sequence_bytes, 1.0) * step.layout.dp if sequence_bytes else float("inf")
