"""What a recipe is, and what every writer needs."""

from typing import NamedTuple

from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.lora import target_names


class Setting(NamedTuple):
    """One key of the file, its value as written, and where it comes from."""

    key: str
    value: str
    why: str = ""


class Recipe(NamedTuple):
    """A file, the command that takes it, and what must be true before it runs."""

    file: str
    text: str
    command: str
    settings: tuple[Setting, ...]
    notes: tuple[str, ...] = ()


class TrainingJob(NamedTuple):
    """One run with its setup, as every writer of recipes needs it."""

    model: str
    workload: TrainingWorkload
    setup: TrainingSetup
    devices_per_machine: int
    machines: int

    @property
    def accumulation(self) -> Setting:
        why = f"{self.workload.global_batch} sequences a step over {self.setup.dp} ranks of {self.setup.micro_batch}"
        return Setting("gradient_accumulation_steps", str(self.setup.accumulation), why)

    @property
    def target_names(self) -> tuple[str, ...]:
        return target_names(self.workload.lora_targets)

    @property
    def shards(self) -> bool:
        return self.setup.sharding != "none" and self.setup.dp > 1


def flag(value: bool, style: str = "python") -> str:
    return str(value) if style == "python" else str(value).lower()


def yaml(settings: list[Setting]) -> str:
    return lines(settings, ": ")


def lines(settings: list[Setting], between: str) -> str:
    return "\n".join(f"{key}{between}{value}" + (f"  # {why}" if why else "") for key, value, why in settings)
