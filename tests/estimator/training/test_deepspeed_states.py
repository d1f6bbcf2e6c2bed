"""How stacks keep what they train: DeepSpeed's fp32 copies under ZeRO, and Megatron-LM's fp32 gradients."""

import pytest

from catalog.load import Catalog
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import memory
from estimator.training.resident import ResidentMemory
from estimator.training.run import Run

PARAMETERS = 7.6156e9
"""Qwen2.5-7B."""


def run_of(catalog: Catalog, framework: str, setup: TrainingSetup, **workload: object) -> Run:
    constants = catalog.inventory.training
    assert constants is not None
    return Run(
        architecture=catalog.model("Qwen/Qwen2.5-7B-Instruct").architecture,
        workload=TrainingWorkload(**({"method": "full"} | workload)),  # type: ignore[arg-type]
        framework=constants.frameworks[framework],
        constants=constants,
        setup=setup,
    )


def resident_of(catalog: Catalog, framework: str, setup: TrainingSetup) -> ResidentMemory:
    return memory.peak_memory(run_of(catalog, framework, setup)).resident


@pytest.mark.parametrize(("sharding", "weights"), [("zero1", 1.0), ("zero2", 1.0), ("zero3", 0.25)])
def test_zero_keeps_fp32_copies_of_16_bit_weights(catalog: Catalog, sharding: str, weights: float) -> None:
    resident = resident_of(catalog, "peft", TrainingSetup(dp=4, sharding=sharding))
    assert resident.weights_bytes == pytest.approx(2 * PARAMETERS * weights, rel=0.01)
    assert resident.optimizer_bytes == pytest.approx(12 * PARAMETERS / 4, rel=0.01)
    assert resident.copies_bytes == 0  # a fused Adam steps in place


def test_one_device_and_adapters_are_as_they_were(catalog: Catalog) -> None:
    alone = resident_of(catalog, "peft", TrainingSetup())
    assert alone.optimizer_bytes == pytest.approx(4 * PARAMETERS, rel=0.01)
    assert alone.copies_bytes > 0
    adapters = run_of(catalog, "peft", TrainingSetup(dp=4, sharding="zero3"), method="lora")
    assert adapters.precision == "bf16"


def test_a_precision_that_is_asked_for_stands(catalog: Catalog) -> None:
    asked = run_of(catalog, "peft", TrainingSetup(dp=4, sharding="zero3"), precision="bf16")
    assert asked.precision == "bf16"


def test_megatron_lm_sums_gradients_in_fp32(catalog: Catalog) -> None:
    setup = TrainingSetup(dp=2, tp=4, sharding="zero1")
    lm, nemo = (resident_of(catalog, name, setup) for name in ("megatron-lm", "megatron"))
    assert lm.gradients_bytes == pytest.approx(2 * nemo.gradients_bytes)
    assert lm.optimizer_bytes == nemo.optimizer_bytes
