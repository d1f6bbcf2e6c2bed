"""Training states: bytes per parameter of weights, gradients and optimizer states, and how sharding divides them.

Sources: ZeRO, Rajbhandari et al., arXiv:1910.02054; 8-bit moments, Dettmers et al., arXiv:2110.02861.
"""

from typing import NamedTuple


class StateBytes(NamedTuple):
    """Bytes per trained parameter, by kind of state."""

    weights: float
    gradients: float
    master: float
    """The fp32 copy of 16-bit weights; 0 where there is none."""
    moments: float
    host_moments: float = 0.0
    """Moments that page out to the host."""

    @property
    def total(self) -> float:
        """Bytes per trained parameter on the device, all states together."""
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


def state_bytes(precision: str, optimizer: str, matrix_fraction: float = 1.0) -> StateBytes:
    """Bytes per parameter of every state under one precision and optimizer, by their definition.

    `matrix_fraction` is the share of parameters in hidden matrices: Muon keeps AdamW's two moments for the rest.
    """
    weights, gradients, master, moment = _PRECISION[precision]
    count, moment_bytes = _MOMENTS[optimizer]
    if optimizer == "muon":
        count = matrix_fraction + 2.0 * (1.0 - matrix_fraction)
    moments = count * (moment_bytes if moment_bytes is not None else moment)
    on_host = optimizer.startswith("paged")
    return StateBytes(
        weights=weights,
        gradients=gradients,
        master=master,
        moments=0.0 if on_host else moments,
        host_moments=moments if on_host else 0.0,
    )


class ShardFractions(NamedTuple):
    """Fractions of weights, gradients and states that one data-parallel rank holds."""

    weights: float
    gradients: float
    optimizer: float


def shard_fractions(sharding: str, shards: int) -> ShardFractions:
    """Fractions of weights, gradients and states that one of `shards` ranks holds.

    Each stage of ZeRO divides one thing more, FSDP like stage 3.
    """
    one = 1.0 / shards
    if sharding == "zero1":
        return ShardFractions(1.0, 1.0, one)
    if sharding == "zero2":
        return ShardFractions(1.0, one, one)
    if sharding in ("zero3", "fsdp", "hybrid"):
        return ShardFractions(one, one, one)
    return ShardFractions(1.0, 1.0, 1.0)
