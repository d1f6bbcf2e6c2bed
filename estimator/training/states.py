"""Weights, gradients and optimizer states: bytes per parameter and how sharding divides them.

ZeRO: Rajbhandari et al., arXiv:1910.02054. 8-bit moments: Dettmers et al., arXiv:2110.02861.
"""

from typing import NamedTuple


class StateBytes(NamedTuple):
    """Bytes per trained parameter."""

    weights: float
    gradients: float
    master: float
    moments: float
    host_moments: float = 0.0
    """Moments that page out to the host."""

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.master + self.moments


_PRECISION = {  # weights, gradients, master copy, one moment
    "bf16": (2.0, 2.0, 0.0, 2.0),
    "bf16-mixed": (4.0, 4.0, 0.0, 4.0),
    "bf16-master": (2.0, 2.0, 4.0, 4.0),
    "fp32": (4.0, 4.0, 0.0, 4.0),
}
_MOMENTS: dict[str, tuple[float, float | None]] = {  # how many, and bytes of each where the optimizer sets them
    "adamw": (2.0, None),
    "adamw-8bit": (2.0, 1.0 * 1.02),  # absolute maxima of blocks of 256
    "adamw-4bit": (2.0, 0.5 * 1.06),
    "paged-adamw": (2.0, None),
    "paged-adamw-8bit": (2.0, 1.0 * 1.02),
    "adafactor": (0.0, None),  # one row and one column a matrix
    "lion": (1.0, None),
    "muon": (1.0, None),  # of matrices; embeddings, head and norms keep AdamW's two
    "sgd": (0.0, None),
    "sgd-momentum": (1.0, None),
}


def state_bytes(precision: str, optimizer: str, matrices: float = 1.0) -> StateBytes:
    """Bytes per parameter; `matrices` is the share of parameters in hidden matrices (Muon treats the rest as AdamW)."""
    weights, gradients, master, moment = _PRECISION[precision]
    count, own = _MOMENTS[optimizer]
    if optimizer == "muon":
        count = matrices + 2.0 * (1.0 - matrices)
    moments = count * (own if own is not None else moment)
    if optimizer.startswith("paged"):
        return StateBytes(weights, gradients, master, 0.0, moments)
    return StateBytes(weights, gradients, master, moments)


class Shares(NamedTuple):
    """Fractions that one rank holds."""

    weights: float
    gradients: float
    optimizer: float


def shares(sharding: str, shards: int) -> Shares:
    """What each stage of ZeRO divides; FSDP shards like stage 3."""
    one = 1.0 / shards
    if sharding == "zero1":
        return Shares(1.0, 1.0, one)
    if sharding == "zero2":
        return Shares(1.0, one, one)
    if sharding in ("zero3", "fsdp", "hybrid"):
        return Shares(one, one, one)
    return Shares(1.0, 1.0, 1.0)
