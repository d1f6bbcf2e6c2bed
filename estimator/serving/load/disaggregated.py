"""Prefill and decode on engines of their own: no token waits for a prompt, and caches travel between them."""

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, operate, tower_s
from estimator.serving.speed.step import Step, one_prompt
from estimator.units import GB

PREFILL_BUSY = 0.90
"""Share of its time that a prefill engine works: the two kinds never match exactly (engineering guess)."""
DECODE_BUSY = 0.92
"""Share of its time that a decode engine works (engineering guess)."""
LINK_SHARE = 0.8
"""Share of the network's bandwidth that a cache transfer reaches (engineering guess)."""


def disaggregated_point(
    step: Step, workload: ServingWorkload, concurrency: float, limit: float, prefill_replica_share: float
) -> OperatingPoint:
    """Operating point, averaged over all replicas, when `prefill_replica_share` of them only prefill.

    `limit`: sequences one decode engine can hold. The slower of the two sides sets the rate; a prompt waits as in an
    M/D/1 queue, then its cache crosses the network.
    """
    decode_share = 1 - prefill_replica_share
    batch = min(concurrency / decode_share, limit)
    alone = operate(step, workload, batch)
    tpot = alone.decode_step_s / DECODE_BUSY
    network = step.network_gb_s * GB * LINK_SHARE
    transfer = step.sequence_bytes(workload.prompt_tokens) * step.layout.tp / network
    unqueued = alone.ttft_s - alone.prompt_wait_s + transfer
    request = unqueued + (workload.output_tokens - 1) * tpot
    rate = batch * decode_share / request
    prompt = one_prompt(step, *workload.uncached_tokens).engine_s + tower_s(step, workload)
    if prompt:
        rate = min(rate, PREFILL_BUSY * prefill_replica_share / prompt)
        load = min(rate * prompt / prefill_replica_share, PREFILL_BUSY)
        wait = prompt * load / (2 * (1 - load))
    else:
        wait = 0.0
    return alone._replace(
        concurrency=batch * decode_share,
        ttft_s=unqueued + wait,
        tpot_s=tpot,
        request_s=request + wait,
        requests_per_s=min(rate, batch * decode_share / (request + wait)),
        prefill_time_share=prefill_replica_share,
        prompt_wait_s=wait,
    )
