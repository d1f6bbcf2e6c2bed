"""What a recipe is, what every writer needs, and how a value is written so that it stays one value."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from estimator.engines.training_constants import Framework
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.lora import target_names
from estimator.training.run import precision_of
from estimator.units import quantity

HEAD_PORT = 29_500
"""Port on which the machines of a run meet; torchrun's own default."""
Value = str | int | float | bool | Sequence[str] | Sequence[dict[str, str]] | dict[str, bool]


class Setting(NamedTuple):
    """One key of a training configuration, its value, and where the value comes from."""

    key: str
    value: Value
    why: str = ""

    @property
    def text(self) -> str:
        """The setting's value in JSON, which YAML and TOML read alike: whatever a name holds, it stays one value on one
        line.
        """
        return json.dumps(self.value)


class Recipe(NamedTuple):
    """A training configuration as a file, the command that takes it, and what must be true before it runs."""

    file: str
    text: str
    command: str
    settings: tuple[Setting, ...]
    notes: tuple[str, ...] = ()


class TrainingJob(NamedTuple):
    """One training run with its stack and setup, as every writer of recipes needs it."""

    model: str
    workload: TrainingWorkload
    framework: Framework
    setup: TrainingSetup
    machines: int
    number_format: str
    """16-bit format of the products: bf16 or fp16."""

    @property
    def devices_per_machine(self) -> int:
        """Number of ranks that one machine of the run starts."""
        return max(self.setup.devices // self.machines, 1)

    @property
    def torchrun_options(self) -> str:
        """How many ranks torchrun starts, and where machines meet: NODE_RANK and HEAD_ADDRESS are set on each."""
        options = f"--nnodes {self.machines} --nproc_per_node {self.devices_per_machine}"
        meeting = f'--node_rank "$NODE_RANK" --master_addr "$HEAD_ADDRESS" --master_port {HEAD_PORT}'
        return f"{options} {meeting}" if self.machines > 1 else options

    @property
    def machine_notes(self) -> tuple[str, ...]:
        """What must be set where a run takes several machines."""
        if self.machines <= 1:
            return ()
        last = self.machines - 1
        return (f"run it on each of {self.machines} machines with NODE_RANK 0 to {last} and the first's HEAD_ADDRESS",)

    @property
    def precision(self) -> str:
        """How the run keeps weights and states: as asked, else as the stack does."""
        return precision_of(self.workload, self.framework)

    @property
    def fused_loss(self) -> bool:
        """Whether the run's loss is computed without ever holding all logits."""
        return (self.workload.loss or self.framework.loss) in ("fused", "chunked")

    @property
    def accumulation(self) -> Setting:
        """Number of micro-batches in one optimizer step."""
        ranks = quantity(self.setup.dp, "rank")
        why = f"{self.workload.global_batch} sequences a step over {ranks} of {self.setup.micro_batch}"
        return Setting("gradient_accumulation_steps", self.setup.accumulation, why)

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the matrices that take adapters, as the checkpoint spells them."""
        return target_names(self.workload.lora_targets)

    @property
    def shards(self) -> bool:
        """Whether the run divides any of its states over data-parallel ranks."""
        return self.setup.sharding != "none" and self.setup.dp > 1


def lines(settings: Sequence[Setting], between: str = ": ") -> str:
    """Settings of a configuration as lines of YAML, or of TOML where ` = ` stands between key and value."""
    return "\n".join(f"{each.key}{between}{each.text}" + (f"  # {each.why}" if each.why else "") for each in settings)
