"""torchtune: overrides of a packaged configuration."""

import shlex

from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, flag

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


def write(job: TrainingJob) -> Recipe:
    workload, setup = job.workload, job.setup
    several = setup.devices > 1
    settings = [
        Setting("batch_size", str(setup.micro_batch), "sequences per device and pass"),
        job.accumulation,
        Setting("epochs", f"{max(round(workload.epochs), 1)}"),
        Setting("tokenizer.max_seq_len", str(workload.sequence_length), "longest sequence"),
        Setting("dataset.packed", flag(workload.packing), "short samples share a sequence"),
        Setting("enable_activation_checkpointing", flag(setup.checkpointing != "none"), "fits by it"),
        Setting("enable_activation_offloading", flag(setup.checkpointing == "offloaded")),
        Setting("dtype", "fp32" if workload.precision in ("fp32", "bf16-mixed") else "bf16", workload.precision),
        Setting("optimizer._component_", OPTIMIZERS.get(workload.optimizer, "torch.optim.AdamW")),
        Setting("compile", "True"),
    ]
    if workload.adapters:
        attention = [name for name in ("q_proj", "k_proj", "v_proj", "output_proj") if _attends(job.target_names, name)]
        mlp = any(name in ("all-linear", "mlp", "gate_proj", "up_proj", "down_proj") for name in job.target_names)
        settings += [
            Setting("model.lora_rank", str(workload.lora_rank)),
            Setting("model.lora_attn_modules", f"[{','.join(attention)}]"),
            Setting("model.apply_lora_to_mlp", flag(mlp)),
        ]
        if workload.method == "dora":
            settings.append(Setting("model.use_dora", "True"))
    elif workload.optimizer_in_backward and not several:
        settings.append(Setting("optimizer_in_bwd", "True", "gradients never pile up"))
    if setup.offload == "parameters":
        settings.append(Setting("fsdp_cpu_offload", "True", "parameters and states in host memory"))
    method = "full" if not workload.adapters else "qlora" if workload.method == "qlora" else "lora"
    config = next((name for prefix, name in CONFIGS.items() if prefix in job.model.lower()), None)
    kind = f"{'full' if method == 'full' else 'lora'}_finetune_{'distributed' if several else 'single_device'}"
    ranks = f"--nnodes {job.machines} " * (job.machines > 1) + f"--nproc_per_node {job.devices_per_machine} " * several
    base = f"{config}_{method}" + ("" if several else "_single_device") if config else "config.yaml"
    line = f"tune run {ranks}{kind} --config {base}"
    overrides = " \\\n  ".join(shlex.quote(f"{each.key}={each.value}") for each in settings)
    notes = () if config else (f"no packaged config for {job.model}: `tune cp` the nearest to config.yaml",)
    return Recipe("", "", f"{line} \\\n  {overrides}", tuple(settings), notes)


def _attends(names: tuple[str, ...], projection: str) -> bool:
    own = {"output_proj": "o_proj"}.get(projection, projection)
    return any(name in ("all-linear", "attention", own) for name in names)
