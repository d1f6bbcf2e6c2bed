"""LoRA adapters of a step: two narrow products beside each projection, for whatever adapters its tokens ask for."""

from functools import lru_cache
from typing import NamedTuple

from estimator.layout import Layout
from estimator.models.adapters import ELEMENT_BYTES, Adapters, Spread, is_adapted, slot_sides
from estimator.models.architecture import Architecture
from estimator.records import record
from estimator.serving.deployment import Deployment
from estimator.serving.speed.operators import Detail, longest_of
from estimator.units import MICROSECOND

ADAPTER_MEMORY = 0.7
"""Fraction of the memory bandwidth that narrow products reach (engineering guess, as other small kernels)."""
ROW_BYTES_IN, ROW_BYTES_OUT = 2, 4
"""Bytes of an activation that A reads, and of one that B reads and writes again, in 16 bit."""


class AdapterWork(NamedTuple):
    """What the adapters of all layers are on one rank."""

    projections: float
    """Matrices with an adapter, over all layers."""
    elements: float
    """Elements of one adapter outside the routed experts."""
    expert_elements: float
    """Elements of one adapter for one routed expert of every layer that has them."""
    experts: float
    """Routed experts of such a layer on this rank."""
    experts_per_token: float
    """Experts on this rank that a token visits."""
    row_bytes: float
    """Bytes of activations that one token moves."""


@record(frozen=True, slots=True, eq=False)
class AdapterProducts:
    """The narrow products of all layers. Requests are spread evenly over the adapters."""

    name: str
    times: float
    latency_s: float
    adapters: int
    work: AdapterWork
    flops_per_s: float
    bytes_per_s: float

    def moved(self, rows: float) -> float:
        """Bytes of the adapters that `rows` tokens ask for, and of their activations."""
        work, number = self.work, self.adapters
        touched = number * (1 - (1 - 1 / number) ** rows) if number > 1 else min(rows, 1.0)
        experts = min(touched * work.experts, rows * work.experts_per_token)
        elements = touched * work.elements + experts * work.expert_elements
        return elements * ELEMENT_BYTES + rows * work.row_bytes

    def flops(self, rows: float) -> float:
        """FLOPs of `rows` tokens."""
        return 2 * rows * (self.work.elements + self.work.experts_per_token * self.work.expert_elements)

    def seconds(self, rows: float) -> float:
        busy_s = max(self.flops(rows) / self.flops_per_s, self.moved(rows) / self.bytes_per_s)
        return self.times * (self.latency_s + busy_s)

    def detail(self, rows: float) -> Detail:
        flops, moved = self.flops(rows), self.moved(rows)
        bound = longest_of(self.latency_s, flops / self.flops_per_s, moved / self.bytes_per_s)
        return self.name, self.seconds(rows), bound, self.times * flops, self.times * moved


@lru_cache(maxsize=256)
def adapter_work(architecture: Architecture, adapters: Adapters, layout: Layout) -> AdapterWork:
    """What the adapters of all layers are on one rank of a layout."""
    spread = Spread(layout.tp, layout.ep, max(layout.tp * layout.dp // layout.ep, 1))
    projections = elements = expert_elements = row_bytes = experts = visits = 0.0
    for group in architecture.groups:
        routed = group.layer.mlp.routed if group.layer.mlp else None
        for tensor in filter(is_adapted, group.layer.tensors):
            copies, outputs, inputs = slot_sides(tensor, spread)
            width = group.count * (outputs + inputs)
            moved = group.count * (ROW_BYTES_IN * inputs + ROW_BYTES_OUT * outputs)
            projections += group.count
            if routed and tensor.role == "expert":
                experts, visits = copies, routed.per_token / spread.expert_groups
                expert_elements += adapters.rank * width
                row_bytes += visits * moved
            else:
                elements += adapters.rank * copies * width
                row_bytes += copies * moved
    return AdapterWork(
        projections=projections,
        elements=elements,
        expert_elements=expert_elements,
        experts=experts,
        experts_per_token=visits,
        row_bytes=row_bytes,
    )


def adapter_products(
    deployment: Deployment, layout: Layout, flops_per_s: float, bytes_per_s: float
) -> tuple[AdapterProducts, ...]:
    """The adapters of a deployment on one rank; none where it serves the base model alone."""
    adapters, slots = deployment.adapters, deployment.engine.program.adapters
    if adapters is None or slots is None:
        return ()
    work = adapter_work(deployment.model.architecture, adapters, layout)
    product = AdapterProducts(
        name="adapters",
        times=1.0,
        latency_s=work.projections * slots.projection_us * MICROSECOND,
        adapters=adapters.number,
        work=work,
        flops_per_s=flops_per_s,
        bytes_per_s=bytes_per_s * ADAPTER_MEMORY,
    )
    return (product,)
