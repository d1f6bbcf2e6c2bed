"""Adapter parameters, exact: r x (inputs + outputs) for each adapted matrix (LoRA, arXiv:2106.09685)."""

from functools import lru_cache
from typing import NamedTuple

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.tensors import Role, Tensor

_GROUPS: dict[str, frozenset[Role]] = {
    "all-linear": frozenset({"attention", "mlp", "shared_expert", "expert"}),
    "attention": frozenset({"attention"}),
    "mlp": frozenset({"mlp", "shared_expert", "expert"}),
}
_ALIASES = {
    "q": "q_proj",
    "k": "k_proj",
    "v": "v_proj",
    "o": "o_proj",
    "query": "q_proj",
    "key": "k_proj",
    "value": "v_proj",
    "projection": "o_proj",
    "output": "o_proj",
    "w1": "gate_proj",
    "w2": "down_proj",
    "w3": "up_proj",
    "head": "lm_head",
    "output_proj": "o_proj",
}


def target_names(targets: str) -> tuple[str, ...]:
    """LoRA targets, given with commas between, as the checkpoint spells them, each once."""
    names = (name.strip().rsplit(".", 1)[-1] for name in targets.split(","))
    return tuple(dict.fromkeys(_ALIASES.get(name, name) for name in names if name))


def is_target(tensor: Tensor, names: tuple[str, ...]) -> bool:
    """Whether a matrix takes an adapter under these target names; norms and vectors never take one."""
    if tensor.role == "norm" or tensor.inputs == 1:
        return False
    return any(tensor.role in _GROUPS[name] if name in _GROUPS else tensor.name == name for name in names)


class AdaptedMatrices(NamedTuple):
    """Equal matrices of a model that each have an adapter: how many, and their sides."""

    matrices: int
    """How many there are in the model."""
    visited: float
    """Share of them that one token passes through: below 1 for routed experts."""
    tensor: Tensor


@lru_cache(maxsize=512)
def adapted_matrices(architecture: Architecture, targets: str) -> tuple[AdaptedMatrices, ...]:
    """Every matrix on which LoRA targets put an adapter. Raises InputError where no name matches."""
    names = target_names(targets)
    adapted = [
        AdaptedMatrices(
            group.weight_sets * tensor.copies,
            group.layer.mlp.active_fraction if group.layer.mlp and tensor.role == "expert" else 1.0,
            tensor,
        )
        for group in (*architecture.groups, *architecture.encoder)
        for tensor in group.layer.tensors
        if is_target(tensor, names)
    ]
    adapted += [AdaptedMatrices(1, 1.0, tensor) for tensor in architecture.head if tensor.name in names]
    if not adapted:
        known = ", ".join(linear_names(architecture))
        raise InputError("lora_targets", f"no matrix is named {targets!r}; there are {known}")
    return tuple(adapted)


def linear_names(architecture: Architecture) -> tuple[str, ...]:
    """Names that LoRA targets may use: groups of matrices, then the architecture's own matrices."""
    names = (
        tensor.name
        for group in architecture.groups
        for tensor in group.layer.tensors
        if tensor.role in _GROUPS["all-linear"] and tensor.inputs > 1
    )
    return (*_GROUPS, *dict.fromkeys(names))


@lru_cache(maxsize=512)
def adapter_parameters(architecture: Architecture, rank: int, targets: str, magnitudes: bool = False) -> int:
    """Trainable parameters of all adapters; `magnitudes` adds DoRA's one per output (arXiv:2402.09353).

    Raises InputError where the targets match nothing.
    """
    total = 0
    for matrices, _, tensor in adapted_matrices(architecture, targets):
        total += matrices * (rank * (tensor.inputs + tensor.outputs) + (tensor.outputs if magnitudes else 0))
    return total
