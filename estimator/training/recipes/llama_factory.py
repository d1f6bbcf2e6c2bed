"""LLaMA-Factory: one YAML file."""

from estimator.training.recipes.axolotl import OPTIMIZERS
from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, flag, yaml


def write(job: TrainingJob) -> Recipe:
    workload, setup = job.workload, job.setup
    settings = [
        Setting("model_name_or_path", job.model),
        Setting("stage", "sft"),
        Setting("do_train", "true"),
        Setting("finetuning_type", "lora" if workload.adapters else "full"),
    ]
    if workload.adapters:
        targets = "all" if job.target_names == ("all-linear",) else ",".join(job.target_names)
        settings += [Setting("lora_rank", str(workload.lora_rank)), Setting("lora_target", targets)]
    if workload.method == "dora":
        settings.append(Setting("use_dora", "true"))
    if workload.method == "qlora":
        settings.append(
            Setting("quantization_bit", "8" if workload.base == "int8" else "4", f"base in {workload.base}")
        )
        settings.append(Setting("double_quantization", flag(workload.base == "nf4-dq", "yaml")))
    settings += [
        Setting("dataset", "alpaca_en_demo"),
        Setting("template", "default"),
        Setting("cutoff_len", str(workload.sequence_length), "longest sequence"),
        Setting("packing", flag(workload.packing, "yaml"), "short samples share a sequence"),
        Setting("per_device_train_batch_size", str(setup.micro_batch), "sequences per device and pass"),
        job.accumulation,
        Setting("num_train_epochs", f"{workload.epochs:g}"),
        Setting("optim", OPTIMIZERS.get(workload.optimizer, "adamw_torch_fused")),
        Setting(
            "bf16" if workload.precision != "bf16" or workload.adapters else "pure_bf16", "true", workload.precision
        ),
        Setting("disable_gradient_checkpointing", flag(setup.checkpointing == "none", "yaml")),
        Setting("enable_liger_kernel", flag(workload.loss in ("fused", "chunked"), "yaml"), "no logits"),
        Setting("flash_attn", "fa2"),
    ]
    if workload.framework == "llama-factory-unsloth":
        settings.append(Setting("use_unsloth", "true"))
    if job.shards:
        stage = {"zero1": "0", "zero2": "2"}.get(setup.sharding, "3")
        offload = "_offload" if setup.offload != "none" else ""
        settings.append(Setting("deepspeed", f"examples/deepspeed/ds_z{stage}{offload}_config.json", "states sharded"))
    settings.append(Setting("output_dir", "./out"))
    nodes = f"FORCE_TORCHRUN=1 NNODES={job.machines} " * (job.machines > 1)
    return Recipe("train.yaml", yaml(settings), f"{nodes}llamafactory-cli train train.yaml", tuple(settings))
