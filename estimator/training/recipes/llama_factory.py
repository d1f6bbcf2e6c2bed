"""Recipes for LLaMA-Factory, which takes one YAML file."""

from collections.abc import Iterator

from estimator.training.recipes.transformers_trainer import OPTIMIZERS
from estimator.training.recipes.writing import HEAD_PORT, Recipe, Setting, TrainingJob, lines

ZERO_STAGES = {"zero2": "2", "zero3": "3"}
"""Stages that LLaMA-Factory packages a configuration of (examples/deepspeed)."""


def write(job: TrainingJob) -> Recipe:
    """LLaMA-Factory's configuration of one run, and the command that starts it on every machine."""
    settings = list(_settings(job))
    meeting = f'NODE_RANK="$NODE_RANK" MASTER_ADDR="$HEAD_ADDRESS" MASTER_PORT={HEAD_PORT}'
    nodes = f"FORCE_TORCHRUN=1 NNODES={job.machines} {meeting} " if job.machines > 1 else ""
    command = f"{nodes}llamafactory-cli train train.yaml"
    if job.shards and job.setup.sharding not in ZERO_STAGES:
        offload = "_offload" if job.setup.offload != "none" else ""
        launch = f"accelerate launch --config_file examples/accelerate/fsdp_config{offload}.yaml"
        ranks = f"--num_processes {job.setup.devices} --num_machines {job.machines}"
        if job.machines > 1:
            rank = '--machine_rank "$NODE_RANK" --main_process_ip "$HEAD_ADDRESS"'
            ranks += f" {rank} --main_process_port {HEAD_PORT}"
        command = f"{launch} {ranks} src/train.py train.yaml"
    return Recipe(
        file="train.yaml", text=lines(settings), command=command, settings=tuple(settings), notes=job.machine_notes
    )


def _settings(job: TrainingJob) -> Iterator[Setting]:
    workload, setup = job.workload, job.setup
    yield Setting("model_name_or_path", job.model)
    yield Setting("stage", "sft")
    yield Setting("do_train", True)
    yield Setting("finetuning_type", "lora" if workload.adapters else "full")
    if workload.adapters:
        yield from _adapters(job)
    yield Setting("dataset", "alpaca_en_demo")
    yield Setting("template", "default")
    yield Setting("cutoff_len", workload.sequence_length, "longest sequence")
    yield Setting("packing", workload.packing, "short samples share a sequence")
    yield Setting("per_device_train_batch_size", setup.micro_batch, "sequences per device and pass")
    yield job.accumulation
    yield Setting("num_train_epochs", workload.epochs)
    yield Setting("optim", OPTIMIZERS[workload.optimizer])
    pure = job.precision == "bf16" and job.number_format == "bf16" and not workload.adapters
    yield Setting("pure_bf16" if pure else job.number_format, True, job.precision)
    yield Setting("disable_gradient_checkpointing", setup.checkpointing == "none")
    yield Setting("enable_liger_kernel", job.fused_loss, "no logits")
    yield Setting("flash_attn", "fa2")
    if job.shards and setup.sharding in ZERO_STAGES:
        offload = "_offload" if setup.offload != "none" else ""
        config = f"examples/deepspeed/ds_z{ZERO_STAGES[setup.sharding]}{offload}_config.json"
        yield Setting("deepspeed", config, "states sharded")
    yield Setting("output_dir", "./out")


def _adapters(job: TrainingJob) -> Iterator[Setting]:
    workload = job.workload
    yield Setting("lora_rank", workload.lora_rank)
    yield Setting("lora_target", "all" if job.target_names == ("all-linear",) else ",".join(job.target_names))
    if workload.method == "dora":
        yield Setting("use_dora", True)
    if workload.method == "qlora":
        yield Setting("quantization_bit", 8 if workload.base == "int8" else 4, f"base in {workload.base}")
        yield Setting("double_quantization", workload.base == "nf4-dq")
