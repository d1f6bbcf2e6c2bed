"""Collectives between ranks: inside a machine at the fabric's measured constants, between machines over the network."""

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, log2

from estimator.hardware.devices import AllReduce, Fabric
from estimator.layout import Layout
from estimator.layouts.rank_work import RankWork
from estimator.serving.deployment import Deployment
from estimator.serving.speed.operators import Collective
from estimator.units import GB, MICROSECOND

NORM_SUM_BYTES = 8.0
"""Squares of one token's query and key in 32 bit (MiniMax-M2 in vLLM and SGLang); too short for an engine that gathers
both whole, as vLLM does for OLMo."""


def collectives(work: RankWork, layout: Layout, deployment: Deployment) -> Iterator[Collective]:
    """All-reduces of the hidden state after attention and feed-forward, in 16 bit, and of norms that span all heads.

    With data-parallel attention, tokens are gathered before the experts and scattered back: an all-reduce's traffic
    over the rows of all attention replicas.
    """
    replicas, row_bytes = layout.dp, 2 * work.hidden
    if work.all_reduces:
        yield _all_reduce("all-reduce", work.all_reduces, layout.tp, row_bytes, deployment)
    if work.norm_sums:
        yield _all_reduce("norm sums", work.norm_sums, layout.tp, NORM_SUM_BYTES, deployment)
    if work.exchanges:
        yield _all_reduce("all-to-all", work.exchanges, layout.tp * replicas, replicas * row_bytes, deployment)


DCP_COLLECTIVES = 3
"""Collectives of one layer: queries and softmax sums are gathered, outputs reduced and scattered (vLLM's `ag_rs`)."""


def dcp_exchanges(work: RankWork, layout: Layout, deployment: Deployment) -> Iterator[Collective]:
    """Collectives of decode context parallelism (DCP) for each new token.

    Gathering and then reducing and scattering is an all-reduce's traffic, here of every rank's query heads.
    """
    dcp = deployment.settings.dcp
    for mixer, count in work.mixers:
        heads = mixer.query_heads / layout.tp * dcp
        if heads:
            row_bytes = heads * (2 * mixer.decode_head_width + 4 * dcp) / 2 / DCP_COLLECTIVES
            times = DCP_COLLECTIVES * count
            yield _all_reduce("stripe exchange", times, dcp, row_bytes, deployment)


def _all_reduce(name: str, count: int, ranks: int, row_bytes: float, deployment: Deployment) -> Collective:
    inside = min(ranks, deployment.machine_devices or ranks)
    machines = ceil(ranks / inside)
    network = deployment.efficiency.network
    fitted = link(deployment.fabric, inside)
    return Collective(
        name=name,
        times=count,
        link=AllReduce(fitted.alpha_s * deployment.speed.kernels.all_reduce_latency, *fitted[1:]),
        wire=2 * (inside - 1) / inside,
        row_bytes=row_bytes,
        across_latency_s=network.latency_us * MICROSECOND if machines > 1 else 0.0,
        across_s_per_byte=2 * (machines - 1) / machines / (network.bandwidth_gb_s * GB),
    )


UNMEASURED_HOP_S = 15 * MICROSECOND
"""Fixed time of an all-reduce per doubling of devices, where a fabric was not measured (guess: NCCL over PCIe)."""
UNMEASURED_LINK = 0.5
"""Share of a link's one-way bandwidth that an all-reduce reaches there (guess)."""
UNKNOWN_LINK_BYTES_PER_S = 8 * GB
"""Bandwidth of devices without a named link: half of PCIe 3 x16 (guess)."""
UNMEASURED_Q = 0.8
"""Exponent between latency and bandwidth there: amid those of measured fabrics, 0.5-1."""


@lru_cache(maxsize=1024)
def link(fabric: Fabric, devices: int) -> AllReduce:
    """The fabric's all-reduce over a number of devices: as measured, the next larger count, or from the link alone."""
    if devices <= 1:
        return AllReduce(0.0, GB, 1.0)
    for measured in sorted(fabric.all_reduce):
        if measured >= devices:
            return fabric.all_reduce[measured]
    if fabric.all_reduce:
        largest = max(fabric.all_reduce)
        widest = fabric.all_reduce[largest]
        return widest._replace(alpha_s=widest.alpha_s * (1 + log2(devices / largest)))
    bandwidth = UNMEASURED_LINK * fabric.link_bytes_per_s or UNKNOWN_LINK_BYTES_PER_S
    return AllReduce(UNMEASURED_HOP_S * log2(devices), bandwidth, UNMEASURED_Q)
