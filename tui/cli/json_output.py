"""Results as the JSON of docs/interface.md: exact keys, units in names, null for what is absent."""

import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

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

SCHEMA = 2
"""Number of the contract: it grows when a key changes its name or its meaning, or goes; a new key leaves it."""
Report = MemoryReport | PerformanceReport | CostReport | TrainingMemory | TrainingReport


def dumps(value: object) -> str:
    """Indented JSON in plain ASCII: a control character inside a string leaves as its escape."""
    return json.dumps(value, indent=1, allow_nan=False)


def document(page: Mapping[str, object]) -> str:
    """A whole answer: the number of the contract, then its keys."""
    return dumps({"schema": SCHEMA, **page})


def documents(pages: Iterable[Mapping[str, object]]) -> str:
    """An answer that is a list, each of its objects with the number of the contract."""
    return dumps([{"schema": SCHEMA, **page} for page in pages])


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
        "memory": section(row.memory),
        "performance": performance(row),
        "cost": section(row.cost),
        "training": training(row.training),
    }


def performance(row: Evaluation) -> dict[str, object] | None:
    """Speed at the asked load, and whether it is what is asked; null where the row has none."""
    if row.performance is None:
        return None
    judged = {
        "meets_service_level": row.meets_service_level,
        "holds_load": row.holds_load,
        "max_users": row.max_users,
    }
    return {**section(row.performance), **judged}


def training(report: TrainingReport | None) -> dict[str, object] | None:
    """A training run; null where the row serves."""
    if report is None:
        return None
    return {
        "setup": report.setup._asdict() | {"devices": report.setup.devices},
        "memory": section(report.memory),
        **section(report),
        "step_parts_s": {part.name: number(part.value) for part in report.step},
        "run_parts_s": {part.name: number(part.value) for part in report.run},
        "notes": list(report.notes),
    }


def scenario(asked: Scenario) -> dict[str, object]:
    """Every option of the question by its name in snake_case; null where nothing is said."""
    values = given_options(asked)
    return {name.replace("-", "_"): values.get(name) for name, option in OPTIONS.items() if option.field}


def section(report: Report | None) -> Any:
    """Every figure of a report under its field's name; null where there is no report."""
    if report is None:
        return None
    record: Any = type(report)
    return {key: figure(key, getattr(report, key)) for key in keys_of(record)}


@cache
def keys_of(record: Any) -> tuple[str, ...]:
    """The fields of a result that are figures or words, in their order; its lists of parts are not in the contract."""
    return tuple(name for name, kind in get_type_hints(record).items() if _is_figure(kind))


def _is_figure(kind: Any) -> bool:
    members = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return all(member in _FIGURES or get_origin(member) is Literal for member in members)


_FIGURES = (int, float, str, bool, Band, type(None))


def figure(key: str, value: object) -> object:
    """A report's value as JSON: bands as objects, bytes and tokens as whole numbers, no NaN."""
    if isinstance(value, Band):
        return {name: number(each) for name, each in value._asdict().items()}
    if isinstance(value, int | float) and not isinstance(value, bool):
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
    figures = summary(answer)
    cache = figures.kv_cache._asdict()
    return page | {
        "architecture": answer.architecture.class_name,
        "parameters": figures.parameters._asdict(),
        "kv_cache": {key: None if value is None else number(value) for key, value in cache.items()},
    }
