"""Fits the speed factors of catalog/data/training.yaml on the shipped evidence, and says what left-out cases cost.

    python fitting/fit_training.py            errors in sample, with each model and each source left out
    python fitting/fit_training.py --neutral  the same from priors that know nothing
    python fitting/fit_training.py --write    also writes the factors into training.yaml, and training_left_out.csv

Log utilisation is a sum of log factors. They are found by least absolute deviations, drawn towards a prior each: the
stacks, formats and devices of published runs hardly cross, so the data alone can not tell them apart.
"""

import csv
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from catalog.load import load
from estimator.accuracy import training
from estimator.accuracy.score import Context, Row, Score, number
from estimator.engines.training_constants import Framework, TrainingConstants
from estimator.training import speed
from estimator.training.judge import require_training_constants

DATA = Path(__file__).parents[1] / "catalog" / "data"
LEFT_OUT = Path(__file__).parent / "training_left_out.csv"
BASE = "base"
PRIORS = {  # factor: (prior, standard deviation of its logarithm)
    BASE: (0.46, 0.3),
    "A100": (1.22, 0.2),
    "H20": (1.5, 0.25),
    "B200": (0.92, 0.1),
    "B300": (1.12, 0.1),
    "GB200": (1.14, 0.1),
    "GB300": (1.42, 0.1),
    "consumer card": (1.2, 0.15),
    "TPU": (0.95, 0.2),
    "Trainium1": (0.72, 0.2),
    "power limit": (0.75, 0.1),
    "fp8 Hopper": (1.57, 0.1),
    "fp8 Blackwell": (1.48, 0.1),
    "mxfp8": (1.43, 0.1),
    "nvfp4": (1.9, 0.1),
    "low precision, untuned stack": (0.8, 0.1),
    "stack fsdp": (0.93, 0.1),
    "stack hf": (0.9, 0.15),
    "stack hf-scripts": (0.66, 0.15),
    "stack unsloth": (0.9, 0.15),
    "stack deepspeed": (1.0, 0.15),
    "stack torchtune": (1.0, 0.15),
    "stack internevo": (0.9, 0.15),
    "full checkpointing": (0.9, 0.1),
    "adapters": (0.9, 0.1),
    "tensor parallel doubling": (0.94, 0.05),
    "mixture of experts": (0.6, 0.2),
    "experts, width doubling": (1.12, 0.05),
    "experts, newer than Hopper": (0.9, 0.1),
    "experts, fused dispatch": (1.25, 0.1),
    "experts, pipeline": (0.9, 0.1),
    "small micro-batch halving": (0.787, 0.1),
    "short step halving": (0.862, 0.1),
    "small model halving": (0.926, 0.05),
}
NEUTRAL = {name: (0.46, 0.3) if name == BASE else (1.5 if "p8" in name or "p4" in name else 1.0, 1.5 * deviation)
           for name, (_, deviation) in PRIORS.items()}  # fmt: skip
NAMES = tuple(PRIORS)
STRENGTH = 1.0
"""Of the priors, in rows."""
Vector = list[float]


class Point(NamedTuple):
    """One measured speed as the fit sees it."""

    case_id: str
    at: Vector
    log_utilisation: float
    model: str
    source: str


def points(context: Context, constants: TrainingConstants) -> list[Point]:
    """Every kept row whose speed can be predicted."""
    return [_point(row, score, context, constants) for row, score in rows_of("training_throughput.csv", context)]


def rows_of(file: str, context: Context) -> Iterator[tuple[Row, Score]]:
    """Rows of the evidence that are not doubtful, with the figures predicted for them."""
    with (DATA / "evidence" / file).open(newline="") as lines:
        for row in csv.DictReader(lines):
            for score in training.score(row, context):
                if score.status == "scored" and "rows=kept" in score.groups:
                    yield row, score


def _point(row: Row, score: Score, context: Context, constants: TrainingConstants) -> Point:
    case = training.speed_case(row, context, constants)
    step = case.step()
    assert score.predicted is not None
    measured_s = step.seconds * score.predicted / score.measured
    compute_s = max(measured_s - step.offload_s - step.communication_s - step.dequantise_s, 0.3 * measured_s)
    now = speed.utilisation(step.exponents, constants.speed)
    at = [1.0 if name == BASE else step.exponents.get(name, 0.0) for name in NAMES]
    model = re.sub(r"[ _-]|meta|\(.*|^.*/", "", (row["base_model_id"] or row["model"]).lower()).replace("3.1", "3")
    return Point(
        case_id=row["case_id"],
        at=at,
        log_utilisation=math.log(now * step.compute_s / compute_s),
        model=model,
        source=case.case.framework.id,
    )


def fit(rows: Sequence[Point], priors: dict[str, tuple[float, float]], rounds: int = 8) -> Vector:
    """Log factors by iteratively reweighted least squares."""
    prior = [math.log(priors[name][0]) for name in NAMES]
    precision = [STRENGTH / priors[name][1] ** 2 for name in NAMES]
    size = range(len(NAMES))
    factors = prior
    for _ in range(rounds):
        left = [[precision[i] if i == j else 0.0 for j in size] for i in size]
        right = [precision[i] * prior[i] for i in size]
        for row in rows:
            used = [i for i in size if row.at[i]]
            weight = 1 / max(abs(row.log_utilisation - sum(row.at[i] * factors[i] for i in used)), 0.05)
            for i in used:
                right[i] += weight * row.at[i] * row.log_utilisation
                for j in used:
                    left[i][j] += weight * row.at[i] * row.at[j]
        factors = solve(left, right)
    return factors


def solve(matrix: list[Vector], right: Vector) -> Vector:
    """Gaussian elimination; the matrix is positive definite."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i, pivot in enumerate(rows):
        for other in rows[i + 1 :]:
            factor = other[i] / pivot[i]
            for k in range(i, len(pivot)):
                other[k] -= factor * pivot[k]
    answer = [0.0] * len(rows)
    for i in reversed(range(len(rows))):
        done = sum(rows[i][k] * answer[k] for k in range(i + 1, len(rows)))
        answer[i] = (rows[i][-1] - done) / rows[i][i]
    return answer


def errors(rows: Sequence[Point], factors: Vector) -> Vector:
    """Predicted over measured, less one."""
    return [
        math.exp(sum(a * b for a, b in zip(row.at, factors, strict=True)) - row.log_utilisation) - 1 for row in rows
    ]


def left_out(
    rows: Sequence[Point], priors: dict[str, tuple[float, float]], group: Callable[[Point], str]
) -> dict[str, float]:
    """Error of every row, by its case, under factors fitted without its group."""
    found: dict[str, float] = {}
    for name in sorted({group(row) for row in rows}):
        factors = fit([row for row in rows if group(row) != name], priors)
        own = [row for row in rows if group(row) == name]
        found |= dict(zip((row.case_id for row in own), errors(own, factors), strict=True))
    return found


def describe_errors(all_errors: Iterable[float]) -> str:
    """Median size, bias and spread of errors in one line."""
    all_errors = list(all_errors)
    sizes = [abs(error) for error in all_errors]
    near = sum(size <= 0.25 for size in sizes) / len(sizes)
    ratios = sorted(1 / (1 + error) for error in all_errors)
    low, high = ratios[len(ratios) // 10], ratios[len(ratios) * 9 // 10]
    return (
        f"median |error| {median(sizes):6.1%}   bias {median(all_errors):+6.1%}   within 25 % {near:4.0%}"
        f"   actual/predicted 10-90 %: {low:.2f}-{high:.2f}"
    )


def memory_left_out(context: Context, constants: TrainingConstants) -> dict[str, float]:
    """Errors of peak memory with each stack's own constants dropped, but for bytes per state and checkpointing."""
    generic = constants.frameworks["generic"]
    unknown = {name: _without_constants(each, generic) for name, each in constants.frameworks.items()}
    inventory = replace(context.inventory, training=replace(constants, frameworks=unknown))
    return memory_errors(context._replace(inventory=inventory))


def _without_constants(framework: Framework, generic: Framework) -> Framework:
    return generic._replace(
        precision=framework.precision,
        adapter_precision=framework.adapter_precision,
        checkpointing=framework.checkpointing,
        checkpointing_sharded=framework.checkpointing_sharded,
        loss=framework.loss,
        lora_targets=framework.lora_targets,
        gradient_bytes=framework.gradient_bytes,
        offload_moves=framework.offload_moves,
        sharding=framework.sharding,
        stack=framework.stack,
        patterns=framework.patterns,
    )


def memory_errors(context: Context) -> dict[str, float]:
    """Errors of the peaks that are predicted under this context, by case."""
    rows = rows_of("training_memory.csv", context)
    return {score.case_id: score.error for row, score in rows if number(row, "peak_memory_gib_per_device")}


def keep(figures: Mapping[tuple[str, str], Mapping[str, float]]) -> None:
    """Errors of what was left out, for docs/accuracy.md: figure and group, then case by case."""
    with LEFT_OUT.open("w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("figure", "left_out", "case_id", "error"))
        for (figure, group), found in figures.items():
            lines.writerows((figure, group, case_id, f"{error:.4f}") for case_id, error in found.items())


def written(text: str, factors: Vector) -> str:
    """training.yaml with the fitted factors in place of the old."""
    for name, value in zip(NAMES, factors, strict=True):
        key = "base_mfu" if name == BASE else re.escape(name)
        text = re.sub(rf"(?m)^( +{key}: )[\d.]+$", rf"\g<1>{math.exp(value):.3f}", text)
    return text


def main() -> None:
    """Prints factors and errors; writes the factors where that is asked for."""
    catalog = load()
    context = Context(catalog.inventory, catalog.model)
    constants = require_training_constants(catalog.inventory)
    rows = points(context, constants)
    priors = NEUTRAL if "--neutral" in sys.argv else PRIORS
    factors = fit(rows, priors)
    for name, value in zip(NAMES, factors, strict=True):
        print(f"{name:32} {math.exp(value):6.3f}   prior {priors[name][0]:.2f}")
    print(f"\nspeed, {len(rows)} rows kept")
    print("in sample           ", describe_errors(errors(rows, factors)))
    unseen = {
        ("speed", "model"): left_out(rows, priors, lambda row: row.model),
        ("speed", "framework"): left_out(rows, priors, lambda row: row.source),
        ("peak memory", "framework"): memory_left_out(context, constants),
    }
    print("each model left out    ", describe_errors(unseen["speed", "model"].values()))
    print("each framework left out", describe_errors(unseen["speed", "framework"].values()))
    for name, found in (
        ("as shipped", memory_errors(context)),
        ("constants of each stack left out", unseen["peak memory", "framework"]),
    ):
        all_errors = list(found.values())
        mape = sum(map(abs, all_errors)) / len(all_errors)
        near = sum(abs(error) <= 0.2 for error in all_errors) / len(all_errors)
        bias, count = median(all_errors), len(all_errors)
        print(f"memory, {name}: MAPE {mape:.1%}, within 20 % {near:.0%}, bias {bias:+.1%}, {count} rows")
    if "--write" in sys.argv:
        path = DATA / "training.yaml"
        path.write_text(written(path.read_text(), factors))
        keep(unseen)


if __name__ == "__main__":
    main()
