"""What a published training run says in its columns and words, and what stands for what it does not say."""

from typing import Any

import pytest

from catalog.load import Catalog
from estimator.accuracy.training_cases import TrainingCase, number, training_case, whole


def case(catalog: Catalog, **row: str) -> TrainingCase:
    """A row of eight devices under axolotl, changed."""
    training = catalog.inventory.training
    assert training
    return training_case({"framework": "axolotl", "n_devices": "8"} | row, training)


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({}, {"method": "full", "optimizer": "adamw", "compute": "bf16", "base": "nf4", "lora_rank": 8}),
        ({}, {"sequence_length": 4096, "micro_batch": 1, "global_batch": 8 * 4, "train_embeddings": False}),
        ({"seq_len": "1024"}, {"micro_batch": 4, "global_batch": 4 * 8 * 4}),
        ({"seq_len": "65536"}, {"micro_batch": 1, "global_batch": 8}),
        ({"seq_len": "1024", "micro_batch": "2", "global_batch": "64"}, {"micro_batch": 2, "global_batch": 64}),
        ({"micro_batch": "16", "global_batch": "4"}, {"micro_batch": 16, "global_batch": 16}),
        ({"notes": "global batch 4 M tokens"}, {"global_batch": 1024}),
        ({"method": "lora", "case_id": "x-rank64"}, {"method": "lora", "lora_rank": 64}),
        ({"method": "lora", "lora_r": "32", "case_id": "x-rank64"}, {"lora_rank": 32}),
        ({"method": "lora", "dtype": "nf4"}, {"method": "qlora"}),
        ({"method": "lora", "dtype": "int8 base"}, {"method": "qlora", "base": "int8"}),
        ({"method": "QLoRA", "dtype": "nf4-dq"}, {"method": "qlora", "base": "nf4-dq"}),
        ({"method": "qlora", "dtype": "gptq"}, {"method": "qlora", "base": "int4-gptq"}),
        ({"method": "lora", "case_id": "axo-dora-1"}, {"method": "dora"}),
        ({"method": "full", "dtype": "int4"}, {"method": "full"}),
        ({"method": "sft"}, {"method": "full"}),
        ({"case_id": "llama (emb)"}, {"train_embeddings": True}),
        ({"notes": "trains embedding and head"}, {"train_embeddings": True}),
        ({"dtype": "fp8-mx"}, {"compute": "mxfp8"}),
        ({"dtype": "nvfp4"}, {"compute": "nvfp4"}),
        ({"dtype": "bf16 + fp8"}, {"compute": "fp8"}),
        ({"dtype": "fp32"}, {"compute": "fp32", "precision": "fp32"}),
        ({"dtype": "pure bf16"}, {"precision": "bf16"}),
        ({"dtype": "bf16-mixed"}, {"precision": "bf16-mixed"}),
        ({"optimizer": "AdamW, bf16 states", "framework": "megatron"}, {"precision": "bf16"}),
        ({"framework": "megatron"}, {"precision": "bf16-master"}),
        ({"framework": "megatron", "method": "lora"}, {"precision": "bf16"}),
        ({"framework": "trl", "dp_zero": "fsdp", "notes": "autocast"}, {"precision": "bf16-mixed"}),
        ({"framework": "trl", "dp_zero": "ddp", "notes": "autocast"}, {"precision": "bf16"}),
        ({"fused_ce": "no"}, {"loss": "plain"}),
        ({"fused_ce": "liger"}, {"loss": "fused"}),
        ({"fused_ce": "chunked"}, {"loss": "chunked"}),
        ({"fused_ce": "unknown", "framework": "torchtune"}, {"loss": "chunked"}),
        ({"lora_targets": "q_proj, v_proj (attention)"}, {"lora_targets": "q_proj, v_proj"}),
        ({"lora_targets": "all linear; none else"}, {"lora_targets": "all-linear"}),
        ({"case_id": "x-target-mlp"}, {"lora_targets": "gate_proj,up_proj,down_proj"}),
        ({"method": "adapterv2"}, {"lora_targets": "all-linear", "method": "lora"}),
    ],
)
def test_a_row_is_asked_as_it_says(catalog: Catalog, row: dict[str, str], fields: dict[str, Any]) -> None:
    workload = case(catalog, **row).workload
    assert {name: getattr(workload, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "optimizer", "in_backward"),
    [
        ("AdamW", "adamw", False),
        ("paged_adamw_8bit", "paged-adamw-8bit", False),
        ("AdamW 4-bit", "adamw-4bit", False),
        ("paged AdamW 4bit", "adamw", False),
        ("Adafactor in backward", "adafactor", True),
        ("Lion", "lion", False),
        ("Muon", "muon", False),
        ("SGD momentum", "sgd-momentum", False),
        ("SGD", "sgd", False),
        ("LOMO", "sgd", True),
        ("", "adamw", False),
    ],
)
def test_optimizers_by_their_usual_spellings(catalog: Catalog, text: str, optimizer: str, in_backward: bool) -> None:
    workload = case(catalog, optimizer=text).workload
    assert (workload.optimizer, workload.optimizer_in_backward) == (optimizer, in_backward)


@pytest.mark.parametrize(
    ("row", "degrees"),
    [
        ({}, (1, 1, 1, 8)),
        ({"n_devices": ""}, (1, 1, 1, 1)),
        ({"tp": "4", "pp": "2"}, (4, 2, 1, 1)),
        ({"n_devices": "64", "tp": "4", "dp_zero": "cp=2"}, (4, 1, 2, 8)),
        ({"tp": "16"}, (16, 1, 1, 1)),
        ({"framework": "neuronx", "tp": "8"}, (4, 1, 1, 2)),
        ({"framework": "neuronx", "tp": "1"}, (1, 1, 1, 8)),
    ],
)
def test_what_tensors_pipelines_and_contexts_leave_is_data_parallel(
    catalog: Catalog, row: dict[str, str], degrees: tuple[int, int, int, int]
) -> None:
    """Sources of Neuron count two cores to a chip in their tensor parallelism."""
    setup = case(catalog, **row).setup
    assert (setup.tp, setup.pp, setup.cp, setup.dp) == degrees


@pytest.mark.parametrize(
    ("row", "sharding", "group"),
    [
        ({"n_devices": "1", "dp_zero": "zero3"}, "none", 0),
        ({"dp_zero": "ZeRO-2"}, "zero2", 0),
        ({"dp_zero": "zero1=4"}, "zero1", 4),
        ({"dp_zero": "zero1=8"}, "zero1", 0),
        ({"dp_zero": "SHARD_GRAD_OP"}, "zero2", 0),
        ({"dp_zero": "hybrid"}, "hybrid", 8),
        ({"n_devices": "4", "dp_zero": "hybrid"}, "hybrid", 4),
        ({"dp_zero": "FULL_SHARD"}, "fsdp", 0),
        ({"dp_zero": "fsdp=8"}, "fsdp", 0),
        ({"dp_zero": "fsdp=1;cp=8"}, "fsdp", 0),
        ({"dp_zero": "FSDP2"}, "fsdp", 0),
        ({"dp_zero": "DDP"}, "none", 0),
        ({"dp_zero": "replicated"}, "none", 0),
        ({"framework": "torchtitan"}, "fsdp", 0),
        ({}, "zero3", 0),
        ({"method": "lora"}, "none", 0),
    ],
)
def test_sharding_is_what_is_named_else_what_the_stack_does(
    catalog: Catalog, row: dict[str, str], sharding: str, group: int
) -> None:
    setup = case(catalog, **row).setup
    assert (setup.sharding, setup.shard_group) == (sharding, group)


@pytest.mark.parametrize(
    ("row", "checkpointing"),
    [
        ({"grad_ckpt": "offload to CPU"}, "offloaded"),
        ({"grad_ckpt": "unsloth"}, "offloaded"),
        ({"grad_ckpt": "none"}, "none"),
        ({"grad_ckpt": "selective", "framework": "torchtitan"}, "selective"),
        ({"grad_ckpt": "selective", "framework": "megatron"}, "none"),
        ({"grad_ckpt": "full"}, "full"),
        ({"grad_ckpt": "full", "framework": "unsloth"}, "offloaded"),
        ({"framework": "litgpt", "dp_zero": "ddp"}, "none"),
        ({"framework": "litgpt", "dp_zero": "fsdp"}, "full"),
    ],
)
def test_checkpointing_is_what_is_named_else_the_stacks_own(
    catalog: Catalog, row: dict[str, str], checkpointing: str
) -> None:
    assert case(catalog, **row).setup.checkpointing == checkpointing


@pytest.mark.parametrize(
    ("row", "offload"),
    [
        ({}, "none"),
        ({"dp_zero": "zero3 CPU offload"}, "parameters"),
        ({"dp_zero": "zero3 offload with cpu adamw"}, "optimizer"),
        ({"notes": "optimizer offload", "framework": "megatron"}, "optimizer"),
    ],
)
def test_what_moves_to_the_host_is_named(catalog: Catalog, row: dict[str, str], offload: str) -> None:
    assert case(catalog, **row).setup.offload == offload


def test_accumulation_is_what_the_global_batch_leaves(catalog: Catalog) -> None:
    assert case(catalog, micro_batch="2", global_batch="64").setup.accumulation == 4
    assert case(catalog, micro_batch="16", global_batch="16").setup.accumulation == 1


def test_a_stack_that_is_not_known_is_the_generic_one(catalog: Catalog) -> None:
    unknown, known = case(catalog, framework="home-made"), case(catalog)
    assert (unknown.framework.id, unknown.known_framework) == ("generic", False)
    assert (known.framework.id, known.known_framework) == ("axolotl", True)


@pytest.mark.parametrize(("text", "parameters"), [("70.6", 70.6e9), ("", None), ("0", None), ("-1", None)])
def test_parameters_are_stated_in_billions(catalog: Catalog, text: str, parameters: float | None) -> None:
    stated = case(catalog, params_b=text).parameters
    assert stated == (parameters and pytest.approx(parameters))


@pytest.mark.parametrize(
    ("text", "value", "count"),
    [("1,024", 1024, 1024), ("1.6", 1.6, 2), ("0.9", 0.9, None), (" 3 ", 3, 3), ("-2", -2, None), ("2e3", 2000, 2000),
     ("1e31", None, None), ("x", None, None), ("", None, None), ("1", 1, 1)],
)  # fmt: skip
def test_a_field_is_a_number_or_nothing(text: str, value: float | None, count: int | None) -> None:
    assert number({"n": text}, "n") == value
    assert whole({"n": text}, "n") == count
    assert number({"n": "3"}, "n", 1e9) == 3e9
    assert number({}, "n") is whole({}, "n") is None
