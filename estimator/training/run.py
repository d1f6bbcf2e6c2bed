"""One training run: what is trained, with which stack, laid out how."""

from typing import NamedTuple

from estimator.engines.training_constants import Framework, MemoryRules, SpeedRules, TrainingConstants
from estimator.layout import TrainingSetup
from estimator.models.architecture import Architecture
from estimator.scenario.training_workload import TrainingWorkload


class Run(NamedTuple):
    """One training run as its memory and time depend on it, but for the hardware."""

    architecture: Architecture
    workload: TrainingWorkload
    framework: Framework
    constants: TrainingConstants
    setup: TrainingSetup = TrainingSetup()

    @property
    def precision(self) -> str:
        """How the run keeps weights and states: as asked, else as its stack does."""
        if self.setup.shards > 1 and not self.workload.adapters and not self.workload.precision:
            return sharded_precision(self.framework, self.setup.sharding)
        return precision_of(self.workload, self.framework)

    @property
    def loss(self) -> str:
        """The run's way to compute the loss: as asked, else the stack's own."""
        return self.workload.loss or self.framework.loss

    @property
    def memory_rules(self) -> MemoryRules:
        """Constants of training memory that hold in every stack."""
        return self.constants.memory

    @property
    def speed_rules(self) -> SpeedRules:
        """Constants of training speed, of all stacks and devices."""
        return self.constants.speed

    @property
    def tokens_per_micro_batch(self) -> float:
        """Tokens of a micro-batch on one context-parallel rank."""
        return self.setup.micro_batch * self.workload.sequence_length / self.setup.cp

    def with_setup(self, setup: TrainingSetup) -> "Run":
        """This run under another setup."""
        return self._replace(setup=setup)


def precision_of(workload: TrainingWorkload, framework: Framework) -> str:
    """How a stack keeps the weights of a run that does not say: a frozen base in 16 bits, trained ones its own way."""
    return workload.precision or ("bf16" if workload.adapters else framework.precision)


def sharded_precision(framework: Framework, sharding: str) -> str:
    """How a stack keeps the trained weights that a sharding divides: its own way, unless FSDP or ZeRO has another."""
    fsdp = sharding in ("fsdp", "hybrid")
    other = framework.sharded_precision if fsdp else framework.zero_precision if sharding != "none" else None
    return other or framework.precision
