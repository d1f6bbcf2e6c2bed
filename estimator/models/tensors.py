"""Weight tensors: the one description that parameters, bytes, GEMM work and LoRA ranks are summed from."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Role = Literal[
    "embedding",  # looked up, never multiplied
    "head",
    "attention",  # projections of any mixer that quantisation recipes treat as linear layers
    "mlp",
    "shared_expert",
    "expert",  # routed; `copies` counts them all
    "router",  # and other small projections that recipes keep in 16 bit
    "norm",  # vectors: norms, biases, sinks, decay rates, convolutions
]

Split = Literal["columns", "rows", "experts", "whole"]


class Tensor(NamedTuple):
    """`copies` equal weight matrices of shape (outputs, inputs); a vector has inputs = 1."""

    name: str
    """The module's name in the published checkpoint, without layer prefix: `q_proj`, `down_proj`."""
    role: Role
    outputs: int
    inputs: int = 1
    copies: int = 1
    split: Split = "columns"
    """How tensor parallelism divides it: outputs, inputs, by expert, or every rank holds it whole."""
    ways: int = 0
    """Most ranks it can be divided over (KV heads for k_proj and v_proj); 0 is any number."""

    @property
    def parameters(self) -> int:
        return self.copies * self.outputs * self.inputs

    def share(self, tensor_parallel: int, expert_parallel: int = 1) -> float:
        """Fraction of this tensor that one rank holds, 0 to 1."""
        if self.split == "whole":
            return 1.0
        if self.split == "experts":
            return 1.0 / max(tensor_parallel, expert_parallel)
        return 1.0 / min(tensor_parallel, self.ways or tensor_parallel)


def parameters(tensors: Iterable[Tensor]) -> int:
    """Elements of all tensors together."""
    return sum(tensor.parameters for tensor in tensors)
