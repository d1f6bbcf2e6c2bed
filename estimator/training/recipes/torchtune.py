"""Recipes for torchtune, which takes overrides of a packaged configuration."""

import shlex
from collections.abc import Iterator

from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, Value

CONFIGS = {
    "llama-3.3-70b": "llama3_3/70B",
    "llama-3.2-1b": "llama3_2/1B",
    "llama-3.2-3b": "llama3_2/3B",
    "llama-3.1-405b": "llama3_1/405B",
    "llama-3.1-70b": "llama3_1/70B",
    "llama-3.1-8b": "llama3_1/8B",
    "llama-3-70b": "llama3/70B",
    "llama-3-8b": "llama3/8B",
    "llama-2-70b": "llama2/70B",
    "llama-2-13b": "llama2/13B",
    "llama-2-7b": "llama2/7B",
    "qwen2.5-7b": "qwen2_5/7B",
    "qwen2.5-32b": "qwen2_5/32B",
    "qwen2.5-72b": "qwen2_5/72B",
    "mistral-7b": "mistral/7B",
    "gemma-2-9b": "gemma2/9B",
    "gemma-2-27b": "gemma2/27B",
}
OPTIMIZERS = {
    "adamw": "torch.optim.AdamW",
    "adamw-8bit": "torchao.optim.AdamW8bit",
    "adamw-4bit": "torchao.optim.AdamW4bit",
    "paged-adamw": "bitsandbytes.optim.PagedAdamW",
    "paged-adamw-8bit": "bitsandbytes.optim.PagedAdamW8bit",
    "lion": "bitsandbytes.optim.Lion",
    "sgd": "torch.optim.SGD",
    "sgd-momentum": "torch.optim.SGD",
    "adafactor": "torch.optim.Adafactor",
    "muon": "torch.optim.Muon",
}


CPU_OFFLOAD_OPTIMIZER = "torchao.prototype.low_bit_optim.CPUOffloadOptimizer"
"""What keeps AdamW's states on the host in a recipe for one device (torchtune memory tutorial)."""
PROJECTIONS = {"q_proj": "q_proj", "k_proj": "k_proj", "v_proj": "v_proj", "output_proj": "o_proj"}
"""torchtune's name of each attention projection -> the checkpoint's."""


def write(job: TrainingJob) -> Recipe:
    """torchtune's command for one run, with every override of the packaged configuration."""
    workload, several = job.workload, _runs_distributed(job)
    settings = tuple(_settings(job))
    method = "full" if not workload.adapters else "qlora" if workload.method == "qlora" else "lora"
    config = next((name for prefix, name in CONFIGS.items() if prefix in job.model.lower()), None)
    kind = f"{'full' if method == 'full' else 'lora'}_finetune_{'distributed' if several else 'single_device'}"
    ranks = f"--nproc_per_node {job.devices_per_machine} " if several else ""
    ranks = f"{job.torchrun_options} " if job.machines > 1 else ranks
    base = f"{config}_{method}" + ("" if several else "_single_device") if config else "config.yaml"
    line = f"tune run {ranks}{kind} --config {base}"
    overrides = " \\\n  ".join(shlex.quote(f"{each.key}={_override(each.value)}") for each in settings)
    missing = () if config else (f"no packaged config for {job.model}: `tune cp` the nearest to config.yaml",)
    notes = (*missing, *job.machine_notes)
    return Recipe(file="", text="", command=f"{line} \\\n  {overrides}", settings=settings, notes=notes)


def _runs_distributed(job: TrainingJob) -> bool:
    """Whether the recipe is a distributed one: parameters are offloaded by FSDP, on a single device too."""
    return job.setup.devices > 1 or job.setup.offload == "parameters"


def _settings(job: TrainingJob) -> Iterator[Setting]:
    workload, setup = job.workload, job.setup
    several = _runs_distributed(job)
    yield Setting("batch_size", setup.micro_batch, "sequences per device and pass")
    yield job.accumulation
    yield Setting("epochs", max(round(workload.epochs), 1))
    yield Setting("tokenizer.max_seq_len", workload.sequence_length, "longest sequence")
    yield Setting("dataset.packed", workload.packing, "short samples share a sequence")
    yield Setting("enable_activation_checkpointing", setup.checkpointing != "none", "fits by it")
    yield Setting("enable_activation_offloading", setup.checkpointing == "offloaded")
    yield Setting("dtype", "fp32" if job.precision in ("fp32", "bf16-mixed") else "bf16", job.precision)
    if setup.offload == "optimizer" and not several:
        yield Setting("optimizer._component_", CPU_OFFLOAD_OPTIMIZER, "states in host memory")
    else:
        yield Setting("optimizer._component_", OPTIMIZERS[workload.optimizer])
    yield Setting("compile", True)
    if workload.adapters:
        yield from _adapters(job)
    elif workload.optimizer_in_backward and not several:
        yield Setting("optimizer_in_bwd", True, "gradients never pile up")
    if several:
        yield from _parallelism(job)
    if setup.offload != "none" and several:
        yield Setting("fsdp_cpu_offload", True, "parameters and states in host memory")


def _adapters(job: TrainingJob) -> Iterator[Setting]:
    names = job.target_names
    attention = [own for own, name in PROJECTIONS.items() if {"all-linear", "attention", name} & set(names)]
    mlp = {"all-linear", "mlp", "gate_proj", "up_proj", "down_proj"} & set(names)
    yield Setting("model.lora_rank", job.workload.lora_rank)
    yield Setting("model.lora_attn_modules", attention)
    yield Setting("model.apply_lora_to_mlp", bool(mlp))
    if job.workload.method == "dora":
        yield Setting("model.use_dora", True)


def _parallelism(job: TrainingJob) -> Iterator[Setting]:
    setup = job.setup
    if setup.sharding == "zero2":
        yield Setting("fsdp_reshard_after_forward", False, "weights stay gathered")
    if setup.sharding in ("none", "hybrid"):
        shards = setup.shards if setup.sharding == "hybrid" else 1
        yield Setting("data_parallel_shard_dim", shards)
        yield Setting("data_parallel_replicate_dim", setup.dp * setup.cp // shards)
    if setup.tp > 1:
        yield Setting("tensor_parallel_dim", setup.tp)
    if setup.cp > 1:
        yield Setting("context_parallel_dim", setup.cp, "ranks that share a sequence")


def _override(value: Value) -> str:
    """A value as torchtune's command line takes it; every text here is one of the writer's own."""
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)
