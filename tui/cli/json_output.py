"""Results as the JSON of docs/interface.md: exact keys, units in names, null for what is absent."""

import json
import math
from typing import Any

from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.model import Model
from estimator.models.summary import summary
from estimator.printable import printable
from estimator.results import (
    Band,
    CostReport,
    Evaluation,
    MemoryReport,
    PerformanceReport,
    TrainingMemory,
    TrainingReport,
)
from estimator.scenario.scenario import Scenario
from tui.options.options import OPTIONS, given_options

MEMORY = (
    "device_bytes", "usable_bytes", "weights_bytes", "kv_cache_bytes", "activation_bytes", "runtime_bytes",
    "cuda_graph_bytes", "utilization", "kv_capacity_tokens", "max_concurrency", "max_context_tokens",
)  # fmt: skip
PERFORMANCE = (
    "ttft_s", "tpot_s", "request_latency_s", "tokens_per_s_per_user", "output_tokens_per_s_per_replica",
    "output_tokens_per_s", "total_tokens_per_s", "requests_per_s", "prefill_bound", "decode_bound",
)  # fmt: skip
COST = (
    "price_state", "price_usd_per_hour", "price_low_usd_per_hour", "price_high_usd_per_hour", "price_kind",
    "price_as_of", "usd_per_1m_input_tokens", "usd_per_1m_output_tokens", "usd_per_request", "usd_per_month",
    "usd_per_hour_per_gb",
)  # fmt: skip

TRAINING_MEMORY = (
    "device_bytes", "usable_bytes", "budget_bytes", "peak_bytes", "weights_bytes", "gradients_bytes",
    "optimizer_bytes", "adapters_bytes", "activations_bytes", "logits_bytes", "gathered_bytes", "overhead_bytes",
    "host_bytes",
)  # fmt: skip
TRAINING = ("tokens_per_s_per_device", "tokens_per_s", "step_s", "mfu", "hours", "usd")
Report = MemoryReport | PerformanceReport | CostReport | TrainingMemory | TrainingReport


def dumps(value: object) -> str:
    """Indented JSON in plain ASCII: a control character inside a string leaves as its escape."""
    return json.dumps(value, indent=1, allow_nan=False)


LAYOUT = ("tp", "pp", "ep", "dp")


def evaluation(row: Evaluation) -> dict[str, object]:
    """One candidate, judged."""
    candidate = row.candidate
    return {
        "instance": candidate.machine,
        "machines": candidate.machines,
        "accelerator": candidate.accelerator,
        "accelerators": number(candidate.accelerators),
        "layout": {name: getattr(candidate.layout, name) for name in LAYOUT},
        "replicas": candidate.replicas,
        "verdict": row.verdict,
        "reason": row.reason,
        "confidence": row.confidence,
        "memory": section(row.memory, MEMORY),
        "performance": section(row.performance, PERFORMANCE),
        "cost": section(row.cost, COST),
        "training": training(row.training),
    }


def training(report: TrainingReport | None) -> dict[str, object] | None:
    """A training run; null where the row serves."""
    if report is None:
        return None
    return {
        "setup": report.setup._asdict() | {"devices": report.setup.devices},
        "memory": section(report.memory, TRAINING_MEMORY),
        "trainable_parameters": report.trainable_parameters,
        **section(report, TRAINING),
        "step_parts_s": {part.name: number(part.value) for part in report.step},
        "run_parts_s": {part.name: number(part.value) for part in report.run},
        "notes": list(report.notes),
    }


def scenario(asked: Scenario) -> dict[str, object]:
    """Every option of the question by its name in snake_case; null where nothing is said."""
    values = given_options(asked)
    return {name.replace("-", "_"): values.get(name) for name, option in OPTIONS.items() if option.field}


def section(report: Report | None, keys: tuple[str, ...]) -> Any:
    """The named fields of a report; null where there is no report."""
    return None if report is None else {key: figure(key, getattr(report, key)) for key in keys}


def figure(key: str, value: object) -> object:
    """A report's value as JSON: bands as objects, bytes and tokens as whole numbers, no NaN."""
    if isinstance(value, Band):
        return {name: number(each) for name, each in value._asdict().items()}
    if isinstance(value, int | float):
        whole = key.endswith(("_bytes", "_tokens"))
        return number(round(value) if whole and math.isfinite(value) else value)
    return value


def number(value: float) -> float | None:
    """Whole numbers as integers; null where the figure is not finite."""
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def model(name: str, answer: Model | InputError) -> dict[str, object]:
    """One model's parameters, cache (at 16 bit) and state; a refused one says why under the same keys."""
    page: dict[str, object] = {"model": printable(name), "status": "ok", "reason": None}
    if isinstance(answer, InputError):
        unsupported = isinstance(answer, UnsupportedArchitecture)
        page |= {"status": "unsupported" if unsupported else "invalid", "reason": printable(answer)}
        architecture = printable(getattr(answer, "class_name", "")) or None
        return page | {"architecture": architecture, "parameters": None, "kv_cache": None}
    found = summary(answer)
    return page | {
        "architecture": answer.architecture.class_name,
        "parameters": found.parameters._asdict(),
        "kv_cache": {key: None if value is None else number(value) for key, value in found.kv_cache._asdict().items()},
    }
