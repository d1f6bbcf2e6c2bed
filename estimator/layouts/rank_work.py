"""What one rank of a layout computes: products, attention, experts and collectives, whatever the device."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from estimator.layout import Layout
from estimator.models.architecture import Architecture
from estimator.models.mixers import Mixer, side_by_side
from estimator.models.mlps import MixtureOfExperts
from estimator.models.tensors import Role, Tensor

MATRICES: frozenset[Role] = frozenset({"attention", "mlp", "shared_expert", "router"})


class Product(NamedTuple):
    """One matrix product of a layer on one rank; projections of the same input are one product."""

    name: str
    role: Role
    outputs: float
    inputs: float


class ExpertBank(NamedTuple):
    """The routed experts of a layer on one rank."""

    experts: float
    per_token: float
    ranks: int
    parameters: float
    """Of one expert, on this rank."""
    token_elements: float
    """Activations that one token moves through one expert's matrices."""
    routing_elements: float
    """Activations that it moves around them: quantised on the way in, summed up on the way out, gated."""


class Plan(NamedTuple):
    """Layer parts of a model with how many layers have them, per rank."""

    products: tuple[tuple[Product, int], ...]
    banks: tuple[tuple[ExpertBank, int], ...]
    mixers: tuple[tuple[Mixer, int], ...]
    head: Product
    layers: int
    hidden: int
    all_reduces: int
    exchanges: int
    """Dispatch and combine of tokens between data-parallel attention and expert-parallel experts."""


@lru_cache(maxsize=1024)
def plan(architecture: Architecture, layout: Layout) -> Plan:
    """The plan of every rank of `layout`; compared by identity of the architecture."""
    products: Counter[Product] = Counter()
    banks: Counter[ExpertBank] = Counter()
    mixers: Counter[Mixer] = Counter()
    all_reduces = exchanges = 0
    group = layout.tp * layout.dp
    for each in architecture.groups:
        count, layer = each.count, each.layer
        if layer.mixer:
            for part in side_by_side(layer.mixer):
                mixers[part] += count
            for product in _products(layer.mixer.tensors, layout.tp, "attention"):
                products[product] += count
            all_reduces += count
        if layer.mlp is None:
            continue
        for product in _products(layer.mlp.tensors, layout.tp, "mlp"):
            products[product] += count
        if isinstance(layer.mlp, MixtureOfExperts):
            banks[_bank(layer.mlp, group, layout.ep)] += count
            if layout.dp > 1:
                exchanges += count
                continue
        all_reduces += 0 if layer.one_all_reduce else count
    head = architecture.head[0]
    return Plan(
        tuple(products.items()),
        tuple(banks.items()),
        tuple(mixers.items()),
        Product("LM head", "head", head.outputs / layout.tp, head.inputs),
        architecture.layers,
        architecture.hidden,
        all_reduces if layout.tp > 1 else 0,
        exchanges,
    )


def _products(tensors: Iterable[Tensor], tp: int, part: str) -> Iterable[Product]:
    """Column-parallel matrices that share their input are fused (qkv, gate and up); the others stand alone."""
    fused: dict[tuple[str, Role, int], float] = {}
    for tensor in tensors:
        if tensor.role not in MATRICES or tensor.inputs == 1:
            continue
        share = tensor.share(tp)
        if tensor.split == "rows":
            yield Product(f"{part} output", tensor.role, tensor.outputs * tensor.copies, tensor.inputs * share)
        else:
            key = (tensor.split, tensor.role, tensor.inputs)
            fused[key] = fused.get(key, 0) + tensor.outputs * tensor.copies * share
    for (_, role, inputs), outputs in fused.items():
        yield Product("router" if role == "router" else f"{part} input", role, outputs, inputs)


def _bank(mlp: MixtureOfExperts, group: int, ep: int) -> ExpertBank:
    """Experts spread over `ep` ranks; where those are fewer than the group, each expert is also sliced."""
    matrices = [tensor for tensor in mlp.tensors if tensor.role == "expert" and tensor.inputs > 1]
    slices = group / ep
    elements = sum(tensor.outputs + tensor.inputs for tensor in matrices)
    return ExpertBank(
        mlp.experts / ep,
        mlp.per_token,
        ep,
        sum(tensor.outputs * tensor.inputs for tensor in matrices) / slices,
        elements / slices,
        2.5 * mlp.hidden + 3 * mlp.intermediate / slices,
    )
