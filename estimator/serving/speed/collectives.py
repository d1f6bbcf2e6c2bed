"""Exchanges between ranks: inside a machine at the fabric's measured constants, between machines over the network."""

from collections.abc import Iterator
from math import ceil, log2

from estimator.hardware.devices import AllReduce, Fabric
from estimator.layout import Layout
from estimator.layouts.rank_work import Plan
from estimator.models.mixers import Attention, LatentAttention, Mixer
from estimator.serving.deployment import Deployment
from estimator.serving.speed.operators import Collective
from estimator.units import GB, MICROSECOND


def collectives(parts: Plan, layout: Layout, deployment: Deployment) -> Iterator[Collective]:
    """All-reduces after attention and feed-forward.

    With data-parallel attention, tokens are gathered before the experts and scattered back: an all-reduce's traffic
    over the rows of all attention copies.
    """
    copies, row_bytes = layout.dp, 2 * parts.hidden
    if parts.all_reduces:
        yield _all_reduce("all-reduce", parts.all_reduces, layout.tp, row_bytes, deployment)
    if parts.exchanges:
        yield _all_reduce("all-to-all", parts.exchanges, layout.tp * copies, copies * row_bytes, deployment)


STRIPE_EXCHANGES = 3
"""Of one layer: queries and softmax sums are gathered, outputs reduced and scattered (vLLM's `ag_rs`)."""


def stripe_exchanges(parts: Plan, layout: Layout, deployment: Deployment) -> Iterator[Collective]:
    """What ranks that stripe a sequence tell each other for each of its new tokens.

    Gathering what is then reduced and scattered is an all-reduce's traffic, here of every rank's query heads.
    """
    dcp = deployment.settings.dcp
    if dcp == 1:
        return
    for mixer, count in parts.mixers:
        heads = _query_heads(mixer) / layout.tp * dcp
        if heads:
            row_bytes = heads * (2 * _head_width(mixer) + 4 * dcp) / 2 / STRIPE_EXCHANGES
            times = STRIPE_EXCHANGES * count
            yield _all_reduce("stripe exchange", times, dcp, row_bytes, deployment)


def _query_heads(mixer: Mixer) -> int:
    return mixer.heads if isinstance(mixer, Attention | LatentAttention) else 0


def _head_width(mixer: Mixer) -> int:
    """Elements of one head's query and output, as decode attention takes and gives them."""
    if isinstance(mixer, LatentAttention):
        return 2 * mixer.kv_rank + mixer.rope_dim
    return mixer.head_dim + mixer.v_dim if isinstance(mixer, Attention) else 0


def _all_reduce(name: str, count: int, ranks: int, row_bytes: float, deployment: Deployment) -> Collective:
    inside = min(ranks, deployment.machine_devices or ranks)
    machines = ceil(ranks / inside)
    network = deployment.efficiency.network
    known = link(deployment.fabric, inside)
    return Collective(
        name,
        count,
        known._replace(alpha_s=known.alpha_s * deployment.speed.all_reduce),
        2 * (inside - 1) / inside,
        row_bytes,
        network.latency_us * MICROSECOND if machines > 1 else 0.0,
        2 * (machines - 1) / machines / (network.bandwidth_gb_s * GB),
    )


def link(fabric: Fabric, devices: int) -> AllReduce:
    """The fabric's constants over that many devices: as measured, the next larger count, or from the link alone."""
    if devices <= 1:
        return AllReduce(0.0, GB, 1.0)
    for measured in sorted(fabric.all_reduce):
        if measured >= devices:
            return fabric.all_reduce[measured]
    if fabric.all_reduce:
        largest = max(fabric.all_reduce)
        known = fabric.all_reduce[largest]
        return known._replace(alpha_s=known.alpha_s * (1 + log2(devices / largest)))
    return AllReduce(15 * MICROSECOND * log2(devices), 0.5 * fabric.link_bytes_per_s or 8 * GB, 0.8)
