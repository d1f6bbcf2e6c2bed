"""Formats that a model can not have: they would quantise nothing of it and still carry their name."""

from collections.abc import Iterator
from functools import lru_cache

from estimator.errors import Refusal
from estimator.models.architecture import Architecture
from estimator.models.formats import EXPERTS, WeightFormat
from estimator.models.tensors import Tensor


@lru_cache(maxsize=1024)
def misnomer(architecture: Architecture, weights: WeightFormat) -> Refusal | None:
    """Why a weight format would be a false name for this architecture, quantising nothing of it; None where it says
    what it does.
    """
    expert_format = weights.quantises == EXPERTS or weights.id == "gguf-mxfp4"
    if expert_format and not any(tensor.role == "expert" for tensor in _matrices(architecture)):
        rest = "16-bit" if weights.quantises == EXPERTS else "Q8_0"
        reason = f"{weights.id} quantises routed experts, and {architecture.class_name} has none: it would be {rest}"
        return Refusal("weights", f"{reason} under another name")
    narrow = (weights.bits_of(tensor) < weights.rest_bits for tensor in _matrices(architecture))
    if weights.quantises and weights.bits < weights.rest_bits and not any(narrow):
        return Refusal("weights", f"{weights.id} would leave every tensor of {architecture.class_name} 16-bit")
    return None


def _matrices(architecture: Architecture) -> Iterator[Tensor]:
    for group in (*architecture.groups, *architecture.encoder):
        yield from (tensor for tensor in group.layer.tensors if tensor.inputs > 1)
