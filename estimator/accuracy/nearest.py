"""The measured case that is most like a question, and our error on it."""

from collections.abc import Iterable
from math import inf, log2
from typing import NamedTuple

from estimator.accuracy import serving
from estimator.accuracy.prose import profile
from estimator.accuracy.score import Context, Row, Score, number, text
from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.models.formats import weight_format

METRICS = {"ttft": "ttft_ms", "tpot": "tpot_ms", "throughput": "output_tokens_per_s"}
"""Column of a case file that measures a figure."""


UNSTATED = 5.0
"""Doublings that a length or load counts for where the case does not state it."""


class Near(NamedTuple):
    """One measured figure of the nearest case, beside its prediction."""

    row: Row
    score: Score
    same_model: bool
    same_device: bool


def nearest(study: Study, figure: str, cases: Iterable[Row], context: Context) -> Near | None:
    """The measured case nearest to a question that states the figure and that we can predict; None where there
    is none.
    """
    metric = METRICS.get(figure)
    if metric is None:
        return None
    measured = [row for row in cases if number(row, metric) and _is_served(row)]
    device, name = study.node.device, study.model.id.lower()
    same = [row for row in measured if text(row, "accelerator_id") == device.id]
    kin = same or [row for row in measured if _kernels(row, study) == device.kernels]
    own = [row for row in kin if name in (text(row, "base_model_id").lower(), text(row, "model_id").lower())]
    for row in sorted(own or kin, key=lambda row: distance(row, study, context))[:5]:
        for score in serving.score(row, context):
            if score.metric == metric and score.status == "scored":
                return Near(row=row, score=score, same_model=bool(own), same_device=bool(same))
    return None


def _is_served(row: Row) -> bool:
    """Whether a case is of users who are served, and no rule excludes it."""
    return text(row, "kind") == "serving_concurrency" and not text(row, "excluded")


def distance(row: Row, study: Study, context: Context) -> float:
    """How far a measured case is from a question, without unit: doublings of model size, load and lengths, each
    weighed.
    """
    workload, layout = study.scenario.workload, study.candidate.layout
    far = 0.3 * _doublings(number(row, "concurrency"), workload.concurrency / study.replicas)
    far += 0.2 * _doublings(number(row, "input_tokens"), workload.input_tokens)
    far += 0.2 * _doublings(number(row, "output_tokens"), workload.output_tokens)
    far += 0.5 * _doublings(number(row, "tp"), layout.tp)
    far += 0.0 if study.engine.id == (text(row, "profile") or profile(row)).partition("@")[0] else 1.0
    try:
        other = context.model(row).architecture
        far += 0.5 * abs(_bits(text(row, "weight_format")) - _bits(study.scenario.weights)) / 4
    except InputError:
        return inf
    own = study.model.architecture
    far += _doublings(other.active_parameters, own.active_parameters) + (other.is_moe != own.is_moe)
    return far


def _doublings(one: float | None, other: float) -> float:
    return abs(log2(max(one, 1.0) / max(other, 1.0))) if one else UNSTATED


def _bits(name: str) -> float:
    return weight_format(name or "bf16").bits


def _kernels(row: Row, study: Study) -> str:
    device = study.inventory.accelerators.get(text(row, "accelerator_id"))
    return device.kernels if device else ""
