"""Axolotl: one YAML file."""

from collections.abc import Iterator

from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, flag, yaml

OPTIMIZERS = {
    "adamw-8bit": "adamw_bnb_8bit",
    "adamw-4bit": "adamw_torch_4bit",
    "paged-adamw": "paged_adamw_32bit",
    "paged-adamw-8bit": "paged_adamw_8bit",
    "lion": "lion_32bit",
    "sgd": "sgd",
    "sgd-momentum": "sgd",
    "adafactor": "adafactor",
    "muon": "muon",
}
"""As the Transformers trainer calls them."""


def write(job: TrainingJob) -> Recipe:
    workload, setup = job.workload, job.setup
    settings = [Setting("base_model", job.model)]
    if workload.adapters:
        settings += _adapters(job)
    settings += [
        Setting("sequence_len", str(workload.sequence_length), "longest sequence"),
        Setting("sample_packing", flag(workload.packing, "yaml"), "short samples share a sequence"),
        Setting("micro_batch_size", str(setup.micro_batch), "sequences per device and pass"),
        job.accumulation,
        Setting("num_epochs", f"{workload.epochs:g}"),
        Setting("optimizer", OPTIMIZERS.get(workload.optimizer, "adamw_torch_fused")),
        Setting("bf16", "true"),
        Setting("flash_attention", "true"),
    ]
    if setup.checkpointing != "none":
        value = "offload" if setup.checkpointing == "offloaded" else "true"
        settings.append(Setting("gradient_checkpointing", value, "fits by it"))
    if workload.loss in ("fused", "chunked"):
        settings.append(
            Setting("plugins", "[axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin]", "no logits")
        )
    if setup.cp > 1:
        settings.append(Setting("context_parallel_size", str(setup.cp), "ranks that share a sequence"))
    if setup.tp > 1:
        settings.append(Setting("tensor_parallel_size", str(setup.tp)))
    if job.shards and setup.sharding in ("fsdp", "hybrid"):
        offload = flag(setup.offload != "none", "yaml")
        settings += [
            Setting("fsdp_version", "2"),
            Setting("fsdp_config", f"{{reshard_after_forward: true, offload_params: {offload}}}", "weights sharded"),
        ]
    elif job.shards:
        settings.append(Setting("deepspeed", f"deepspeed_configs/{setup.sharding}_bf16.json", "states sharded"))
    settings += [Setting("datasets", "[{path: your/dataset, type: alpaca}]"), Setting("output_dir", "./out")]
    nodes = f" --launcher torchrun -- --nnodes {job.machines} --nproc_per_node {job.devices_per_machine}" * (
        job.machines > 1
    )
    return Recipe("axolotl.yaml", yaml(settings), f"axolotl train axolotl.yaml{nodes}", tuple(settings))


def _adapters(job: TrainingJob) -> Iterator[Setting]:
    workload = job.workload
    quantised = workload.method == "qlora"
    yield Setting("adapter", "qlora" if quantised else "lora")
    if quantised:
        eight = workload.base == "int8"
        yield Setting("load_in_8bit" if eight else "load_in_4bit", "true", f"base in {workload.base}")
    yield Setting("lora_r", str(workload.lora_rank))
    yield Setting("lora_alpha", str(2 * workload.lora_rank))
    if job.target_names == ("all-linear",):
        yield Setting("lora_target_linear", "true")
    else:
        yield Setting("lora_target_modules", f"[{', '.join(job.target_names)}]")
    if workload.method == "dora":
        yield Setting("peft_use_dora", "true")
