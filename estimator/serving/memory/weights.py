"""Weight bytes that one rank holds: its share of every tensor, what is replicated, and allocator rounding."""

from functools import lru_cache
from math import ceil
from typing import NamedTuple

from estimator.engines.profiles import Mxfp4Kernel
from estimator.models.architecture import Architecture
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
"""PyTorch's caching allocator: large blocks come in 2 MiB steps, a rest over 1 MiB is split off and used again."""

ROUNDING = "allocator rounding"


class Stage(NamedTuple):
    """One pipeline stage on one rank."""

    layers: int
    weights: tuple[Part, ...]
    """Bytes by kind of tensor and bits."""
    buffers: tuple[Part, ...]
    """What loading adds: the rotary table, and allocations rounded up."""
    last: bool


class Split(NamedTuple):
    """How many ranks divide a tensor, and what the engine does while loading it."""

    tensor: int
    expert: int
    rounds_allocations: bool = False
    mxfp4: Mxfp4Kernel | None = None


def stage_layers(layers: int, stages: int) -> tuple[int, ...]:
    """vLLM's partition: equal, the rest one each to the stages before the last."""
    counts = [layers // stages] * stages
    for index in range(2, layers % stages + 2):
        counts[-index] += 1
    return tuple(counts)


@lru_cache(maxsize=4096)
def stages(
    architecture: Architecture,
    weights: WeightFormat,
    split: Split,
    pipeline: int,
    tower: int = 0,
    rotary_bytes: float = 0.0,
    embedding_on_host: bool = False,
    layers_on_host: int = 0,
    drafting: bool = False,
) -> tuple[Stage, ...]:
    """Every pipeline stage: its layers, embedding and vision tower on the first, head and final norm on the last.

    With layers on the host, the head stays there too. Where tokens are drafted, the last keeps the prediction modules.
    """
    groups = [(group.count, _parts(group.layer.tensors, weights, split)) for group in architecture.groups]
    embedding = _parts(architecture.embedding, weights, split)
    head = _parts(architecture.head, weights, split)
    final = _parts(architecture.final, weights, split)
    encoder = [(group.count, _parts(group.layer.tensors, weights, split)) for group in architecture.encoder]
    vision = tower * weights.rest_bits / 8 / split.tensor
    found = []
    for index, layers in enumerate(stage_layers(architecture.layers - layers_on_host, pipeline)):
        first, last = index == 0, index == pipeline - 1
        total: dict[str, float] = {}
        for count, parts in groups:
            _add(total, parts, count * layers / architecture.layers)
        if first:
            if not embedding_on_host:
                _add(total, embedding)
            for count, parts in encoder:
                _add(total, parts, count)
            if vision:
                _add(total, {f"vision tower, {weights.rest_bits:.3g}-bit": vision})
        if last and not layers_on_host:
            _add(total, final)
            if not architecture.tied:
                _add(total, head)
            elif not first or embedding_on_host:
                _add(total, embedding)
        if last and drafting:
            _add(total, _parts(architecture.mtp, weights, split))
        rounding = total.pop(ROUNDING, 0.0)
        buffers = (Part("rotary table", rotary_bytes), Part(ROUNDING, rounding))
        found.append(Stage(layers, tuple(Part(name, value) for name, value in total.items()), buffers, last))
    return tuple(found)


def rank_bytes(tensor: Tensor, weights: WeightFormat, split: Split) -> float:
    """Bytes of one tensor on one rank."""
    held = weights.bytes_of(tensor)
    if split.mxfp4 and tensor.role == "expert" and weights.id == "mxfp4" and tensor.inputs > 1:
        held = _mxfp4_bytes(tensor, weights, split, split.mxfp4)
    return held * tensor.share(split.tensor, split.expert)


def _parts(tensors: tuple[Tensor, ...], weights: WeightFormat, split: Split) -> dict[str, float]:
    found: dict[str, float] = {}
    fused: dict[str, float] = {}
    for tensor in tensors:
        held = rank_bytes(tensor, weights, split)
        _add(found, {f"{tensor.role.replace('_', ' ')}, {weights.bits_of(tensor):.3g}-bit": held})
        if split.rounds_allocations and tensor.inputs > 1:
            _add(fused, {tensor.role + FUSED.get(tensor.name, tensor.name): held})
    found[ROUNDING] = sum(allocated(held) - held for held in fused.values())
    return found


def allocated(size: float) -> float:
    """Bytes that PyTorch's caching allocator sets aside for one tensor."""
    if size < LARGE_ALLOCATION:
        return size
    rounded = ceil(size / ALLOCATION_STEP) * ALLOCATION_STEP
    return rounded if rounded - size <= SMALLEST_REMAINDER else size


def _mxfp4_bytes(tensor: Tensor, weights: WeightFormat, split: Split, kernel: Mxfp4Kernel) -> float:
    """MXFP4 experts over all ranks, as their kernel stores them: numbers in whole tiles, scales once or twice."""
    ranks = 1 if split.expert > split.tensor else split.tensor
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
