"""Results as plain records: the keys of the headless contract, units in names, None for what is absent.

`document(row)` nests by memory, performance, cost and training; `flat(row)` is the same in one level, a row of a table.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from math import isfinite
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from estimator.results import (
    Band,
    CostReport,
    Evaluation,
    LatencyPercentiles,
    MemoryReport,
    PerformanceReport,
    PowerReport,
    Score,
    TrainingMemory,
    TrainingReport,
)

Report = MemoryReport | PerformanceReport | CostReport | PowerReport | Score | TrainingMemory | TrainingReport

LAYOUT = ("tp", "pp", "ep", "dp")


def document(row: Evaluation) -> dict[str, object]:
    """One candidate, judged: what it is, its verdict and class, and the four sections of figures (None: absent)."""
    candidate = row.candidate
    return {
        "instance": candidate.machine,
        "machines": candidate.machines,
        "accelerator": candidate.accelerator,
        "accelerators": number(candidate.accelerators),
        "layout": {name: getattr(candidate.layout, name) for name in LAYOUT},
        "replicas": candidate.replicas,
        "spare": candidate.spare,
        "verdict": row.verdict,
        "reason": row.reason,
        "confidence": row.confidence,
        "memory": section(row.memory),
        "performance": performance(row),
        "cost": {**section(row.cost), "power": section(row.cost.power)},
        "training": training(row.training),
        "score": section(row.score),
    }


OF_OUTPUT_TOKENS = (
    "tpot_s",
    "tokens_per_s_per_user",
    "output_tokens_per_s_per_replica",
    "output_tokens_per_s",
    "decode_bound",
)
"""Keys that a model which writes nothing has no figure for."""


def performance(row: Evaluation) -> dict[str, object] | None:
    """The `performance` section of a candidate: speed at the asked load, and whether that is enough; null without a
    speed.
    """
    if row.performance is None:
        return None
    judged = {
        "meets_service_level": row.meets_service_level,
        "holds_load": row.holds_load,
        "max_users": row.max_users,
    }
    figures = section(row.performance) or {}
    if row.performance.one_pass:
        figures |= dict.fromkeys(OF_OUTPUT_TOKENS)
    return {**figures, "percentiles": percentiles(row.performance.percentiles), **judged}


def percentiles(seen: LatencyPercentiles | None) -> dict[str, object] | None:
    """Latencies that single requests see, as p50 to p99 [s]; None where no traffic was replayed."""
    if seen is None:
        return None
    return {
        name: {key: number(value) for key, value in each._asdict().items() if key != "mean"}
        for name, each in seen._asdict().items()
    }


def training(report: TrainingReport | None) -> dict[str, object] | None:
    """The `training` section of a candidate: its run, its memory and its cost; null where the row serves."""
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


def section(report: Report | None) -> Any:
    """Every figure of a report under its field's name, as JSON values; null where there is no report."""
    if report is None:
        return None
    record: Any = type(report)
    return {key: figure(report[at], whole) for at, key, whole in _columns(record)}


@cache
def keys_of(record: Any) -> tuple[str, ...]:
    """The fields of a result that are figures or words, in their order; lists of parts are not in the contract."""
    return tuple(name for name, kind in get_type_hints(record).items() if _is_figure(kind))


def _is_figure(kind: Any) -> bool:
    members = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return all(member in _FIGURES or get_origin(member) is Literal for member in members)


_FIGURES = (int, float, str, bool, Band, type(None))


@cache
def _columns(record: Any) -> tuple[tuple[int, str, bool], ...]:
    """Place, name, and whether it counts things, of every figure of a result."""
    return tuple((record._fields.index(name), name, name.endswith(WHOLE)) for name in keys_of(record))


def figure(value: object, whole: bool) -> object:
    """One value of a report as JSON: bands as objects, `whole` ones as whole numbers, null for NaN and infinity."""
    if isinstance(value, float):
        return number(round(value) if whole and isfinite(value) else value)
    if isinstance(value, Band):
        return {"low": number(value.low), "typical": number(value.typical), "high": number(value.high)}
    return value


WHOLE = ("_bytes", "_tokens")
"""Endings of keys that count things."""


def number(value: float) -> float | None:
    """A number as JSON: integers where it is whole; null where it is not finite."""
    if isinstance(value, int):
        return value
    if value.is_integer():
        return int(value)
    return value if isfinite(value) else None


SECTIONS = ("memory", "performance", "percentiles", "cost", "training", "score")
"""Absent as a whole where a row has none."""


def flat(row: Evaluation) -> dict[str, object]:
    """One candidate as a row of a table, one key a figure: `performance_tpot_s_typical` and its like.

    A section that a row does not have leaves its keys out, so that a data frame shows them empty.
    """
    return dict(flattened(document(row)))


def flattened(page: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure of a nested record under its joined name (`cost_usd_per_hour`); absent sections are left out."""
    for key, value in page.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{key}_")
        elif key not in SECTIONS:
            yield f"{prefix}{key}", value
