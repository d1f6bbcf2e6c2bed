"""Presets of training runs: model, machine and method as their names say."""

from dataclasses import replace
from typing import NamedTuple

from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload

LLAMA_8B = "meta-llama/Llama-3.1-8B"
LLAMA_70B = "meta-llama/Llama-3.1-70B"


class TrainingPreset(NamedTuple):
    """A named run, and where it is put; a model or machine that is None stays as it is."""

    name: str
    title: str
    workload: TrainingWorkload
    model: str | None = None
    instance: str | None = None
    machines: int | None = None

    def applied_to(self, scenario: Scenario) -> Scenario:
        """The scenario training this preset's run on the machine that it names; region and price terms stay."""
        place = Placement(instance=self.instance, machines=self.machines) if self.instance else scenario.placement
        return replace(
            scenario,
            model=self.model or scenario.model,
            training=self.workload,
            placement=place,
            deployment="cloud" if self.instance else scenario.deployment,
        )

    def describes(self, scenario: Scenario) -> bool:
        """Whether a scenario still asks exactly what this preset does."""
        return self.applied_to(scenario) == scenario


TRAINING_PRESETS = (
    TrainingPreset(
        name="lora-8b-24gb",
        title="adapters of an 8B model on one 24 GB card",
        workload=TrainingWorkload("lora", sequence_length=2048, micro_batch=1, checkpointing="full"),
        model=LLAMA_8B,
        instance="g6.xlarge",
    ),
    TrainingPreset(
        name="qlora-70b-80gb",
        title="adapters over a 4-bit 70B model on one 80 GB card",
        workload=TrainingWorkload("qlora", sequence_length=2048, micro_batch=1, checkpointing="full"),
        model=LLAMA_70B,
        instance="p5.4xlarge",
    ),
    TrainingPreset(
        name="full-8b-8xh100",
        title="every parameter of an 8B model on eight H100",
        workload=TrainingWorkload(
            "full",
            precision="bf16-mixed",
            sequence_length=8192,
            global_batch=128,
            sharding="fsdp",
            framework="torchtitan",
        ),
        model=LLAMA_8B,
        instance="p5.48xlarge",
    ),
    TrainingPreset(
        name="pretrain-70b-8-machines",
        title="10 billion tokens into a 70B model on eight machines of eight H100",
        workload=TrainingWorkload(
            "full",
            precision="bf16-mixed",
            sequence_length=8192,
            global_batch=512,
            sharding="fsdp",
            dataset_tokens=10_000_000_000,
            epochs=1.0,
            framework="torchtitan",
        ),
        model=LLAMA_70B,
        instance="p5.48xlarge",
        machines=8,
    ),
    TrainingPreset(
        name="heuristic",
        title="the rule of thumb of early calculators: 16 bytes a parameter",
        workload=TrainingWorkload("full", precision="fp32", micro_batch=1, checkpointing="none", framework="heuristic"),
    ),
)
"""Starting points of the workload form."""
