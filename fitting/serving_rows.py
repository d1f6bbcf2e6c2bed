"""The measured serving rows as `fit_serving.py` asks them: read once, answered under many sets of constants."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from catalog.load import Catalog
from estimator.accuracy.score import UNPRICED, Context, Row, Score, number, scored, text
from estimator.accuracy.serving import METRICS, answer, shown_figures
from estimator.accuracy.serving_case import ServingCase, serving_case
from estimator.advice.study import Study
from estimator.engines.speed_constants import Efficiency
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.serving.deployment import Deployment
from estimator.serving.load.performance import load_replica, report_performance
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.gemm_formats import quantised_format

EVIDENCE = Path(__file__).parents[1] / "catalog" / "data" / "evidence" / "serving.csv"
BURST_WEIGHT = 0.2
"""Of servers that get everything at once: their means hold client and front end, which no constant here stands for."""
FEW_SWEEPS = 4
"""Sweeps of a source that count whole; what 41 say of one card is no ten times more than what four say."""
SWEEP = ("kind", "model_id", "weight_format", "accelerator_id", "tp", "pp", "ep", "dp", "engine", "engine_version")
"""Columns that the rows of one sweep over loads and lengths share."""


class FitCase(NamedTuple):
    """One row, with what does not depend on the constants that are fitted."""

    case: ServingCase
    deployment: Deployment
    layout: Layout
    replicas: int
    limit: float
    """Requests that one replica's memory holds."""
    engine: str
    """Speed class."""
    generation: str
    local: str
    """llama.cpp's kernel class of the device."""
    kernels: frozenset[str]
    """Keys of the kernel constants that its products take."""
    has_experts: bool
    weight: float
    """One sweep counts as one observation, and a source of n sweeps as the root of n."""

    @property
    def row(self) -> Row:
        return self.case.row

    @property
    def source(self) -> str:
        return _source(self.row)

    @property
    def shape(self) -> tuple[int, int]:
        """Models of equal shape (Llama-3-70B, 3.1-70B, 3.3-70B) are one architecture."""
        architecture = self.case.model.architecture
        return architecture.hidden, architecture.layers

    def scores(self, efficiency: Efficiency) -> list[Score]:
        """Every figure that the row states, as a screen would show it under these constants."""
        deployment = self.deployment._replace(efficiency=efficiency, speed=efficiency.engines[self.engine])
        step = compile_step.__wrapped__(deployment, self.layout)
        workload = self.case.scenario.workload
        load = load_replica(step, workload, workload.concurrency / self.replicas, self.limit, self.replicas)
        figures = dict(shown_figures(self.case, report_performance(step, workload, load, self.replicas)))
        measured = {metric: number(self.row, metric) for metric in METRICS}
        return [
            scored(self.row, metric, value, figures[metric])
            for metric, value in measured.items()
            if value and metric in figures
        ]


def fit_cases(catalog: Catalog) -> list[FitCase]:
    """Every row that is answered and not excluded."""
    context = Context(catalog.inventory, catalog.model)
    with EVIDENCE.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if not row["excluded"]]
    sweeps = Counter(map(_sweep, rows))
    of_source = Counter(source for source, _ in {(_source(row), _sweep(row)) for row in rows})
    weights = [sweeps[_sweep(row)] ** -0.5 * _source_weight(of_source[_source(row)]) for row in rows]
    return [case for row, weight in zip(rows, weights, strict=True) if (case := _fit_case(row, context, weight))]


def _sweep(row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in SWEEP)


def _source(row: Row) -> str:
    """The repository or page: what stands before the file name."""
    return row["source"].partition(":")[0]


def _source_weight(sweeps: int) -> float:
    return min((FEW_SWEEPS / sweeps) ** 0.25, 1.0)


def _fit_case(row: Row, context: Context, weight: float) -> FitCase | None:
    try:
        case = serving_case(row, context)
        evaluation = answer(case, context)
    except InputError:
        return None
    if evaluation.performance is None:
        return None
    study = Study(evaluation.candidate, case.scenario, case.model, context.inventory, UNPRICED)
    deployment, efficiency = study.deployment, context.inventory.efficiency
    if number(row, "concurrency") is None and case.scenario.workload.kind == "burst" and text(row, "ttft_ms"):
        weight *= BURST_WEIGHT
    quantised = quantised_format(deployment.weights, deployment.device).kernel_key
    return FitCase(
        case=case,
        deployment=deployment,
        layout=evaluation.candidate.layout,
        replicas=case.scenario.workload.busy_replicas(study.replicas),
        limit=study.room,
        engine=efficiency.engine_name(deployment.speed),
        generation=deployment.device.kernels,
        local=efficiency.llama_cpp.key(deployment.device),
        kernels=frozenset({"16", quantised}),
        has_experts=case.model.architecture.is_moe,
        weight=weight,
    )


def with_constant(value: object, path: tuple[str, ...], number: float) -> object:
    """The constants with one replaced, deep inside."""
    name, *rest = path
    if isinstance(value, dict):
        return {**value, name: with_constant(value[name], tuple(rest), number)}
    inner = with_constant(getattr(value, name), tuple(rest), number) if rest else number
    return value._replace(**{name: inner}) if isinstance(value, tuple) else replace(value, **{name: inner})  # type: ignore
