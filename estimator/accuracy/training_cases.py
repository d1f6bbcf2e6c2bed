"""Rows of published training runs, read into workloads and setups."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from estimator.accuracy.score import Row
from estimator.engines.training_constants import Framework, TrainingConstants
from estimator.layout import TrainingSetup
from estimator.scenario.training_workload import OPTIMIZERS, TrainingWorkload
from estimator.training.run import sharded_precision

CORES_PER_CHIP = 2


class TrainingCase(NamedTuple):
    """A published training run as the estimator is asked it: model, method, workload and devices."""

    framework: Framework
    known_framework: bool
    workload: TrainingWorkload
    setup: TrainingSetup
    parameters: float | None
    """As the source states them; None where it does not."""


def training_case(row: Row, constants: TrainingConstants) -> TrainingCase:
    """The run that a published row describes, with the framework's own defaults where the row is silent."""
    framework, known = framework_of(row, constants)
    method = _method(row)
    dtype = row.get("dtype", "").lower()
    optimizer, in_backward = _optimizer(row)
    degrees = _degrees(row)
    devices = max(whole(row, "n_devices") or 1, 1)
    tp, pp, cp = whole(row, "tp") or 1, whole(row, "pp") or 1, degrees.get("cp", 1)
    if "neuron" in framework.platforms:
        tp = max(tp // CORES_PER_CHIP, 1)  # sources count cores in tp and chips in devices
    dp = max(devices // (tp * pp * cp), 1)
    length = whole(row, "seq_len") or 4096
    micro_batch = whole(row, "micro_batch") or max(4096 * cp // length, 1)
    stated = whole(row, "global_batch") or _noted_batch(row, length)
    global_batch = max(stated or _usual_batch(length, micro_batch, dp, tp * pp), micro_batch)
    if framework.pipeline_splits_micro_batches and pp > 1:
        micro_batch = 1  # its local batch is cut into single sequences for the pipeline
    sharding, group = _sharding(row, method, framework, dp * cp, degrees)
    workload = TrainingWorkload(
        method=method,
        optimizer=optimizer,
        optimizer_in_backward=in_backward,
        precision=_precision(row, method, framework, sharding),
        compute=_compute(dtype),
        sequence_length=length,
        micro_batch=micro_batch,
        global_batch=global_batch,
        lora_rank=_rank(row),
        lora_targets=_targets(row, framework),
        base=_base(dtype),
        train_embeddings="(emb)" in row.get("case_id", "") or "trains embedding" in row.get("notes", ""),
        loss=_loss(row, framework),
        framework=framework.id,
    )
    setup = TrainingSetup(
        tp=tp,
        pp=pp,
        cp=cp,
        dp=dp,
        ep=degrees.get("ep", 1),
        sharding=sharding,
        shard_group=group,
        micro_batch=micro_batch,
        accumulation=max(global_batch // (micro_batch * dp), 1),
        checkpointing=_checkpointing(row, framework, sharding != "none"),
        offload=_offload(row, framework),
    )
    parameters = number(row, "params_b", 1e9)
    return TrainingCase(
        framework=framework,
        known_framework=known,
        workload=workload,
        setup=setup,
        parameters=parameters if parameters and parameters > 0 else None,
    )


def _noted_batch(row: Row, length: int) -> int:
    """Sequences of a global batch that the notes give in tokens; 0 where they do not."""
    noted = re.search(r"global batch ([\d.]+)\s?M tokens", row.get("notes", ""))
    return round(float(noted[1]) * 1024 * 1024 / length) if noted else 0


def _usual_batch(length: int, micro_batch: int, dp: int, ranks: int) -> int:
    """A global batch that keeps every device busy for some ten thousand tokens, where a source states none."""
    return micro_batch * dp * max(16384 * ranks // (micro_batch * length), 1)


def framework_of(row: Row, constants: TrainingConstants) -> tuple[Framework, bool]:
    """The training stack that a published row names, else the generic one."""
    text = row.get("framework", "").lower()
    for framework in constants.frameworks.values():
        if any(re.search(pattern, text) for pattern in framework.patterns):
            return framework, True
    return constants.frameworks["generic"], False


def number(row: Row, field: str, scale: float = 1.0) -> float | None:
    """The value of a row's field times `scale`, or None where it is empty or not a number."""
    match = re.fullmatch(r"\s*(-?[\d,]*\.?\d+(?:e-?\d+)?)\s*", row.get(field) or "", re.I)
    value = float(match[1].replace(",", "")) * scale if match else 0.0
    return value if match and abs(value) < 1e30 else None


def whole(row: Row, field: str) -> int | None:
    """The value of a row's field as a count, or None where it is empty or below one."""
    value = number(row, field)
    return round(value) if value and value >= 1 else None


def _method(row: Row) -> str:
    method = row.get("method", "").lower()
    dtype = row.get("dtype", "").lower()
    if "dora" in method or "-dora" in row.get("case_id", ""):
        return "dora"
    if "qlora" in method or (method not in ("", "full", "pretrain", "sft") and re.search(r"nf4|int4|gptq", dtype)):
        return "qlora"
    if "int8 base" in dtype:
        return "qlora"
    return "full" if method in ("", "full", "pretrain", "sft", "cpt", "continued") else "lora"


def _optimizer(row: Row) -> tuple[str, bool]:
    text = row.get("optimizer", "").lower().replace("_", "-")
    in_backward = "backward" in text
    if "lomo" in text:
        return "sgd", True
    for name in ("adafactor", "lion", "muon"):
        if name in text:
            return name, in_backward
    if "sgd" in text:
        return "sgd-momentum" if "momentum" in text else "sgd", in_backward
    paged = "paged-" if "paged" in text else ""
    bits = "-8bit" if re.search(r"8-?bit", text) else "-4bit" if re.search(r"4-?bit", text) else ""
    name = f"{paged}adamw{bits}"
    return name if name in OPTIMIZERS else "adamw", in_backward


def _precision(row: Row, method: str, framework: Framework, sharding: str) -> str:
    dtype, optimizer = row.get("dtype", "").lower(), row.get("optimizer", "").lower()
    autocast = method == "full" and sharding in ("fsdp", "hybrid") and "autocast" in row.get("notes", "").lower()
    if autocast and framework.sharded_precision:
        return framework.sharded_precision  # what is loaded in 16 bit is upcast before it is sharded
    if "true" in dtype or "pure" in dtype or "bf16 states" in optimizer:
        return "bf16"
    if "mixed" in dtype:
        return "bf16-mixed"
    if dtype.startswith(("fp32", "float32")):
        return "fp32"
    if sharding.startswith("zero") and method == "full":
        return sharded_precision(framework, sharding)
    return framework.precision if method == "full" else "bf16"


def _compute(dtype: str) -> str:
    for name in ("nvfp4", "mxfp8"):
        if name in dtype:
            return name
    if "fp8-mx" in dtype:
        return "mxfp8"
    return "fp8" if "fp8" in dtype else "fp32" if dtype.startswith(("fp32", "float32")) else "bf16"


def _base(dtype: str) -> str:
    if "int8" in dtype:
        return "int8"
    if "gptq" in dtype:
        return "int4-gptq"
    return "nf4-dq" if "dq" in dtype else "nf4"


def _degrees(row: Row) -> dict[str, int]:
    degrees = re.findall(r"(fsdp|dp|cp|ep|vp|zero1)=(\d{1,6})\b", row.get("dp_zero", ""))
    return {name: max(int(value), 1) for name, value in degrees}


def _sharding(row: Row, method: str, framework: Framework, ranks: int, degrees: Mapping[str, int]) -> tuple[str, int]:
    """The sharding named in a row, and its group where that is smaller than all ranks."""
    text = row.get("dp_zero", "").lower()
    if ranks == 1:
        return "none", 0
    match = re.search(r"zero-?([123])", text)
    if match:
        group = degrees.get("zero1", 0)
        return f"zero{match[1]}", group if group < ranks else 0
    if "shard_grad_op" in text:
        return "zero2", 0
    if "hybrid" in text:
        return "hybrid", min(8, ranks)
    if "full_shard" in text or (degrees.get("fsdp", 0) > 1) or re.search(r"fsdp(?!=)", text) or "fsdp=1;cp" in text:
        return "fsdp", 0
    if "ddp" in text or "none" in text or "replicated" in text:
        return "none", 0
    if framework.sharding:
        return framework.sharding, 0
    return ("zero3", 0) if method == "full" else ("none", 0)


def _checkpointing(row: Row, framework: Framework, sharded: bool) -> str:
    text = row.get("grad_ckpt", "").lower()
    if ("off" in text and "load" in text) or "unsloth" in text:
        return "offloaded"
    if text in ("none", "no", "false"):
        return "none"
    if "selective" in text:
        # Megatron's is of the core attention, which flash attention does anyway
        return "selective" if "selective" in framework.checkpointings else "none"
    if text in ("full", "yes", "true", "block", "on"):
        return framework.checkpointing if framework.checkpointing == "offloaded" else "full"
    return framework.checkpointing_sharded if sharded else framework.checkpointing


def _offload(row: Row, framework: Framework) -> str:
    text = f"{row.get('dp_zero', '')} {row.get('notes', '')}".lower()
    if not re.search(r"cpu[ -]?off|cpu adamw|offload with|optimizer offload|fsdp2 cpu offload", text):
        return "none"
    return "optimizer" if "adamw" in text and "offload" in row.get("dp_zero", "").lower() else framework.offload_moves


def _loss(row: Row, framework: Framework) -> str:
    text = row.get("fused_ce", "").lower()
    if text in ("", "unknown"):
        return "fused" if re.search(r"framework_config \S+-liger\b", row.get("notes", "")) else framework.loss
    if "chunk" in text:
        return "chunked"
    return "plain" if text in ("no", "none", "false") else "fused"


def _rank(row: Row) -> int:
    match = re.search(r"rank(\d+)", row.get("case_id", ""))
    return whole(row, "lora_r") or (int(match[1]) if match else 8)


def _targets(row: Row, framework: Framework) -> str:
    text = re.sub(r"\(.*?\)", "", row.get("lora_targets", "").lower()).strip()
    if "adapterv2" in row.get("method", ""):
        return "all-linear"  # a scale and a bias on every linear layer
    if not text:
        mlp_only = "target-mlp" in row.get("case_id", "")
        return "gate_proj,up_proj,down_proj" if mlp_only else framework.lora_targets
    return text if re.fullmatch(r"[\w ,.-]+", text) else "all-linear"
