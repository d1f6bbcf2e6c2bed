"""torchtitan: one TOML file, for training every parameter."""

import re

from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, flag, lines

CHECKPOINTING = {"none": "none", "selective": "selective", "full": "full", "offloaded": "full"}


def write(job: TrainingJob) -> Recipe:
    workload, setup = job.workload, job.setup
    steps = max(round(workload.total_tokens / workload.tokens_per_step), 1)
    replicas = setup.dp // setup.shards * setup.cp if setup.sharding == "hybrid" and setup.shard_group else 1
    sections = {
        "model": [
            Setting("name", f'"{_family(job.model)}"'),
            Setting("flavor", f'"{_size(job.model)}"'),
            Setting("hf_assets_path", f'"./assets/hf/{job.model.rpartition("/")[2]}"'),
        ],
        "optimizer": [Setting("name", '"AdamW"')],
        "training": [
            Setting("local_batch_size", str(setup.micro_batch), "sequences per device and pass"),
            Setting("global_batch_size", str(workload.global_batch), "sequences per step"),
            Setting("seq_len", str(workload.sequence_length)),
            Setting("steps", str(steps), f"{workload.total_tokens:,.0f} tokens"),
            Setting("enable_cpu_offload", flag(setup.offload != "none", "yaml")),
        ],
        "parallelism": [
            Setting("data_parallel_shard_degree", str(setup.dp // replicas if job.shards else 1), "weights sharded"),
            Setting("data_parallel_replicate_degree", str(replicas if job.shards else setup.dp)),
            Setting("tensor_parallel_degree", str(setup.tp)),
            Setting("context_parallel_degree", str(setup.cp), "ranks that share a sequence"),
            Setting("pipeline_parallel_degree", str(setup.pp)),
        ],
        "activation_checkpoint": [Setting("mode", f'"{CHECKPOINTING[setup.checkpointing]}"', "fits by it")],
        "compile": [Setting("enable", "true")],
    }
    if workload.compute in ("fp8", "mxfp8"):
        quantised = "float8" if workload.compute == "fp8" else "mx"
        sections[f"quantize.linear.{quantised}"] = [Setting("filter_fqns", '["output"]', "the head stays 16-bit")]
    text = "\n\n".join(f"[{name}]\n{lines(settings, ' = ')}" for name, settings in sections.items())
    ranks = f"--nnodes {job.machines} --nproc_per_node {job.devices_per_machine}"
    command = f"torchrun {ranks} -m torchtitan.train --job.config_file train.toml"
    flat = tuple(each._replace(key=f"{name}.{each.key}") for name, settings in sections.items() for each in settings)
    return Recipe("train.toml", text, command, flat)


def _family(model: str) -> str:
    """How torchtitan names it: llama3, qwen3, deepseek_v3 …"""
    name = model.rpartition("/")[2].lower().removeprefix("meta-")
    match = re.match(r"([a-z]+)[-_ ]?(v?\d+)?", name)
    if not match:
        return name
    family, version = match[1], match[2] or ""
    return f"{family}_{version}" if version.startswith("v") else family + version


def _size(model: str) -> str:
    """The size in a model's name: 8B, 30B-A3B."""
    match = re.search(r"\d+(\.\d+)?[bB](-[aA]\d+[bB])?", model)
    return match[0].upper() if match else "base"
