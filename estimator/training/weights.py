"""Parameters that one rank holds before anything is sharded, and those that are trained."""

from functools import lru_cache
from typing import NamedTuple

from estimator.models.architecture import Architecture
from estimator.models.formats import LINEAR
from estimator.models.tensors import Tensor, parameters
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.lora import adapter_parameters


class Weights(NamedTuple):
    """Parameters on one tensor- and pipeline-parallel rank."""

    linear: float
    """Matrices of the layers: what is quantised."""
    rest: float
    """Embedding, head, norms, routers."""
    experts: float
    """Of the linear ones: divided over expert-parallel ranks before sharding divides them further."""
    layer: float
    """The largest layer, whole on each tensor-parallel rank: what is gathered at a time."""
    tables: float
    """Embedding and head."""
    vision: float = 0.0
    """A vision tower, which stays frozen."""

    @property
    def total(self) -> float:
        return self.linear + self.rest


@lru_cache(maxsize=4096)
def weights(architecture: Architecture, tp: int = 1, pp: int = 1, ep: int = 1) -> Weights:
    """Parameters of the fullest stage; a tied head is stored once."""
    linear = rest = experts = layer = 0.0
    for group in (*architecture.groups, *architecture.encoder):
        inner = outer = 0.0
        for tensor in group.layer.tensors:
            held = tensor.parameters * tensor.share(tp, ep)
            if tensor.role in LINEAR:
                inner += held
            else:
                outer += held
            if tensor.role == "expert":
                experts += group.count * held
        linear += group.count * inner
        rest += group.count * outer
        layer = max(layer, inner + outer)
    embedding = _held(architecture.embedding, tp)
    head = 0.0 if architecture.tied else _held(architecture.head, tp)
    tables = embedding + head if pp == 1 else max(embedding, head)
    rest = rest / pp + tables + parameters(architecture.final)
    return Weights(linear / pp, rest, experts / pp, layer, tables, architecture.vision_parameters / tp)


def _held(tensors: tuple[Tensor, ...], tp: int) -> float:
    return sum(tensor.parameters * tensor.share(tp) for tensor in tensors)


def adapters(architecture: Architecture, workload: TrainingWorkload) -> int:
    """Parameters of all adapters. Raises InputError where the targets match nothing."""
    dora = workload.method == "dora"
    return adapter_parameters(architecture, workload.lora_rank, workload.lora_targets, magnitudes=dora)


def trainable(architecture: Architecture, workload: TrainingWorkload) -> int:
    """Parameters that are trained."""
    if not workload.adapters:
        return architecture.text_parameters
    tables = parameters(architecture.embedding) + (0 if architecture.tied else parameters(architecture.head))
    return adapters(architecture, workload) + (tables if workload.train_embeddings else 0)
