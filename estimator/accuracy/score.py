"""What scoring yields: one Score a measured figure, and their summary by group.

`serving`, `memory` and `training` each have `score(row, context) -> list[Score]`, with a row as its CSV says it.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from statistics import fmean, median
from typing import Literal, NamedTuple

from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.results import Band
from estimator.scenario.inventory import Inventory

Row = Mapping[str, str]
"""A line of a case file: column to text, empty where the source says nothing."""

UNPRICED = RegionPrices("us-east-1", {})
"""Neither speed nor memory depends on a price."""
LARGEST = 1e18
"""Largest figure that a case may state: bytes of the largest machine by a factor of a thousand."""
Status = Literal["scored", "excluded", "unsupported", "skipped"]
"""Excluded is predicted as well, and left out of every summary by the rule that `reason` names."""


class Score(NamedTuple):
    """One measured figure and what was predicted for it, in the unit of its column."""

    case_id: str
    metric: str
    """The column's name, or `fits`."""
    measured: float
    predicted: float | None = None
    low: float | None = None
    high: float | None = None
    status: Status = "scored"
    reason: str | None = None
    groups: tuple[str, ...] = ()
    """What it is summed up under: `engine=vllm`, `accelerator=h100-sxm` …"""

    @property
    def error(self) -> float:
        """Signed error as a fraction of the measured figure; the plain difference where that is 0, as a verdict of
        `fits` may be.
        """
        assert self.predicted is not None
        return (self.predicted - self.measured) / (abs(self.measured) or 1.0)

    @property
    def covered(self) -> bool | None:
        """Whether the measured figure lies in the predicted band; None for a prediction without a band."""
        return None if self.low is None or self.high is None else self.low <= self.measured <= self.high


class Context(NamedTuple):
    """Everything beside its own row that a measured case is predicted with: models, devices, engines and constants."""

    inventory: Inventory
    models: Callable[[str], Model]
    """The model of an id, alias or quantised name. Raises InputError."""

    def model(self, row: Row) -> Model:
        """Architecture of the model that a measured row names, by its base model, else by its printed name. Raises
        InputError.
        """
        *others, last = [text(row, column) for column in _MODEL_COLUMNS if text(row, column)] or [""]
        if not last:
            raise InputError("model", "the row names none")
        for name in others:
            with suppress(InputError):
                return self.models(name)
        return self.models(last)

    def accelerator(self, row: Row) -> Accelerator:
        """Device that a measured row ran on, by catalogue id, else by its printed name. Raises InputError."""
        printed = text(row, "accelerator_id") or text(row, "gpu") or text(row, "hardware")
        if not printed:
            raise InputError("accelerator", "the row names none")
        return self.inventory.accelerator(printed)


_MODEL_COLUMNS = ("model_id", "base_model_id", "model")


class Summary(NamedTuple):
    """Errors of one metric over one group, as fractions."""

    metric: str
    group: str
    cases: int
    mdape: float
    """Median absolute error."""
    mape: float
    bias: float
    """Median signed error."""
    within_20_percent: float
    band_coverage: float | None
    """Share of measured figures inside their band; None where no prediction has one."""


def text(row: Row, column: str) -> str:
    return (row.get(column) or "").strip()


def number(row: Row, column: str) -> float | None:
    """The number in a row's column; None where it is empty, no number, infinite or not a number."""
    try:
        value = float(text(row, column))
    except ValueError:
        return None
    return value if abs(value) <= LARGEST else None


def groups(row: Row, **more: str) -> tuple[str, ...]:
    """The groups that a measured row is summed up under (engine, accelerator, format …), those that its file has
    columns for.
    """
    named = {
        "kind": text(row, "kind"),
        "engine": text(row, "engine") or text(row, "framework"),
        "accelerator": text(row, "accelerator_id"),
        "format": text(row, "weight_format") or text(row, "quant") or text(row, "dtype"),
        "method": text(row, "method"),
        "model": text(row, "base_model_id"),
    } | more
    return tuple(f"{name}={value}" for name, value in named.items() if value)


def scored(row: Row, metric: str, measured: float, predicted: Band | float, scale: float = 1.0) -> Score:
    """The Score of a prediction and its band beside a measured figure; `scale` turns the prediction into the column's
    unit.
    """
    low, typical, high = predicted if isinstance(predicted, Band) else (None, predicted, None)
    return Score(
        case_id=text(row, "case_id"),
        metric=metric,
        measured=measured,
        predicted=typical * scale,
        low=None if low is None else low * scale,
        high=None if high is None else high * scale,
        groups=groups(row),
    )


def unscored(row: Row, metric: str, measured: float, status: Status, reason: str) -> Score:
    """The Score of a measured figure that nothing was predicted for, with the status and the reason."""
    return Score(text(row, "case_id"), metric, measured, status=status, reason=reason, groups=groups(row))


def summarise(scores: Iterable[Score]) -> list[Summary]:
    """Summaries of a list of scores: each metric over all its cases, then over each group, the largest first."""
    gathered: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        if score.status == "scored" and score.predicted is not None:
            for group in ("all", *score.groups):
                gathered.setdefault((score.metric, group), []).append(score)
    metrics = list(dict.fromkeys(metric for metric, _ in gathered))
    summaries = [_summary(metric, group, members) for (metric, group), members in gathered.items()]
    return sorted(
        summaries, key=lambda each: (metrics.index(each.metric), each.group != "all", -each.cases, each.group)
    )


def _summary(metric: str, group: str, scores: list[Score]) -> Summary:
    errors = [score.error for score in scores]
    sizes = [abs(error) for error in errors]
    covered = [score.covered for score in scores if score.covered is not None]
    return Summary(
        metric=metric,
        group=group,
        cases=len(scores),
        mdape=median(sizes),
        mape=fmean(sizes),
        bias=median(errors),
        within_20_percent=sum(size <= 0.2 for size in sizes) / len(sizes),
        band_coverage=sum(covered) / len(covered) if covered else None,
    )
