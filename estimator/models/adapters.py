"""LoRA adapters beside a base model (arXiv:2106.09685): two narrow matrices, A and B, for every projection."""

import re
from functools import lru_cache
from typing import NamedTuple

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.formats import LINEAR
from estimator.models.tensors import Tensor

USUAL_RANK = 16
"""Rank where none is said: vLLM's own default of max_lora_rank."""
MOST_ADAPTERS, HIGHEST_RANK = 10_000, 512
ELEMENT_BYTES = 2
"""Adapters are kept in the model's 16-bit type (vLLM and SGLang: lora_dtype auto)."""


class Adapters(NamedTuple):
    """Adapters that one batch may mix, and the rank that all of their slots are made for."""

    number: int
    rank: int = USUAL_RANK
    vocabulary: bool = False
    """Slots for the embedding and the output projection as well."""


@lru_cache(maxsize=64)
def read_adapters(text: str) -> Adapters:
    """`8` or `8@32`, a number and a rank. Raises InputError for anything else."""
    match = re.fullmatch(r"(\d{1,6})(?:@r?(\d{1,4}))?", text.strip().lower())
    if not match:
        raise InputError("lora", f"{text!r} is not understood, expected a number of adapters, or N@RANK (8@32)")
    adapters = Adapters(int(match[1]), int(match[2] or USUAL_RANK))
    if not 1 <= adapters.number <= MOST_ADAPTERS or not 1 <= adapters.rank <= HIGHEST_RANK:
        raise InputError("lora", f"{text!r}: expected 1 to {MOST_ADAPTERS:,} adapters of rank 1 to {HIGHEST_RANK}")
    return adapters


def is_adapted(tensor: Tensor) -> bool:
    """Whether engines keep a slot for this matrix: the linear layers of attention, MLPs and experts."""
    return tensor.role in LINEAR and tensor.inputs > 1


class Spread(NamedTuple):
    """Over which ranks the matrices of a layer are divided."""

    tensor: int = 1
    """Ranks that divide a matrix outside the routed experts."""
    expert_groups: int = 1
    """Ranks, or groups of them, that hold whole experts each."""
    expert_slices: int = 1
    """Ranks that divide one expert."""


class SlotSides(NamedTuple):
    """One slot of a matrix on one rank: `copies` pairs of A (rank, inputs) and B (outputs, rank)."""

    copies: float
    outputs: float
    inputs: float


def slot_sides(tensor: Tensor, spread: Spread) -> SlotSides:
    """The side that follows the matrix's own split is divided, the other is whole on every rank.

    vLLM lora/layers/base_linear.py and fused_moe.py without fully_sharded_loras, SGLang lora/mem_pool.py.
    """
    is_expert, ranks = tensor.role == "expert", spread.tensor
    copies, outputs, inputs = float(tensor.copies), float(tensor.outputs), float(tensor.inputs)
    if is_expert:
        copies, ranks = copies / spread.expert_groups, spread.expert_slices
    if tensor.split == "rows" or (is_expert and tensor.name == "down_proj"):
        inputs /= ranks
    elif tensor.split != "whole":
        outputs /= min(ranks, tensor.ways or ranks)
    return SlotSides(copies, outputs, inputs)


def layer_slot_bytes(layer: Layer, rank: int, spread: Spread) -> float:
    """Bytes of one slot for a layer, on one rank."""
    sides = [slot_sides(tensor, spread) for tensor in layer.tensors if is_adapted(tensor)]
    return ELEMENT_BYTES * rank * sum(copies * (outputs + inputs) for copies, outputs, inputs in sides)


def vocabulary_slot_bytes(architecture: Architecture, rank: int) -> float:
    """Bytes of one slot for the embedding, and as much again for the head; every rank holds it whole."""
    return float(ELEMENT_BYTES * rank * (architecture.vocabulary + architecture.hidden))
