"""What a training stack runs, and where: the published matrices of the stacks."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.ranking.rank import evaluate, rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_presets import TRAINING_PRESETS
from estimator.scenario.training_workload import TrainingWorkload

LLAMA = "meta-llama/Llama-3.1-8B"


def row_on(catalog: Catalog, workload: TrainingWorkload, model: str = LLAMA, **placement: object) -> Evaluation:
    scenario = Scenario(model=model, training=workload, placement=Placement(**placement))
    return evaluate(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1"))


@pytest.mark.parametrize("instance", ["g4ad.16xlarge", "inf2.48xlarge"])
def test_a_device_that_no_stack_drives_trains_nothing(catalog, instance):
    row = row_on(catalog, TrainingWorkload("lora"), instance=instance)
    assert row.verdict == "not_supported"
    assert "no training stack" in row.reason


@pytest.mark.parametrize(
    ("framework", "method", "field", "placement", "settings"),
    [
        ("torchtitan", "lora", "train", {}, {}),  # torchtitan trains every parameter
        ("unsloth", "dora", "train", {}, {}),
        ("torchtune", "lora", "pp", {"pp": 2}, {}),
        ("peft", "lora", "tp", {"tp": 2}, {}),
        ("llama-factory", "lora", "sharding", {}, {"sharding": "zero1"}),  # examples/deepspeed: z0, z2, z3
        ("unsloth", "lora", "offload", {}, {"offload": "parameters"}),
        ("peft", "lora", "checkpointing", {}, {"checkpointing": "offloaded"}),
    ],
)
def test_a_setting_that_the_named_stack_does_not_run_is_refused(catalog, framework, method, field, placement, settings):
    workload = TrainingWorkload(method, framework=framework, **settings)
    with pytest.raises(InputError, match=field):
        row_on(catalog, workload, instance="p5.48xlarge", **placement)


@pytest.mark.parametrize("framework", ["peft", "unsloth", "torchtune", "llama-factory", "axolotl", "litgpt"])
def test_only_layouts_that_the_stack_runs_are_offered(catalog, framework):
    stack = catalog.inventory.training.frameworks[framework]
    workload = TrainingWorkload("lora", sequence_length=32_768, framework=framework)
    scenario = Scenario(model="meta-llama/Llama-3.1-70B", training=workload)
    board = rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices("us-east-1"))
    setups = [row.training.setup for row in board.rows if row.training and "trn" not in row.candidate.machine]
    assert setups
    for setup in setups:
        assert setup.sharding in stack.shardings
        assert setup.checkpointing in stack.checkpointings
        assert setup.offload in ("none", *stack.offloads)
        assert setup.tp == 1 or "tp" in stack.splits
        assert setup.cp == 1 or "cp" in stack.splits


@pytest.mark.parametrize("instance", ["g4dn.12xlarge", "p3.16xlarge"])
def test_a_stack_of_bf16_alone_does_not_train_where_there_is_none(catalog, instance):
    """torchtune takes bf16 or fp32; Turing and Volta multiply matrices in fp16, which scaled losses take."""
    row = row_on(catalog, TrainingWorkload("qlora"), instance=instance)
    assert row.verdict == "not_supported"
    assert "no bf16 matrix products" in row.reason
    assert row_on(catalog, TrainingWorkload("qlora", framework="axolotl"), instance=instance).verdict == "fits"


def test_nothing_is_offloaded_to_a_host_that_was_not_named(catalog):
    """Mixtral 8x7B, every parameter, on one A100: out of memory in foundation-model-stack/fms-acceleration."""
    workload = TrainingWorkload("full", sequence_length=4096, micro_batch=4, global_batch=4, sharding="none")
    mixtral = "mistralai/Mixtral-8x7B-Instruct-v0.1"
    row = row_on(catalog, workload, mixtral, accelerator="a100-80gb-sxm", count=1)
    assert row.verdict == "does_not_fit"
    offloaded = row_on(catalog, replace(workload, offload="parameters"), LLAMA, accelerator="a100-80gb-sxm", count=1)
    assert offloaded.training.setup.offload == "parameters"


def test_offloading_shows_in_the_setup_and_in_the_reason(catalog):
    row = row_on(catalog, TrainingWorkload("lora"), "meta-llama/Llama-3.1-70B", instance="gr6.8xlarge")
    assert str(row.training.setup) == "1 device + host"
    assert "parameters and optimizer states on the host, 133.0 GiB" in row.reason


def test_a_setup_is_written_as_its_makers_write_it(catalog):
    row = row_on(catalog, TrainingWorkload("qlora", sharding="zero2", framework="axolotl"), instance="g6.12xlarge")
    assert str(row.training.setup) == "ZeRO-2 x4"
    tp = row_on(catalog, TrainingWorkload("lora", framework="axolotl"), instance="p5.48xlarge", tp=4)
    assert str(tp.training.setup).startswith("TP4\u00b7")


@pytest.mark.parametrize("preset", [each for each in TRAINING_PRESETS if each.instance], ids=lambda each: each.name)
def test_a_preset_sets_model_machine_and_method_as_its_name_says(catalog, preset):
    scenario = preset.applied_to(Scenario())
    row = evaluate(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices("us-east-1"))
    assert preset.describes(scenario)
    size = next(word for word in preset.name.split("-") if word.endswith("b") and word[:-1].isdigit())
    assert size.upper() in scenario.model
    assert row.verdict == "fits"
    assert row.candidate.machine == preset.instance
    assert row.candidate.machines == (preset.machines or 1)


def test_a_rule_of_thumb_without_activations_names_no_largest_micro_batch(catalog):
    preset = next(each for each in TRAINING_PRESETS if each.name == "heuristic")
    row = row_on(catalog, preset.workload, instance="p5.48xlarge")
    assert row.training.notes == ()


def test_the_largest_micro_batch_can_be_asked_for(catalog):
    row = row_on(catalog, TrainingWorkload("lora", sequence_length=1, micro_batch=1), "EleutherAI/pythia-14m",
                 instance="p5.48xlarge")  # fmt: skip
    most = next(int(note.split()[-2].replace(",", "")) for note in row.training.notes if "micro-batch at" in note)
    assert most <= 65_536


def test_a_named_stack_brings_its_own_loss(catalog):
    """hiyouga/LLaMA-Factory#5545: 52k tokens run out of memory on 80 GB; a fused loss would fit."""
    workload = TrainingWorkload(
        "qlora", lora_rank=8, sequence_length=51_974, micro_batch=1, global_batch=8, sharding="none", offload="none",
        checkpointing="full", framework="llama-factory",
    )  # fmt: skip
    assert row_on(catalog, workload, accelerator="h100-sxm", count=1).verdict == "does_not_fit"
    fused = replace(workload, loss="fused")
    assert row_on(catalog, fused, accelerator="h100-sxm", count=1).verdict == "fits"


def test_what_lies_on_the_host_is_said_with_its_size(catalog):
    """Of adapters, their moments: 8 of 16 bytes in fp32."""
    adapters = TrainingWorkload("qlora", sequence_length=4096, offload="optimizer", micro_batch=1)
    row = row_on(catalog, adapters, instance="g6e.xlarge")
    beside = row_on(catalog, replace(adapters, offload="none"), instance="g6e.xlarge").training.memory
    moments = beside.adapters_bytes / 2
    assert (row.training.setup.offload, row.training.memory.host_bytes) == ("optimizer", pytest.approx(moments))
    assert row.training.memory.adapters_bytes == pytest.approx(moments)
    assert row.reason == "optimizer states on the host, 0.2 GiB for each device"
    small = row_on(catalog, replace(adapters, method="full"), "HuggingFaceTB/SmolLM2-135M", instance="g6e.xlarge")
    assert small.training.memory.host_bytes == pytest.approx(4 * 134_515_008)  # two 16-bit moments
    assert small.reason == "optimizer states on the host, 0.5 GiB for each device"
