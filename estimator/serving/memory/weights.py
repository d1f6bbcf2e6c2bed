"""Weight bytes that one rank holds: its share of every tensor, what is replicated, and allocator rounding."""

from collections.abc import Iterator
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from estimator.engines.memory_policy import Mxfp4Kernel
from estimator.models.adapters import Adapters, Spread, layer_slot_bytes, vocabulary_slot_bytes
from estimator.models.architecture import Architecture, LayerGroup
from estimator.models.formats import WeightFormat
from estimator.models.tensors import Tensor
from estimator.results import Part
from estimator.units import MIB

FUSED = {
    "q_proj": "qkv",
    "k_proj": "qkv",
    "v_proj": "qkv",
    "gate_proj": "gate_up",
    "up_proj": "gate_up",
}
"""Matrices that the engines load as one."""

LARGE_ALLOCATION = 10 * MIB
ALLOCATION_STEP = 2 * MIB
SMALLEST_REMAINDER = 1 * MIB
"""PyTorch's caching allocator (c10/cuda/CUDACachingAllocator.cpp): large blocks come in 2 MiB steps, a rest over 1 MiB
is split off and used again."""

ROUNDING = "allocator rounding"


class StageWeights(NamedTuple):
    """Weights of one pipeline stage on one rank, by kind [bytes]."""

    layers: int
    """Layers of the stage."""
    weights: tuple[Part, ...]
    """Bytes by kind of tensor and bits."""
    buffers: tuple[Part, ...]
    """Bytes that loading adds: the rotary table, and allocations rounded up."""
    last: bool
    """Whether it holds the head."""
    adapter_bytes: float
    """Slots for LoRA adapters among the weights."""


class Sharding(NamedTuple):
    """How ranks divide the tensors of a model, and what the engine does while loading them."""

    tensor: int
    """Ranks that divide a matrix."""
    expert: int
    """Ranks that divide the routed experts."""
    expert_groups: int = 1
    """Groups of them, between which whole experts are dealt out."""
    stages: int = 1
    """Pipeline stages."""
    rounds_allocations: bool = False
    mxfp4: Mxfp4Kernel | None = None
    embedding_on_host: bool = False
    layers_on_host: int = 0
    """Layers that stay in host memory, and the head with them."""
    experts_on_host: int = 0
    """Layers whose routed experts stay in host memory."""
    weights_on_host: int = 0
    """Layers whose weights stay in host memory; one at a time is copied to the device."""
    prediction_modules: bool = False
    """The model's own multi-token-prediction modules stay loaded."""
    adapters: Adapters | None = None
    """Slots for LoRA adapters."""


def stage_layers(layers: int, stages: int) -> tuple[int, ...]:
    """Number of layers of each pipeline stage: equal, the rest one each to the stages before the last (vLLM:
    get_pp_indices).
    """
    counts = [layers // stages] * stages
    for index in range(2, layers % stages + 2):
        counts[-index] += 1
    return tuple(counts)


@lru_cache(maxsize=4096)
def stage_weights(
    architecture: Architecture,
    weights: WeightFormat,
    sharding: Sharding,
    tower_parameters: int = 0,
    rotary_bytes: float = 0.0,
) -> tuple[StageWeights, ...]:
    """Weights of every pipeline stage: embedding and towers on the first, head and final norm on the last."""
    groups = _layer_parts(architecture, weights, sharding._replace(stages=1))

    def stage(layers: int, first: bool, last: bool) -> StageWeights:
        total: dict[str, float] = {}
        for count, parts in groups:
            _add(total, parts, count * layers / architecture.layers)
        if first:
            _add_first(total, architecture, weights, sharding, tower_parameters)
        if last:
            _add_last(total, architecture, weights, sharding)
        slots = _slot_bytes(architecture, sharding, layers, first + last)
        if slots:
            _add(total, {"adapters": slots})
        rounding = total.pop(ROUNDING, 0.0)
        return StageWeights(
            layers=layers,
            weights=tuple([Part(name, value) for name, value in total.items()]),
            buffers=(Part("rotary table", rotary_bytes), Part(ROUNDING, rounding)),
            last=last,
            adapter_bytes=slots,
        )

    counts = stage_layers(architecture.layers - sharding.layers_on_host, sharding.stages)
    kinds = [(layers, index == 0, index == sharding.stages - 1) for index, layers in enumerate(counts)]
    stages = {kind: stage(*kind) for kind in set(kinds)}
    return tuple(stages[kind] for kind in kinds)


@lru_cache(maxsize=1024)
def _layer_parts(
    architecture: Architecture, weights: WeightFormat, sharding: Sharding
) -> tuple[tuple[float, dict[str, float]], ...]:
    """Bytes by kind of one layer of each group on one rank, with the layers that have it: of any number of stages."""
    return tuple(
        (group.weight_sets * share, _parts(tensors, weights, sharding))
        for group in architecture.groups
        for tensors, share in _on_devices(architecture, group, sharding)
    )


def _on_devices(
    architecture: Architecture, group: LayerGroup, sharding: Sharding
) -> Iterator[tuple[tuple[Tensor, ...], float]]:
    """Tensors of equal layers, each kind with the share of these layers that keeps it on the devices."""
    tensors = group.layer.tensors
    if sharding.experts_on_host:
        experts = tuple(tensor for tensor in tensors if tensor.role == "expert")
        yield experts, 1 - sharding.experts_on_host / architecture.expert_layers
        tensors = tuple(tensor for tensor in tensors if tensor.role != "expert")
    copied = max(sharding.weights_on_host - 1, 0)
    yield tensors, 1 - copied / architecture.layers


def _add_first(
    total: dict[str, float], architecture: Architecture, weights: WeightFormat, sharding: Sharding, tower: int
) -> None:
    """What the first stage holds beside its layers: embedding, encoder, vision tower."""
    if not sharding.embedding_on_host:
        _add(total, _parts(architecture.embedding, weights, sharding))
    for group in architecture.encoder:
        _add(total, _parts(group.layer.tensors, weights, sharding), group.weight_sets)
    if tower:
        _add(total, {f"vision tower, {weights.rest_bits:.3g}-bit": tower * weights.rest_bits / 8 / sharding.tensor})


def _add_last(total: dict[str, float], architecture: Architecture, weights: WeightFormat, sharding: Sharding) -> None:
    """What the last stage holds beside its layers: final norm, head, prediction modules."""
    if not sharding.layers_on_host:
        _add(total, _parts(architecture.final, weights, sharding))
        if not architecture.tied:
            _add(total, _parts(architecture.head, weights, sharding))
        elif sharding.stages > 1 or sharding.embedding_on_host:
            _add(total, _parts(architecture.embedding, weights, sharding))
    if sharding.prediction_modules:
        _add(total, _parts(architecture.mtp, weights, sharding))


def _slot_bytes(architecture: Architecture, sharding: Sharding, layers: int, ends: int) -> float:
    """Bytes of the slots for adapters: of `layers` of the stack, and of the embedding or head at the stage's `ends`."""
    adapters = sharding.adapters
    if adapters is None:
        return 0.0
    spread = Spread(sharding.tensor, sharding.expert_groups, max(sharding.expert // sharding.expert_groups, 1))
    inside = sum(
        group.weight_sets * layer_slot_bytes(group.layer, adapters.rank, spread) for group in architecture.groups
    )
    outside = ends * vocabulary_slot_bytes(architecture, adapters.rank) if adapters.vocabulary else 0.0
    return adapters.number * (inside * layers / architecture.layers + outside)


def _parts(tensors: tuple[Tensor, ...], weights: WeightFormat, sharding: Sharding) -> dict[str, float]:
    """Bytes of these tensors on one rank by kind and bits, and what rounding their allocations adds."""
    total: dict[str, float] = {}
    fused: dict[str, float] = {}
    repacked = sharding.mxfp4 if weights.id == "mxfp4" else None
    for tensor, kind, matrix, size in _stored(tensors, weights):
        if repacked and matrix and tensor.role == "expert":
            own = _mxfp4_bytes(tensor, weights, sharding, repacked)
        else:
            own = size
        own *= tensor.share(sharding.tensor, sharding.expert)
        total[kind] = total.get(kind, 0.0) + own
        if matrix and sharding.rounds_allocations:
            fused[matrix] = fused.get(matrix, 0.0) + own
    total[ROUNDING] = sum([allocated_bytes(size) - size for size in fused.values()])
    return total


class StoredTensor(NamedTuple):
    """A tensor in one weight format, before any rank takes its share."""

    tensor: Tensor
    kind: str
    """Role and bits, as they are shown: `attention, 8-bit`."""
    matrix: str
    """The matrix that the engines load it as part of; empty for a vector."""
    bytes: float


@lru_cache(maxsize=1024)
def _stored(tensors: tuple[Tensor, ...], weights: WeightFormat) -> tuple[StoredTensor, ...]:
    """Tensors as the format stores them, whatever the sharding."""
    return tuple(
        StoredTensor(
            tensor=tensor,
            kind=f"{tensor.role.replace('_', ' ')}, {weights.bits_of(tensor):.3g}-bit",
            matrix=tensor.role + FUSED.get(tensor.name, tensor.name) if tensor.inputs > 1 else "",
            bytes=weights.bytes_of(tensor),
        )
        for tensor in tensors
    )


def allocated_bytes(size: float) -> float:
    """Bytes that PyTorch's caching allocator sets aside for one tensor."""
    if size < LARGE_ALLOCATION:
        return size
    rounded = ceil(size / ALLOCATION_STEP) * ALLOCATION_STEP
    return rounded if rounded - size <= SMALLEST_REMAINDER else size


def _mxfp4_bytes(tensor: Tensor, weights: WeightFormat, sharding: Sharding, kernel: Mxfp4Kernel) -> float:
    """MXFP4 experts over all ranks, as their kernel stores them: numbers in whole tiles, scales once or twice."""
    ranks = 1 if sharding.expert > sharding.tensor else sharding.tensor
    down = tensor.name == "down_proj"
    hidden, intermediate = (tensor.outputs, tensor.inputs) if down else (tensor.inputs, tensor.outputs)
    hidden = _tiles(hidden, kernel.hidden_tile)
    intermediate = _tiles(intermediate / ranks, kernel.intermediate_tile)
    outputs, inputs = (hidden, intermediate) if down else (intermediate, hidden)
    numbers = _tiles(inputs, kernel.inner_tile) * weights.payload_bits
    scales = ceil(inputs / weights.block[1]) * weights.scale_bits * kernel.scale_copies
    return tensor.copies * ranks * outputs * (numbers + scales) / 8


def _tiles(size: float, tile: int) -> int:
    return ceil(size / tile) * tile


def _add(total: dict[str, float], parts: dict[str, float], times: float = 1.0) -> None:
    for name, value in parts.items():
        total[name] = total.get(name, 0.0) + value * times
