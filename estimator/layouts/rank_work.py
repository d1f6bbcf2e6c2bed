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


ROUTED_HIDDENS = 2.5
"""Hidden vectors a token moves for each of its experts: sorted in, read, its result added up in float32 (counted)."""
GATED_INTERMEDIATES = 3
"""Intermediate vectors the gated activation of an expert moves: gate and up in, product out (counted)."""


class Product(NamedTuple):
    """One matrix product of a layer on one rank: (rows, inputs) x (inputs, outputs).

    Projections of the same input are one product.
    """

    name: str
    role: Role
    outputs: float
    inputs: float


class ExpertBank(NamedTuple):
    """The routed experts of a layer on one rank."""

    experts: float
    """Experts on this rank."""
    experts_per_token: float
    """Experts a token visits, over all ranks."""
    ranks: int
    """Expert-parallel ranks."""
    parameters: float
    """Parameters of one expert's slice on this rank."""
    token_elements: float
    """Activations that one token moves through one expert's matrices."""
    routing_elements: float
    """Activations that a token moves around one expert's matrices: quantised, gated, summed up."""


class RankWork(NamedTuple):
    """What one rank computes: the parts of a model's layers, each with the number of layers that have it."""

    products: tuple[tuple[Product, int], ...]
    banks: tuple[tuple[ExpertBank, int], ...]
    mixers: tuple[tuple[Mixer, int], ...]
    head: Product
    layers: int
    hidden: int
    """Width of the hidden state [elements]."""
    all_reduces: int
    """Collectives over tensor-parallel ranks in one pass through the model."""
    norm_sums: int
    """Norms in one pass whose squares are summed up over tensor-parallel ranks."""
    exchanges: int
    """Dispatches and combines of tokens between data-parallel attention and expert-parallel experts in one pass."""


@lru_cache(maxsize=1024)
def rank_work(architecture: Architecture, layout: Layout) -> RankWork:
    """The work of every rank of `layout`. Kept by the identity of the architecture."""
    products: Counter[Product] = Counter()
    banks: Counter[ExpertBank] = Counter()
    mixers: Counter[Mixer] = Counter()
    all_reduces = norm_sums = exchanges = 0
    group = layout.tp * layout.dp
    for each in architecture.groups:
        count, layer = each.count, each.layer
        if layer.mixer:
            for part in side_by_side(layer.mixer):
                mixers[part] += count
                norm_sums += count if part.normed_across_heads else 0
            for product in _products(layer.mixer.tensors, layout.tp, "attention"):
                products[product] += count
            all_reduces += count
        for product in _products(layer.extras, layout.tp, "layer"):
            products[product] += count
        if layer.mlp is None:
            continue
        for product in _products(layer.mlp.tensors, layout.tp, "mlp"):
            products[product] += count
        if layer.mlp.routed:
            banks[_bank(layer.mlp.routed, group, layout.ep)] += count
            if layout.dp > 1:
                exchanges += count
                continue
        all_reduces += 0 if layer.one_all_reduce else count
    head = architecture.head[0] if architecture.head else Tensor("none", "head", 0, architecture.hidden)
    return RankWork(
        products=tuple(products.items()),
        banks=tuple(banks.items()),
        mixers=tuple(mixers.items()),
        head=Product(name="LM head", role="head", outputs=head.outputs / layout.tp, inputs=head.inputs),
        layers=architecture.layers,
        hidden=architecture.hidden,
        all_reduces=all_reduces if layout.tp > 1 else 0,
        norm_sums=norm_sums if layout.tp > 1 else 0,
        exchanges=exchanges,
    )


def _products(tensors: Iterable[Tensor], tp: int, part: str) -> Iterable[Product]:
    """Column-parallel matrices that share their input are fused (qkv, gate and up); the others stand alone."""
    fused: dict[tuple[str, Role, int], float] = {}
    for tensor in tensors:
        if tensor.role not in MATRICES or tensor.inputs == 1:
            continue
        share = tensor.share(tp)
        if tensor.split == "rows":
            yield Product(
                name=f"{part} output",
                role=tensor.role,
                outputs=tensor.outputs * tensor.copies,
                inputs=tensor.inputs * share,
            )
        else:
            key = (tensor.split, tensor.role, tensor.inputs)
            fused[key] = fused.get(key, 0) + tensor.outputs * tensor.copies * share
    for (_, role, inputs), outputs in fused.items():
        name = "router" if role == "router" else f"{part} input"
        yield Product(name=name, role=role, outputs=outputs, inputs=inputs)


def _bank(mlp: MixtureOfExperts, group: int, ep: int) -> ExpertBank:
    """Experts spread over `ep` ranks; where those are fewer than the group, each expert is also sliced."""
    matrices = [tensor for tensor in mlp.tensors if tensor.role == "expert" and tensor.inputs > 1]
    slices = group / ep
    elements = sum(tensor.outputs + tensor.inputs for tensor in matrices)
    return ExpertBank(
        experts=mlp.experts / ep,
        experts_per_token=mlp.per_token,
        ranks=ep,
        parameters=sum(tensor.outputs * tensor.inputs for tensor in matrices) / slices,
        token_elements=elements / slices,
        routing_elements=ROUTED_HIDDENS * mlp.hidden + GATED_INTERMEDIATES * mlp.intermediate / slices,
    )
