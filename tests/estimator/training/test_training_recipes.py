"""Starting configurations: what the estimate assumes is what the file says."""

import contextlib
import tomllib
from dataclasses import replace
from math import prod

import pytest
import yaml

from estimator.errors import InputError
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training.recipes import Recipe, recipe
from estimator.training.recipes.writing import Setting, lines

LLAMA = "meta-llama/Llama-3.1-8B"


def written(
    catalog, instance: str, workload: TrainingWorkload, machines: int | None = None, name: str = LLAMA
) -> Recipe:
    placement = Placement(instance=instance, machines=machines)
    scenario = Scenario(model=LLAMA, training=workload, placement=placement)
    model = replace(catalog.model(LLAMA), id=name)
    return recipe(
        model, scenario, evaluate(model, scenario, catalog.inventory, catalog.prices("us-east-1")), catalog.inventory
    )


def test_torchtune_takes_overrides_of_the_packaged_config(catalog):
    found = written(catalog, "g6.xlarge", TrainingWorkload("qlora", lora_targets="q_proj,v_proj", micro_batch=1))
    assert found.command.startswith("tune run lora_finetune_single_device --config llama3_1/8B_qlora_single_device")
    assert "'model.lora_attn_modules=[q_proj,v_proj]'" in found.command
    assert "model.apply_lora_to_mlp=False" in found.command
    assert "gradient_accumulation_steps=16" in found.command


@pytest.mark.parametrize("framework", ["axolotl", "llama-factory"])
def test_yaml_files_hold_the_batch_and_the_adapters(catalog, framework):
    workload = TrainingWorkload("qlora", lora_rank=32, lora_targets="q_proj,v_proj", framework=framework)
    found = written(catalog, "g6.12xlarge", workload)
    page = yaml.safe_load(found.text)
    assert page["lora_r" if framework == "axolotl" else "lora_rank"] == 32
    batch = page["micro_batch_size" if framework == "axolotl" else "per_device_train_batch_size"]
    assert batch * page["gradient_accumulation_steps"] * 4 == workload.global_batch
    assert (page.get("load_in_4bit") or page.get("quantization_bit")) in (True, 4)
    assert found.file in found.command


def test_torchtitan_degrees_multiply_to_the_devices(catalog):
    workload = TrainingWorkload("full", precision="bf16-mixed", sequence_length=8192, global_batch=128)
    found = written(catalog, "p5.48xlarge", replace(workload, framework="torchtitan"), machines=2)
    page = tomllib.loads(found.text)
    degrees = page["parallelism"]
    shards = degrees["data_parallel_shard_degree"] * degrees["data_parallel_replicate_degree"]
    assert shards * degrees["tensor_parallel_degree"] * degrees["context_parallel_degree"] == 16
    assert page["training"]["global_batch_size"] == 128
    assert (page["model"]["name"], page["model"]["flavor"]) == ("llama3", "8B")
    assert "--nnodes 2 --nproc_per_node 8" in found.command


def test_another_stack_gets_a_file_that_can_run_it(catalog):
    assert written(catalog, "g6.xlarge", TrainingWorkload("lora", framework="peft")).file == "axolotl.yaml"


def test_a_run_that_does_not_fit_has_no_recipe(catalog):
    with pytest.raises(InputError, match="short"):
        written(catalog, "g5.xlarge", TrainingWorkload("full", offload="none"), machines=1)


EVIL = "x\nplugins: [evil.Plugin]\ntrust_remote_code: true\nz: /Llama-3.1-8B\x1b]52;c;aGFja2Vk\x07"


@pytest.mark.parametrize("framework", ["axolotl", "llama-factory", "llama-factory-unsloth"])
def test_a_model_name_stays_one_value_of_the_yaml_file(catalog, framework):
    found = written(catalog, "g6.xlarge", TrainingWorkload("qlora", framework=framework), name=EVIL)
    page = yaml.safe_load(found.text)
    assert page["base_model" if framework == "axolotl" else "model_name_or_path"] == EVIL
    assert "trust_remote_code" not in page
    assert "\x1b" not in found.text


def test_a_model_name_stays_one_value_of_the_toml_file(catalog):
    workload = TrainingWorkload("full", framework="torchtitan")
    page = tomllib.loads(written(catalog, "p5.48xlarge", workload, name=EVIL).text)
    assert page["model"]["hf_assets_path"] == f"./assets/hf/{EVIL.rpartition('/')[2]}"
    assert set(page) == {"model", "optimizer", "training", "parallelism", "activation_checkpoint", "compile"}


def test_a_name_of_a_matrix_can_not_add_a_key(catalog):
    workload = TrainingWorkload("lora", lora_targets="q_proj,v_proj]\nplugins: [evil.Plugin", framework="axolotl")
    with contextlib.suppress(InputError):  # refused as a matrix, or written as one value
        assert "plugins" not in yaml.safe_load(written(catalog, "g6.xlarge", workload).text)


@pytest.mark.parametrize(("sharding", "config"), [("zero1", "zero1"), ("zero2", "zero2"), ("zero3", "zero3_bf16")])
def test_axolotl_names_the_packaged_deepspeed_configuration(catalog, sharding, config):
    """axolotl deepspeed_configs/: there is no zero2_bf16.json."""
    workload = TrainingWorkload("lora", sharding=sharding, framework="axolotl")
    page = yaml.safe_load(written(catalog, "g6.12xlarge", workload).text)
    assert page["deepspeed"] == f"deepspeed_configs/{config}.json"


def test_a_stack_without_a_writer_says_whose_file_it_is(catalog):
    found = written(catalog, "g6.xlarge", TrainingWorkload("lora", framework="peft"))
    assert found.notes == ("no writer for Transformers + PEFT: a starting point for Axolotl",)
    with pytest.raises(InputError, match="NeuronX"):
        written(catalog, "trn1.32xlarge", TrainingWorkload("lora"))


def test_unsloth_under_llama_factory_is_switched_on(catalog):
    workload = TrainingWorkload("qlora", framework="llama-factory-unsloth")
    assert yaml.safe_load(written(catalog, "g6.xlarge", workload).text)["use_unsloth"] is True


@pytest.mark.parametrize(
    ("offload", "expected"),
    [("optimizer", "CPUOffloadOptimizer"), ("parameters", "fsdp_cpu_offload=True")],
)
def test_torchtune_offloads_by_what_its_recipes_read(catalog, offload, expected):
    workload = TrainingWorkload("full", offload=offload)
    command = written(catalog, "g6e.4xlarge", workload, machines=1).command
    assert expected in command
    assert ("full_finetune_distributed" in command) == (offload == "parameters")


@pytest.mark.parametrize("framework", ["axolotl", "llama-factory"])
def test_a_card_without_bf16_trains_in_fp16(catalog, framework):
    page = yaml.safe_load(written(catalog, "g4dn.12xlarge", TrainingWorkload("qlora", framework=framework)).text)
    assert page["fp16"] is True
    assert "bf16" not in page


def test_dora_is_switched_on_in_each_stacks_own_words(catalog):
    run = TrainingWorkload("dora", checkpointing="offloaded", loss="fused")
    page = yaml.safe_load(written(catalog, "g6.12xlarge", replace(run, framework="axolotl")).text)
    assert page["peft_use_dora"] is True
    assert page["gradient_checkpointing"] == "offload"
    assert page["plugins"] == ["axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin"]
    page = yaml.safe_load(written(catalog, "g6.12xlarge", TrainingWorkload("dora", framework="llama-factory")).text)
    assert page["use_dora"] is True
    command = written(catalog, "g6.12xlarge", TrainingWorkload("dora")).command
    assert "model.use_dora=True" in command


def test_a_full_run_has_no_adapters(catalog):
    for framework, key in (("axolotl", "lora_r"), ("llama-factory", "lora_rank")):
        page = yaml.safe_load(written(catalog, "p5.48xlarge", TrainingWorkload("full", framework=framework)).text)
        assert key not in page


def test_a_hybrid_of_shards_and_copies_multiplies_to_the_devices(catalog):
    run = TrainingWorkload("lora", sharding="hybrid", framework="axolotl")
    page = yaml.safe_load(written(catalog, "g6.12xlarge", run, machines=2).text)
    split = page.get("tensor_parallel_size", 1) * page.get("context_parallel_size", 1)
    assert page["dp_shard_size"] * page["dp_replicate_size"] * split == 8
    assert page["fsdp_version"] == 2
    command = written(catalog, "g6.12xlarge", TrainingWorkload("full", sharding="hybrid"), machines=2).command
    degrees = dict(each.split("=") for each in command.split() if "_parallel_" in each or "_shard_dim" in each)
    assert prod(int(degree) for degree in degrees.values()) == 8
    assert {"data_parallel_shard_dim", "data_parallel_replicate_dim"} <= set(degrees)


def test_torchtune_keeps_weights_gathered_under_zero2(catalog):
    command = written(catalog, "p5.48xlarge", TrainingWorkload("full", sharding="zero2")).command
    assert "fsdp_reshard_after_forward=False" in command


def test_torchtune_steps_in_the_backward_pass_on_one_device(catalog):
    run = TrainingWorkload("full", optimizer="paged-adamw-8bit", optimizer_in_backward=True)
    command = written(catalog, "p5.4xlarge", run, machines=1).command
    assert "optimizer_in_bwd=True" in command


def test_llama_factory_shards_by_accelerate(catalog):
    run = TrainingWorkload("full", sharding="fsdp", framework="llama-factory")
    command = written(catalog, "p5.48xlarge", run).command
    assert "accelerate launch --config_file examples/accelerate/fsdp_config.yaml" in command


def test_torchtitan_quantises_every_product_but_the_heads(catalog):
    run = TrainingWorkload("full", precision="bf16-mixed", compute="fp8", global_batch=64, framework="torchtitan")
    page = tomllib.loads(written(catalog, "p5.48xlarge", run).text)
    assert page["quantize"]["linear"]["float8"]["filter_fqns"] == ["output"]


@pytest.mark.parametrize(("machines", "last"), [(2, 1), (4, 3)])
def test_machines_of_a_run_are_numbered_from_0_to_one_less_than_there_are(catalog, machines, last):
    workload = TrainingWorkload("full", global_batch=128, framework="torchtitan")
    found = written(catalog, "p5.48xlarge", workload, machines=machines)
    told = " ".join((found.text, found.command, *found.notes))
    assert f"on each of {machines} machines with NODE_RANK 0 to {last} " in told


@pytest.mark.parametrize("offload", ["none", "parameters"])
def test_torchtitan_offloads_to_the_host_only_where_the_estimate_does(catalog, offload):
    workload = TrainingWorkload("full", global_batch=128, framework="torchtitan", offload=offload)
    page = tomllib.loads(written(catalog, "p5.48xlarge", workload).text)
    assert page["training"]["enable_cpu_offload"] is (offload != "none")


def test_a_setting_is_a_line_and_says_why_where_it_has_a_reason():
    settings = (Setting("seq_len", 4096), Setting("name", "a # b", "as asked"))
    assert lines(settings) == 'seq_len: 4096\nname: "a # b"  # as asked'
    assert lines(settings, " = ") == 'seq_len = 4096\nname = "a # b"  # as asked'
