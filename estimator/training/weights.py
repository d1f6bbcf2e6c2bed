"""Parameters that one training rank holds before anything is sharded, and those that are trained."""

from functools import lru_cache
from typing import NamedTuple

from estimator.models.architecture import Architecture
from estimator.models.formats import LINEAR
from estimator.models.tensors import Tensor, parameters
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.lora import adapter_parameters


class RankParameters(NamedTuple):
    """Parameters on one tensor- and pipeline-parallel rank of a training run, by kind, before sharding."""

    linear: float
    """Matrices of the layers: what a quantised base quantises."""
    rest: float
    """Embedding, head, norms, routers."""
    experts: float
    """Parameters of linear layers that expert-parallel ranks divide before sharding divides them further."""
    largest_layer: float
    """One layer, whole on each tensor-parallel rank: what FSDP gathers at a time."""
    tables: float
    """Embedding and head."""
    vision: float = 0.0
    """A vision tower, which stays frozen."""

    @property
    def total(self) -> float:
        """Parameters of the language model on this rank, of every kind."""
        return self.linear + self.rest


@lru_cache(maxsize=4096)
def rank_parameters(architecture: Architecture, tp: int = 1, pp: int = 1, ep: int = 1) -> RankParameters:
    """Parameters on a rank of the fullest pipeline stage; a tied head is stored once."""
    linear = rest = experts = layer = 0.0
    for group in (*architecture.groups, *architecture.encoder):
        matrices = others = 0.0
        for tensor in group.layer.tensors:
            share = tensor.parameters * tensor.share(tp, ep)
            if tensor.role in LINEAR:
                matrices += share
            else:
                others += share
            if tensor.role == "expert":
                experts += group.weight_sets * share
        linear += group.weight_sets * matrices
        rest += group.weight_sets * others
        layer = max(layer, matrices + others)
    embedding = _rank_share(architecture.embedding, tp)
    head = 0.0 if architecture.tied else _rank_share(architecture.head, tp)
    tables = embedding + head if pp == 1 else max(embedding, head)
    rest = rest / pp + tables + parameters(architecture.final)
    return RankParameters(
        linear=linear / pp,
        rest=rest,
        experts=experts / pp,
        largest_layer=layer,
        tables=tables,
        vision=architecture.vision_parameters / tp,
    )


def _rank_share(tensors: tuple[Tensor, ...], tp: int) -> float:
    return sum(tensor.parameters * tensor.share(tp) for tensor in tensors)


def count_adapters(architecture: Architecture, workload: TrainingWorkload) -> int:
    """Parameters of all adapters of a run. Raises InputError where the targets match nothing."""
    dora = workload.method == "dora"
    return adapter_parameters(architecture, workload.lora_rank, workload.lora_targets, magnitudes=dora)


def count_trainable(architecture: Architecture, workload: TrainingWorkload) -> int:
    """Parameters that the optimizer steps. Raises InputError where LoRA targets match nothing."""
    if not workload.adapters:
        return architecture.text_parameters
    tables = parameters(architecture.embedding) + (0 if architecture.tied else parameters(architecture.head))
    return count_adapters(architecture, workload) + (tables if workload.train_embeddings else 0)
