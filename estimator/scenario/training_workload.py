"""A training run as the user asks for it; a field that is None leaves the choice to the search."""

from typing import Annotated

from estimator import checks
from estimator.bounds import Ge, Le
from estimator.errors import InputError
from estimator.records import record
from estimator.scenario.workload import Tokens

METHODS = ("full", "lora", "qlora", "dora")
OPTIMIZERS = (
    "adamw",
    "adamw-8bit",
    "adamw-4bit",
    "paged-adamw",
    "paged-adamw-8bit",
    "adafactor",
    "lion",
    "muon",
    "sgd",
    "sgd-momentum",
)
PRECISIONS = ("bf16", "bf16-mixed", "bf16-master", "fp32")
"""How trained weights and their states are kept: all 16-bit; fp32 weights under autocast; 16-bit with an fp32 master
copy; all fp32."""
COMPUTES = ("bf16", "fp8", "mxfp8", "nvfp4", "fp32")
"""Number format of the matrix products."""
CHECKPOINTING = ("none", "selective", "full", "offloaded")
SHARDINGS = ("none", "zero1", "zero2", "zero3", "fsdp", "hybrid")
LOSSES = ("fused", "chunked", "plain", "upcast")
OFFLOADS = ("none", "optimizer", "parameters")
BASES = ("nf4-dq", "nf4", "int8", "fp8", "int4-gptq")
"""Formats of a quantised base under adapters."""

MOST_SEQUENCES = 65_536
"""Largest micro-batch that can be asked: bound of an input, far above what any published run uses."""


@record(frozen=True, slots=True)
class TrainingWorkload:
    """One training run over a data set: method, states, batch, and how memory may be saved."""

    method: str = "lora"
    optimizer: str = "adamw"
    optimizer_in_backward: bool = False
    """Each layer is stepped as soon as its gradient exists, so gradients never pile up."""
    precision: str | None = None
    """How trained weights and states are kept; None is the stack's own."""
    compute: str = "bf16"
    sequence_length: Tokens = 2048
    micro_batch: Annotated[int, Ge(1), Le(MOST_SEQUENCES)] | None = None
    """Sequences per device and forward pass."""
    global_batch: Annotated[int, Ge(1), Le(1_000_000)] = 16
    """Sequences per optimizer step, over all devices."""
    packing: bool = True
    mean_tokens: Tokens = 300
    """Tokens of an average sample: decides what padding wastes where samples are not packed."""
    checkpointing: str | None = None
    sharding: str | None = None
    offload: str | None = None
    loss: str | None = None
    """Loss path; None is the stack's own."""
    lora_rank: Annotated[int, Ge(1), Le(65_536)] = 16
    lora_targets: str = "all-linear"
    """Comma-separated tensor names (`q_proj,v_proj`), `attention`, `mlp` or `all-linear`."""
    base: str = "nf4-dq"
    """Format of the frozen base under QLoRA."""
    train_embeddings: bool = False
    """Embedding and head are trained whole beside the adapters."""
    dataset_tokens: Annotated[int, Ge(1), Le(10**15)] = 10_000_000
    epochs: Annotated[float, Ge(0.001), Le(10_000)] = 3.0
    framework: str = "torchtune"

    @property
    def adapters(self) -> bool:
        """Whether the base weights are frozen and only adapters are trained."""
        return self.method != "full"

    @property
    def total_tokens(self) -> float:
        """Tokens that the run trains on, over all its epochs."""
        return self.dataset_tokens * self.epochs

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one optimizer step, over all devices."""
        return self.global_batch * self.sequence_length


_CHOICES = {
    "method": METHODS,
    "optimizer": OPTIMIZERS,
    "precision": PRECISIONS,
    "compute": COMPUTES,
    "checkpointing": CHECKPOINTING,
    "sharding": SHARDINGS,
    "offload": OFFLOADS,
    "loss": LOSSES,
    "base": BASES,
}


def check(workload: TrainingWorkload) -> None:
    """Checks every field of a training run. Raises InputError for the first that is out of range or not one of its
    choices.
    """
    checks.check(workload)
    for field, choices in _CHOICES.items():
        value = getattr(workload, field)
        if value is not None and value not in choices:
            raise InputError(field, f"unknown {value!r}; one of {', '.join(choices)}")
    if workload.micro_batch is not None and workload.micro_batch > workload.global_batch:
        raise InputError("micro_batch", f"{workload.micro_batch} is more than the global batch {workload.global_batch}")
