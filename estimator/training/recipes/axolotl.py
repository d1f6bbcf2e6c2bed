"""Recipes for Axolotl, which takes one YAML file."""

from collections.abc import Iterator

from estimator.layout import TrainingSetup
from estimator.training.recipes.transformers_trainer import OPTIMIZERS
from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, lines

CUT_CROSS_ENTROPY = "axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin"
ZERO_CONFIGS = {"zero1": "zero1", "zero2": "zero2", "zero3": "zero3_bf16"}
"""Packaged DeepSpeed configuration of each stage (axolotl deepspeed_configs/)."""


def write(job: TrainingJob) -> Recipe:
    """Axolotl's configuration of one run, and the command that starts it on every machine."""
    settings = list(_settings(job))
    ranks = f" --launcher torchrun -- {job.torchrun_options}"
    command = "axolotl train axolotl.yaml" + (ranks if job.machines > 1 else "")
    return Recipe(
        file="axolotl.yaml", text=lines(settings), command=command, settings=tuple(settings), notes=job.machine_notes
    )


def _settings(job: TrainingJob) -> Iterator[Setting]:
    workload, setup = job.workload, job.setup
    yield Setting("base_model", job.model)
    if workload.adapters:
        yield from _adapters(job)
    yield Setting("sequence_len", workload.sequence_length, "longest sequence")
    yield Setting("sample_packing", workload.packing, "short samples share a sequence")
    yield Setting("micro_batch_size", setup.micro_batch, "sequences per device and pass")
    yield job.accumulation
    yield Setting("num_epochs", workload.epochs)
    yield Setting("optimizer", OPTIMIZERS[workload.optimizer])
    yield Setting(job.number_format, True)
    yield Setting("flash_attention", True)
    if setup.checkpointing == "offloaded":
        yield Setting("gradient_checkpointing", "offload", "fits by it")
    elif setup.checkpointing != "none":
        yield Setting("gradient_checkpointing", True, "fits by it")
    if job.fused_loss:
        yield Setting("plugins", [CUT_CROSS_ENTROPY], "no logits")
    yield from _parallelism(setup)
    if job.shards:
        yield from _sharding(setup)
    yield Setting("datasets", [{"path": "your/dataset", "type": "alpaca"}])
    yield Setting("output_dir", "./out")


def _adapters(job: TrainingJob) -> Iterator[Setting]:
    workload = job.workload
    quantised = workload.method == "qlora"
    yield Setting("adapter", "qlora" if quantised else "lora")
    if quantised:
        eight = workload.base == "int8"
        yield Setting("load_in_8bit" if eight else "load_in_4bit", True, f"base in {workload.base}")
    yield Setting("lora_r", workload.lora_rank)
    yield Setting("lora_alpha", 2 * workload.lora_rank)
    if job.target_names == ("all-linear",):
        yield Setting("lora_target_linear", True)
    else:
        yield Setting("lora_target_modules", job.target_names)
    if workload.method == "dora":
        yield Setting("peft_use_dora", True)


def _parallelism(setup: TrainingSetup) -> Iterator[Setting]:
    if setup.cp > 1:
        yield Setting("context_parallel_size", setup.cp, "ranks that share a sequence")
    if setup.tp > 1:
        yield Setting("tensor_parallel_size", setup.tp)
    if setup.ep > 1:
        yield Setting("expert_parallel_size", setup.ep)


def _sharding(setup: TrainingSetup) -> Iterator[Setting]:
    if setup.sharding in ZERO_CONFIGS:
        name = ZERO_CONFIGS[setup.sharding] + ("_cpuoffload_all" if setup.offload != "none" else "")
        yield Setting("deepspeed", f"deepspeed_configs/{name}.json", "states sharded")
        return
    if setup.sharding == "hybrid":
        yield Setting("dp_shard_size", setup.shards, "weights sharded inside a machine")
        yield Setting("dp_replicate_size", setup.dp * setup.cp // setup.shards, "and copied to the others")
    yield Setting("fsdp_version", 2)
    fsdp = {"reshard_after_forward": True, "offload_params": setup.offload != "none"}
    yield Setting("fsdp_config", fsdp, "weights sharded")
