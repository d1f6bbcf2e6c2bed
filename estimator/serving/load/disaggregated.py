"""Prefill and decode on engines of their own: no token waits for a prompt, and caches travel between them."""

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import Point, operate
from estimator.serving.speed.step import Step
from estimator.units import GB

PREFILL_BUSY = 0.90
DECODE_BUSY = 0.92
"""Shares of their time that the two kinds of engine work: they never match exactly."""
LINK_SHARE = 0.8
"""Of the network, that a cache transfer reaches."""


def apart(step: Step, workload: ServingWorkload, concurrency: float, limit: float, prefill_share: float) -> Point:
    """The mean of all replicas where a share of them only prefills; `limit` is what one decoding engine holds."""
    held = min(concurrency / (1 - prefill_share), limit)
    alone = operate(step, workload, held)
    tpot = alone.decode_step_s / DECODE_BUSY
    network = step.network_gb_s * GB * LINK_SHARE
    transfer = step.sequence_bytes(workload.input_tokens) * step.layout.tp / network
    unqueued = alone.ttft_s - alone.prompt_wait_s + transfer
    request = unqueued + (workload.output_tokens - 1) * tpot
    rate = held * (1 - prefill_share) / request
    prompt = step.prefill(*workload.uncached_tokens).engine_s
    if prompt:
        rate = min(rate, PREFILL_BUSY * prefill_share / prompt)
        load = min(rate * prompt / prefill_share, PREFILL_BUSY)
        wait = prompt * load / (2 * (1 - load))
    else:
        wait = 0.0
    return alone._replace(
        concurrency=held * (1 - prefill_share),
        ttft_s=unqueued + wait,
        tpot_s=tpot,
        request_s=request + wait,
        requests_per_s=min(rate, held * (1 - prefill_share) / (request + wait)),
        prefill_share=prefill_share,
        prompt_wait_s=wait,
    )
