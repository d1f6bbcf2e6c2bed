"""One run: what is trained, with which stack, laid out how."""

from typing import NamedTuple

from estimator.engines.training_constants import Framework, MemoryRules, SpeedRules, TrainingConstants
from estimator.layout import TrainingSetup
from estimator.models.architecture import Architecture
from estimator.scenario.training_workload import TrainingWorkload


class Run(NamedTuple):
    """Everything that memory and time depend on, but for the hardware."""

    architecture: Architecture
    workload: TrainingWorkload
    framework: Framework
    constants: TrainingConstants
    setup: TrainingSetup = TrainingSetup()

    @property
    def memory_rules(self) -> MemoryRules:
        return self.constants.memory

    @property
    def speed_rules(self) -> SpeedRules:
        return self.constants.speed

    @property
    def tokens(self) -> float:
        """Of a micro-batch, on one context-parallel rank."""
        return self.setup.micro_batch * self.workload.sequence_length / self.setup.cp

    def at(self, setup: TrainingSetup) -> "Run":
        """The same run, laid out so."""
        return self._replace(setup=setup)
