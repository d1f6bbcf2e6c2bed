"""A starting configuration for the stack that trains: every setting that the estimate assumes, and why."""

import re
import shlex
from collections.abc import Callable, Iterator
from typing import NamedTuple

from estimator.errors import InputError
from estimator.evaluation import Evaluation
from estimator.model import Model
from estimator.scenario import Scenario
from estimator.training.lora import target_names
from estimator.training.setup import TrainingSetup
from estimator.training.workload import TrainingWorkload


class Setting(NamedTuple):
    """One key of the file, its value as written, and where it comes from."""

    key: str
    value: str
    why: str = ""


class Recipe(NamedTuple):
    """A file, the command that takes it, and what must be true before it runs."""

    file: str
    text: str
    command: str
    settings: tuple[Setting, ...]
    notes: tuple[str, ...] = ()


class Asked(NamedTuple):
    """What every writer needs."""

    model: str
    workload: TrainingWorkload
    setup: TrainingSetup
    devices: int
    """Of one machine."""
    machines: int

    @property
    def accumulation(self) -> Setting:
        why = f"{self.workload.global_batch} sequences a step over {self.setup.dp} ranks of {self.setup.micro_batch}"
        return Setting("gradient_accumulation_steps", str(self.setup.accumulation), why)

    @property
    def names(self) -> tuple[str, ...]:
        return target_names(self.workload.lora_targets)

    @property
    def shards(self) -> bool:
        return self.setup.sharding != "none" and self.setup.dp > 1


def recipe(model: Model, scenario: Scenario, row: Evaluation) -> Recipe:
    """The configuration of a run that fits. Raises InputError where there is nothing to run."""
    run, workload = row.training, scenario.training
    if run is None or workload is None:
        raise InputError("command", f"{row.candidate.machine}: {row.reason or row.verdict.replace('_', ' ')}")
    machines = row.candidate.machines
    asked = Asked(model.id, workload, run.setup, max(run.setup.devices // machines, 1), machines)
    writer = WRITERS.get(workload.framework) or (_axolotl if workload.adapters else _torchtitan)
    return writer(asked)


def _torchtune(asked: Asked) -> Recipe:
    workload, setup = asked.workload, asked.setup
    several = setup.devices > 1
    settings = [
        Setting("batch_size", str(setup.micro_batch), "sequences per device and pass"),
        asked.accumulation,
        Setting("epochs", f"{max(round(workload.epochs), 1)}"),
        Setting("tokenizer.max_seq_len", str(workload.sequence_length), "longest sequence"),
        Setting("dataset.packed", _flag(workload.packing), "short samples share a sequence"),
        Setting("enable_activation_checkpointing", _flag(setup.checkpointing != "none"), "fits by it"),
        Setting("enable_activation_offloading", _flag(setup.checkpointing == "offloaded")),
        Setting("dtype", "fp32" if workload.precision in ("fp32", "bf16-mixed") else "bf16", workload.precision),
        Setting("optimizer._component_", _TORCHTUNE_OPTIMIZERS.get(workload.optimizer, "torch.optim.AdamW")),
        Setting("compile", "True"),
    ]
    if workload.adapters:
        attention = [name for name in ("q_proj", "k_proj", "v_proj", "output_proj") if _attends(asked.names, name)]
        mlp = any(name in ("all-linear", "mlp", "gate_proj", "up_proj", "down_proj") for name in asked.names)
        settings += [
            Setting("model.lora_rank", str(workload.lora_rank)),
            Setting("model.lora_attn_modules", f"[{','.join(attention)}]"),
            Setting("model.apply_lora_to_mlp", _flag(mlp)),
        ]
        if workload.method == "dora":
            settings.append(Setting("model.use_dora", "True"))
    elif workload.optimizer_in_backward and not several:
        settings.append(Setting("optimizer_in_bwd", "True", "gradients never pile up"))
    if setup.offload == "parameters":
        settings.append(Setting("fsdp_cpu_offload", "True", "parameters and states in host memory"))
    method = "full" if not workload.adapters else "qlora" if workload.method == "qlora" else "lora"
    config = next((name for prefix, name in _TORCHTUNE_CONFIGS.items() if prefix in asked.model.lower()), None)
    kind = f"{'full' if method == 'full' else 'lora'}_finetune_{'distributed' if several else 'single_device'}"
    ranks = f"--nnodes {asked.machines} " * (asked.machines > 1) + f"--nproc_per_node {asked.devices} " * several
    base = f"{config}_{method}" + ("" if several else "_single_device") if config else "config.yaml"
    line = f"tune run {ranks}{kind} --config {base}"
    overrides = " \\\n  ".join(shlex.quote(f"{each.key}={each.value}") for each in settings)
    notes = () if config else (f"no packaged config for {asked.model}: `tune cp` the nearest to config.yaml",)
    return Recipe("", "", f"{line} \\\n  {overrides}", tuple(settings), notes)


def _axolotl(asked: Asked) -> Recipe:
    workload, setup = asked.workload, asked.setup
    settings = [Setting("base_model", asked.model)]
    if workload.adapters:
        settings += _axolotl_adapters(asked)
    settings += [
        Setting("sequence_len", str(workload.sequence_length), "longest sequence"),
        Setting("sample_packing", _flag(workload.packing, "yaml"), "short samples share a sequence"),
        Setting("micro_batch_size", str(setup.micro_batch), "sequences per device and pass"),
        asked.accumulation,
        Setting("num_epochs", f"{workload.epochs:g}"),
        Setting("optimizer", _AXOLOTL_OPTIMIZERS.get(workload.optimizer, "adamw_torch_fused")),
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
    if asked.shards and setup.sharding in ("fsdp", "hybrid"):
        offload = _flag(setup.offload != "none", "yaml")
        settings += [
            Setting("fsdp_version", "2"),
            Setting("fsdp_config", f"{{reshard_after_forward: true, offload_params: {offload}}}", "weights sharded"),
        ]
    elif asked.shards:
        settings.append(Setting("deepspeed", f"deepspeed_configs/{setup.sharding}_bf16.json", "states sharded"))
    settings += [Setting("datasets", "[{path: your/dataset, type: alpaca}]"), Setting("output_dir", "./out")]
    nodes = f" --launcher torchrun -- --nnodes {asked.machines} --nproc_per_node {asked.devices}" * (asked.machines > 1)
    return Recipe("axolotl.yaml", _yaml(settings), f"axolotl train axolotl.yaml{nodes}", tuple(settings))


def _axolotl_adapters(asked: Asked) -> Iterator[Setting]:
    workload = asked.workload
    quantised = workload.method == "qlora"
    yield Setting("adapter", "qlora" if quantised else "lora")
    if quantised:
        eight = workload.base == "int8"
        yield Setting("load_in_8bit" if eight else "load_in_4bit", "true", f"base in {workload.base}")
    yield Setting("lora_r", str(workload.lora_rank))
    yield Setting("lora_alpha", str(2 * workload.lora_rank))
    if asked.names == ("all-linear",):
        yield Setting("lora_target_linear", "true")
    else:
        yield Setting("lora_target_modules", f"[{', '.join(asked.names)}]")
    if workload.method == "dora":
        yield Setting("peft_use_dora", "true")


def _llama_factory(asked: Asked) -> Recipe:
    workload, setup = asked.workload, asked.setup
    settings = [
        Setting("model_name_or_path", asked.model),
        Setting("stage", "sft"),
        Setting("do_train", "true"),
        Setting("finetuning_type", "lora" if workload.adapters else "full"),
    ]
    if workload.adapters:
        targets = "all" if asked.names == ("all-linear",) else ",".join(asked.names)
        settings += [Setting("lora_rank", str(workload.lora_rank)), Setting("lora_target", targets)]
    if workload.method == "dora":
        settings.append(Setting("use_dora", "true"))
    if workload.method == "qlora":
        settings.append(
            Setting("quantization_bit", "8" if workload.base == "int8" else "4", f"base in {workload.base}")
        )
        settings.append(Setting("double_quantization", _flag(workload.base == "nf4-dq", "yaml")))
    settings += [
        Setting("dataset", "alpaca_en_demo"),
        Setting("template", "default"),
        Setting("cutoff_len", str(workload.sequence_length), "longest sequence"),
        Setting("packing", _flag(workload.packing, "yaml"), "short samples share a sequence"),
        Setting("per_device_train_batch_size", str(setup.micro_batch), "sequences per device and pass"),
        asked.accumulation,
        Setting("num_train_epochs", f"{workload.epochs:g}"),
        Setting("optim", _AXOLOTL_OPTIMIZERS.get(workload.optimizer, "adamw_torch_fused")),
        Setting(
            "bf16" if workload.precision != "bf16" or workload.adapters else "pure_bf16", "true", workload.precision
        ),
        Setting("disable_gradient_checkpointing", _flag(setup.checkpointing == "none", "yaml")),
        Setting("enable_liger_kernel", _flag(workload.loss in ("fused", "chunked"), "yaml"), "no logits"),
        Setting("flash_attn", "fa2"),
    ]
    if workload.framework == "llama-factory-unsloth":
        settings.append(Setting("use_unsloth", "true"))
    if asked.shards:
        stage = {"zero1": "0", "zero2": "2"}.get(setup.sharding, "3")
        offload = "_offload" if setup.offload != "none" else ""
        settings.append(Setting("deepspeed", f"examples/deepspeed/ds_z{stage}{offload}_config.json", "states sharded"))
    settings.append(Setting("output_dir", "./out"))
    nodes = f"FORCE_TORCHRUN=1 NNODES={asked.machines} " * (asked.machines > 1)
    return Recipe("train.yaml", _yaml(settings), f"{nodes}llamafactory-cli train train.yaml", tuple(settings))


def _torchtitan(asked: Asked) -> Recipe:
    workload, setup = asked.workload, asked.setup
    if workload.adapters:
        return _axolotl(asked)
    steps = max(round(workload.total_tokens / workload.tokens_per_step), 1)
    replicas = setup.dp // setup.shards * setup.cp if setup.sharding == "hybrid" and setup.shard_group else 1
    sections = {
        "model": [
            Setting("name", f'"{_family(asked.model)}"'),
            Setting("flavor", f'"{_size(asked.model)}"'),
            Setting("hf_assets_path", f'"./assets/hf/{asked.model.rpartition("/")[2]}"'),
        ],
        "optimizer": [Setting("name", '"AdamW"')],
        "training": [
            Setting("local_batch_size", str(setup.micro_batch), "sequences per device and pass"),
            Setting("global_batch_size", str(workload.global_batch), "sequences per step"),
            Setting("seq_len", str(workload.sequence_length)),
            Setting("steps", str(steps), f"{workload.total_tokens:,.0f} tokens"),
            Setting("enable_cpu_offload", _flag(setup.offload != "none", "yaml")),
        ],
        "parallelism": [
            Setting("data_parallel_shard_degree", str(setup.dp // replicas if asked.shards else 1), "weights sharded"),
            Setting("data_parallel_replicate_degree", str(replicas if asked.shards else setup.dp)),
            Setting("tensor_parallel_degree", str(setup.tp)),
            Setting("context_parallel_degree", str(setup.cp), "ranks that share a sequence"),
            Setting("pipeline_parallel_degree", str(setup.pp)),
        ],
        "activation_checkpoint": [Setting("mode", f'"{_TORCHTITAN_CHECKPOINTING[setup.checkpointing]}"', "fits by it")],
        "compile": [Setting("enable", "true")],
    }
    if workload.compute in ("fp8", "mxfp8"):
        quantised = "float8" if workload.compute == "fp8" else "mx"
        sections[f"quantize.linear.{quantised}"] = [Setting("filter_fqns", '["output"]', "the head stays 16-bit")]
    text = "\n\n".join(f"[{name}]\n{_lines(settings, ' = ')}" for name, settings in sections.items())
    ranks = f"--nnodes {asked.machines} --nproc_per_node {asked.devices}"
    command = f"torchrun {ranks} -m torchtitan.train --job.config_file train.toml"
    flat = tuple(each._replace(key=f"{name}.{each.key}") for name, settings in sections.items() for each in settings)
    return Recipe("train.toml", text, command, flat)


def _family(model: str) -> str:
    """How torchtitan names it: llama3, qwen3, deepseek_v3 …"""
    name = model.rpartition("/")[2].lower().removeprefix("meta-")
    found = re.match(r"([a-z]+)[-_ ]?(v?\d+)?", name)
    if not found:
        return name
    family, version = found[1], found[2] or ""
    return f"{family}_{version}" if version.startswith("v") else family + version


def _size(model: str) -> str:
    """The size in a model's name: 8B, 30B-A3B."""
    found = re.search(r"\d+(\.\d+)?[bB](-[aA]\d+[bB])?", model)
    return found[0].upper() if found else "base"


def _attends(names: tuple[str, ...], projection: str) -> bool:
    own = {"output_proj": "o_proj"}.get(projection, projection)
    return any(name in ("all-linear", "attention", own) for name in names)


def _flag(value: bool, style: str = "python") -> str:
    return str(value) if style == "python" else str(value).lower()


def _yaml(settings: list[Setting]) -> str:
    return _lines(settings, ": ")


def _lines(settings: list[Setting], between: str) -> str:
    return "\n".join(f"{key}{between}{value}" + (f"  # {why}" if why else "") for key, value, why in settings)


_TORCHTUNE_CONFIGS = {
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
_TORCHTUNE_OPTIMIZERS = {
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
_AXOLOTL_OPTIMIZERS = {
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
_TORCHTITAN_CHECKPOINTING = {"none": "none", "selective": "selective", "full": "full", "offloaded": "full"}
WRITERS: dict[str, Callable[[Asked], Recipe]] = {
    "torchtune": _torchtune,
    "axolotl": _axolotl,
    "llama-factory": _llama_factory,
    "llama-factory-unsloth": _llama_factory,
    "torchtitan": _torchtitan,
}
