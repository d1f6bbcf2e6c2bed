"""Recipes for torchtitan, which takes one TOML file and trains every parameter."""

import re

from estimator.training.recipes.writing import Recipe, Setting, TrainingJob, lines

CHECKPOINTING = {"none": "none", "selective": "selective", "full": "full", "offloaded": "full"}
QUANTISED = {"fp8": "float8", "mxfp8": "mx"}
"""torchtitan's converter for each number format of the products."""


def write(job: TrainingJob) -> Recipe:
    """torchtitan's configuration of one run, and the command that starts it on every machine."""
    sections = _sections(job)
    text = "\n\n".join(f"[{name}]\n{lines(settings, ' = ')}" for name, settings in sections.items())
    command = f"torchrun {job.torchrun_options} -m torchtitan.train --job.config_file train.toml"
    flat = tuple(each._replace(key=f"{name}.{each.key}") for name, settings in sections.items() for each in settings)
    return Recipe(file="train.toml", text=text, command=command, settings=flat, notes=job.machine_notes)


def _sections(job: TrainingJob) -> dict[str, list[Setting]]:
    workload, setup = job.workload, job.setup
    steps = max(round(workload.total_tokens / workload.tokens_per_step), 1)
    name = job.model.rpartition("/")[2]
    sections = {
        "model": [
            Setting("name", _family(name)),
            Setting("flavor", _size(name)),
            Setting("hf_assets_path", f"./assets/hf/{name}"),
        ],
        "optimizer": [Setting("name", "AdamW")],
        "training": [
            Setting("local_batch_size", setup.micro_batch, "sequences per device and pass"),
            Setting("global_batch_size", workload.global_batch, "sequences per step"),
            Setting("seq_len", workload.sequence_length),
            Setting("steps", steps, f"{workload.total_tokens:,.0f} tokens"),
            Setting("enable_cpu_offload", setup.offload != "none"),
        ],
        "parallelism": _parallelism(job),
        "activation_checkpoint": [Setting("mode", CHECKPOINTING[setup.checkpointing], "fits by it")],
        "compile": [Setting("enable", True)],
    }
    if workload.compute in QUANTISED:
        section = f"quantize.linear.{QUANTISED[workload.compute]}"
        sections[section] = [Setting("filter_fqns", ["output"], "the head stays 16-bit")]
    return sections


def _parallelism(job: TrainingJob) -> list[Setting]:
    setup = job.setup
    replicas = setup.dp // setup.shards * setup.cp if setup.sharding == "hybrid" and setup.shard_group else 1
    return [
        Setting("data_parallel_shard_degree", setup.dp // replicas if job.shards else 1, "weights sharded"),
        Setting("data_parallel_replicate_degree", replicas if job.shards else setup.dp),
        Setting("fsdp_reshard_after_forward", "never" if setup.sharding == "zero2" else "default"),
        Setting("tensor_parallel_degree", setup.tp),
        Setting("context_parallel_degree", setup.cp, "ranks that share a sequence"),
        Setting("pipeline_parallel_degree", setup.pp),
        Setting("expert_parallel_degree", setup.ep),
    ]


def _family(name: str) -> str:
    """How torchtitan names a model's family: llama3, qwen3, deepseek_v3 …"""
    name = name.lower().removeprefix("meta-")
    match = re.match(r"([a-z]+)[-_ ]?(v?\d+)?", name)
    if not match:
        return name
    family, version = match[1], match[2] or ""
    return f"{family}_{version}" if version.startswith("v") else family + version


def _size(name: str) -> str:
    """The size in a model's name: 8B, 30B-A3B."""
    match = re.search(r"\d+(\.\d+)?[bB](-[aA]\d+[bB])?", name)
    return match[0].upper() if match else "base"
