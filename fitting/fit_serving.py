"""Refits catalog/data/efficiency.yaml on the measured serving cases, and cross-validates the fit.

    python fitting/fit_serving.py            # cross-validation: whole architectures, then accelerators, left out
    python fitting/fit_serving.py --write    # refit on every case and rewrite the constants

Kernel constants have log-normal priors around what kernel tables measured, engine factors around 1, so that what few
cases say stays near physics. Architectures have offsets of their own on each engine, which predictions leave out, so
that many cases of one do not pass for many architectures. Equal shapes (Llama-3-70B, 3.1-70B, 3.3-70B) leave together.
Needs numpy.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple

import yaml

try:
    import numpy
except ImportError:
    sys.exit("fit_serving needs numpy: pip install numpy")

from catalog.load import Catalog, load
from estimator.accuracy import serving
from estimator.accuracy.cases import engine_class, weights
from estimator.accuracy.score import Context, Row, Score, summarise
from estimator.engines.speed_constants import Efficiency
from estimator.errors import InputError
from estimator.models.hf_config import read
from estimator.models.model import Model
from estimator.serving.speed.compile import compile_step

DATA = Path(__file__).parents[1] / "catalog" / "data"
IMPOSSIBLE = frozenset({"sil-0574", "sil-0575", "sil-0576", "sil-0577", "sil-0583"})
"""More than 0.65 of the dense peak sustained while serving: left out of fits and scores."""
FOLDS = 5
ITERATIONS = 6
NOISE = {"ttft_ms": 0.6}
"""Spread of repeated measurements; 0.12 for every other metric."""
OFFSET = 0.2
"""Spread among architectures of what all cases of one on one engine have in common."""
ALIKE = 0.7
"""Correlation of one llama.cpp constant among devices: two architectures cannot tell them apart."""
TIMES = frozenset({"tpot_ms", "ttft_ms"})
"""Metrics that grow as a machine slows; the others are rates."""

BANDED = {
    "tpot_ms": "tpot",
    "ttft_ms": "ttft",
    "output_tokens_per_s": "throughput",
    "total_tokens_per_s": "throughput",
}
OUTSIDE = {"single_stream_decode": 12}
"""Percent of cases left outside a band on either side; 9 for other kinds."""

# Field, by the path inside an engine class: (prior, standard deviation of its logarithm)
Priors = dict[str, tuple[float, float]]
KERNELS: Priors = {
    "kernels.latency": (1.0, 0.2),
    "kernels.bandwidth": (1.0, 0.1),
    "kernels.compute": (1.0, 0.12),
    "kernels.attention_bandwidth": (1.0, 0.12),
    "kernels.expert_latency": (1.0, 0.25),
    "kernels.expert_bandwidth": (1.0, 0.12),
    "kernels.expert_compute": (1.0, 0.25),
    "kernels.all_reduce_latency": (1.0, 0.2),
}
FORMATS: Priors = {
    "kernels.fp8_compute": (1.0, 0.12),
    "kernels.fp4_compute": (1.0, 0.12),
    "kernels.fp8_cache": (1.0, 0.25),
}
HOST: Priors = {"host.step_ms": (0.5, 1.5), "host.sequence_us": (5.0, 1.5)}
FIRST: Priors = {
    "first_token.layer_ms": (0.7, 0.35),
    "first_token.wait": (1.0, 0.12),
    "benchmark.burst": (0.07, 0.35),
    "prompts.factor": (1.0, 0.2),
}
LOADED: Priors = {"max_batch": (2048.0, 0.4), "benchmark.reserve_gb": (3.0, 0.2)}
ENGINES: dict[str, Priors] = {
    "vllm": KERNELS | FORMATS | FIRST,
    "sglang": KERNELS | FORMATS | FIRST | {"first_token.layer_ms": (2.3, 0.35)},
    "trt-serve": KERNELS | FORMATS | FIRST,
    "vllm-0.11": KERNELS
    | {"host.step_ms": (0.7, 1.5), "host.sequence_us": (30.0, 1.5), "kernels.fp8_compute": (1.0, 0.12)}
    | {"kernels.block_expert_latency": (2.0, 0.4)}
    | {"host.admission_layer_ms": (0.2, 1.5), "state_us": (30.0, 0.5), "prompts.factor": (1.0, 0.3)},
    "vllm-0.11-plain": KERNELS
    | {"host.step_ms": (0.7, 1.5), "host.sequence_us": (20.0, 1.5), "host.admission_layer_ms": (0.2, 1.5)},
    "vllm-v0": KERNELS | {"host.step_ms": (5.0, 1.5), "host.sequence_us": (100.0, 1.5), "prompts.factor": (1.5, 0.3)},
    "vllm-rocm": KERNELS | HOST,
    "trt-1": KERNELS | FORMATS | HOST | LOADED,
    "trt-1.x": KERNELS | FORMATS | HOST | LOADED,
    "trt-0.12": KERNELS | FORMATS | HOST | LOADED,
    "trt-0.5": KERNELS | {"prompts.factor": (1.0, 0.25)},
    "tgi": KERNELS
    | {"host.step_ms": (0.3, 1.5), "first_token.network_ms": (10.0, 0.7), "kernels.all_reduce_latency": (1.0, 1.5)},
    "lmdeploy": KERNELS
    | {"host.step_ms": (0.3, 1.0), "first_token.fixed_ms": (8.0, 0.25), "prompts.factor": (1.0, 0.25)},
    "gptfast": KERNELS,
    "local-w4": KERNELS | {"host.step_ms": (0.1, 1.0)},
    "awq-gemv": KERNELS | {"prompts.factor": (5.0, 1.0), "host.step_ms": (0.1, 1.0)},
    "nim": KERNELS | {"prompts.factor": (1.0, 0.25), "kernels.fp8_cache": (1.0, 0.25)},
}
GENERATIONS = ("turing", "a100", "ga102", "ada", "h100", "h200", "b200", "b300", "gb202", "cdna3")
UNMEASURED = {"turing": 4.0, "ga102": 2.0, "cdna3": 2.0}
"""Generations without kernel tables: their priors are that much wider."""
GEMM_WIDTHS = ({"compute": 0.08, "memory": 0.06, "latency_us": 0.15}, {"memory": 0.06, "latency_us": 0.15})
"""Weight-only products keep their share of the 16-bit product's compute."""
EXPERT_WIDTHS = {"compute": 0.35, "memory": 0.15, "latency_us": 0.25}
MXFP4_WIDTHS = {"compute": 0.25, "memory": 0.25, "latency_us": 0.25, "ramp_rows": 0.4}
"""Kernel tables of mxfp4 disagree most among frameworks."""
ATTENTION_WIDTHS = {"decode": 0.06, "decode_fp8": 0.15, "prefill_compute": 0.08}
LLAMA_CPP_WIDTHS = {
    "memory": 0.15, "memory_quantised": 0.15, "compute": 0.15, "compute_quantised": 0.2, "attention": 0.3,
    "layer_us": 0.3,
}  # fmt: skip


class Parameter(NamedTuple):
    """One constant by its path in the file, its prior, and which cases it can move."""

    path: tuple[str, ...]
    prior: float
    width: float
    start: float

    def moves(self, case: "Case") -> bool:
        section, name, *rest = self.path
        if section == "engines":
            return case.engine == name
        if section == "llama_cpp":
            return case.engine == "llamacpp" and case.local == rest[0]
        return case.generation == name and (rest[0] == "attention" or rest[1] in case.kernels)


class Case(NamedTuple):
    row: Row
    engine: str
    generation: str
    local: str
    kernels: frozenset[str]
    weight: float
    """One sweep counts as one observation."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="refit on every case and rewrite efficiency.yaml")
    parser.add_argument("--strength", type=float, default=1.0, help="weight of the priors")
    options = parser.parse_args()
    fit = Fit(load(), options.strength)
    if options.write:
        constants, seen = fit.run(fit.cases)
        in_sample = [score for _, score in seen]
        report("in sample", in_sample)
        write(fit.parameters, constants)
        write_bands(in_sample + fit.cross_validated(fit.shape), {case.row["case_id"]: case for case in fit.cases})
        return
    for title, key in (("architecture", fit.shape), ("accelerator", lambda case: case.row["accelerator_id"])):
        scores = fit.cross_validated(key)
        report(f"{title} left out", scores)
        if title == "architecture":
            keep(scores)


class Fit:
    """Cases, parameters and the constants that they start from."""

    def __init__(self, catalog: Catalog, strength: float) -> None:
        self.catalog, self.strength = catalog, strength
        self.base = catalog.inventory.efficiency
        self.model = cache(lambda name: self._by_id(catalog.model_id(name)))
        self._by_id = cache(lambda name: Model(name, read(catalog.model_entry(name)["config"])))
        with (DATA / "evidence" / "serving.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["case_id"] not in IMPOSSIBLE]
        sweeps: dict[tuple[str, ...], int] = defaultdict(int)
        for row in rows:
            sweeps[_sweep(row)] += 1
        self.cases = [case for row in rows if (case := self._case(row, sweeps[_sweep(row)]))]
        self.parameters = self._parameters()

    def _case(self, row: Row, repeats: int) -> Case | None:
        context = Context(self.catalog.inventory, self.model)
        try:
            device, architecture = context.accelerator(row), context.model(row).architecture
            kernel = weights(row, architecture).kernel
        except InputError:
            return None
        kernels = {"16", kernel, "mx8" if kernel == "mx" else kernel}
        return Case(
            row,
            engine_class(row),
            device.kernels,
            self.base.llama_cpp.devices.get(device.id, ""),
            frozenset(kernels),
            repeats**-0.5,
        )

    def _parameters(self) -> list[Parameter]:
        parameters = []
        tables = yaml.safe_load((Path(__file__).parent / "kernel_priors.yaml").read_text())
        for engine, priors in ENGINES.items():
            for field, (prior, width) in priors.items():
                path = field.split(".")
                value = reduce(getattr, path, self.base.engines[engine])
                parameters.append(Parameter(("engines", engine, *path), prior, width, max(value, 0.05 * prior)))
        for generation in GENERATIONS:
            kernels = self.base.kernels[generation]
            first = len(parameters)
            for key, gemm in kernels.gemm.items():
                parameters += _around(
                    tables, ("kernels", generation, "gemm", key), gemm, GEMM_WIDTHS[key.startswith("i")]
                )
            for key, experts in kernels.experts.items():
                widths = MXFP4_WIDTHS if key.startswith("mx") else EXPERT_WIDTHS
                parameters += _around(tables, ("kernels", generation, "experts", key), experts, widths)
            parameters += _around(tables, ("kernels", generation, "attention"), kernels.attention, ATTENTION_WIDTHS)
            wider = UNMEASURED.get(generation, 1.0)
            parameters[first:] = [each._replace(width=each.width * wider) for each in parameters[first:]]
        for name, local in self.base.llama_cpp.kernels.items():
            parameters += _around(tables, ("llama_cpp", "kernels", name), local, LLAMA_CPP_WIDTHS)
        return [each for each in parameters if any(each.moves(case) for case in self.cases)]

    def shape(self, case: Case) -> object:
        architecture = self.model(case.row["base_model_id"] or case.row["model_id"]).architecture
        return architecture.hidden, architecture.layers

    def efficiency(self, values: Sequence[float]) -> Efficiency:
        efficiency = self.base
        for parameter, value in zip(self.parameters, values, strict=True):
            efficiency = _with(efficiency, parameter.path, float(value))
        return efficiency

    def scores(self, efficiency: Efficiency, cases: Sequence[Case]) -> list[list[Score]]:
        compile_step.cache_clear()
        context = Context(replace(self.catalog.inventory, efficiency=efficiency), self.model)
        return [[score for score in serving.score(case.row, context) if score.status == "scored"] for case in cases]

    def errors(self, efficiency: Efficiency, cases: Sequence[Case]) -> list[Any]:
        """Logarithms of predicted / measured, case by case."""
        return [
            numpy.log([each.predicted / each.measured for each in scores]) for scores in self.scores(efficiency, cases)
        ]

    def offsets(self, cases: Sequence[Case], scores: Sequence[list[Score]]) -> Any:
        """Which figures each offset moves, and which way: one for an architecture's times on one engine and task."""
        figures = [(case, each.metric) for case, of_case in zip(cases, scores, strict=True) for each in of_case]
        keys = [(case.engine, case.row["kind"], self.shape(case), metric == "ttft_ms") for case, metric in figures]
        columns = {key: column for column, key in enumerate(dict.fromkeys(keys))}
        design = numpy.zeros((len(keys), len(columns)))
        for line, (key, (_, metric)) in enumerate(zip(keys, figures, strict=True)):
            design[line, columns[key]] = 1.0 if metric in TIMES else -1.0
        return design

    def covariance(self) -> Any:
        """Of the logarithms of the constants before any case."""
        widths = numpy.array([each.width for each in self.parameters]) / self.strength
        fields = [each.path[-1] if each.path[0] == "llama_cpp" else each.path for each in self.parameters]
        alike = numpy.array([[one == other for other in fields] for one in fields])
        return numpy.outer(widths, widths) * numpy.where(alike, ALIKE, 0.0) + numpy.diag((1 - ALIKE) * widths**2)

    def run(self, cases: Sequence[Case]) -> tuple[Any, list[tuple[Case, Score]]]:
        """Levenberg-Marquardt in the logarithm of every constant; a parameter is only tried on the cases it moves.

        Offsets of architectures are fitted beside the constants and then dropped: what one architecture's many cases
        have in common counts as one observation, so that constants follow what architectures agree on.
        """
        parameters = self.parameters
        priors = numpy.log([each.prior for each in parameters])
        widths = numpy.array([each.width for each in parameters]) / self.strength
        start = numpy.clip(numpy.log([each.start for each in parameters]), priors - 3 * widths, priors + 3 * widths)
        scores = self.scores(self.efficiency(numpy.exp(start)), cases)
        design = self.offsets(cases, scores)
        noise = numpy.array([NOISE.get(each.metric, 0.12) for of_case in scores for each in of_case])
        weights = numpy.repeat([case.weight for case in cases], [len(of_case) for of_case in scores])
        ends = numpy.cumsum([0, *(len(of_case) for of_case in scores)])
        moved = [[index for index, case in enumerate(cases) if each.moves(case)] for each in parameters]
        count = len(parameters)
        precision = numpy.diag(numpy.full(count + design.shape[1], OFFSET**-2))
        precision[:count, :count] = numpy.linalg.inv(self.covariance())
        centre = numpy.concatenate([priors, numpy.zeros(design.shape[1])])

        def cost(x: Any) -> tuple[float, list[Any], Any]:
            """With the errors by case, and all of them in units of their noise."""
            errors = self.errors(self.efficiency(numpy.exp(x[:count])), cases)
            scaled = (numpy.concatenate(errors) + design @ x[count:]) / noise
            away = x - centre
            return float(numpy.sum((numpy.arcsinh(scaled) * weights) ** 2) + away @ precision @ away), errors, scaled

        x = numpy.concatenate([start, numpy.zeros(design.shape[1])])
        damping, (least, errors, scaled) = 0.01, cost(x)
        for _ in range(ITERATIONS):
            base = self.efficiency(numpy.exp(x[:count]))
            slopes = numpy.zeros((ends[-1], count))
            for column, (parameter, indices) in enumerate(zip(parameters, moved, strict=True)):
                nudged = _with(base, parameter.path, float(numpy.exp(x[column] + 0.02)))
                for index, changed in zip(indices, self.errors(nudged, [cases[i] for i in indices]), strict=True):
                    slopes[ends[index] : ends[index + 1], column] = (changed - errors[index]) / 0.02
            # outliers count by their logarithm
            jacobian = numpy.hstack([slopes, design]) * (weights / noise / numpy.hypot(1, scaled))[:, None]
            normal = jacobian.T @ jacobian + precision
            gradient = jacobian.T @ (numpy.arcsinh(scaled) * weights) + precision @ (x - centre)
            for _ in range(4):
                step = numpy.linalg.solve(normal + damping * numpy.diag(numpy.diag(normal)), -gradient)
                tried = x + numpy.clip(step, -0.5, 0.5)
                tried_cost, *tried_errors = cost(tried)
                if tried_cost < least:
                    gain = least - tried_cost
                    x, least, damping, (errors, scaled) = tried, tried_cost, damping / 4, tried_errors
                    break
                damping *= 4
            else:
                break
            if gain < 3e-4 * least:
                break
        constants = numpy.exp(x[:count])
        scored = self.scores(self.efficiency(constants), cases)
        return constants, [(case, score) for case, scores in zip(cases, scored, strict=True) for score in scores]

    def cross_validated(self, key: Callable[[Case], object]) -> list[Score]:
        """Every case predicted by a fit that has not seen its group."""
        sizes: dict[object, int] = defaultdict(int)
        for case in self.cases:
            sizes[key(case)] += 1
        folds: list[set[object]] = [set() for _ in range(FOLDS)]
        filled = [0] * FOLDS
        for group in sorted(sizes, key=lambda each: -sizes[each]):
            least = filled.index(min(filled))
            folds[least].add(group)
            filled[least] += sizes[group]
        predicted = []
        for fold in folds:
            constants, _ = self.run([case for case in self.cases if key(case) not in fold])
            left_out = [case for case in self.cases if key(case) in fold]
            predicted += [score for scores in self.scores(self.efficiency(constants), left_out) for score in scores]
        return predicted


def _around(known: Any, path: tuple[str, ...], constants: Any, widths: dict[str, float]) -> list[Parameter]:
    for name in path:
        known = known[name]
    return [
        Parameter((*path, field), known[field], width, float(getattr(constants, field)))
        for field, width in widths.items()
    ]


def _with(value: Any, path: tuple[str, ...], number: float) -> Any:
    """The value with one constant replaced, deep inside."""
    name, *rest = path
    if isinstance(value, dict):
        return {**value, name: _with(value[name], tuple(rest), number)}
    changed = {name: _with(getattr(value, name), tuple(rest), number) if rest else number}
    return value._replace(**changed) if isinstance(value, tuple) else replace(value, **changed)


def _sweep(row: Row) -> tuple[str, ...]:
    columns = (
        "kind",
        "model_id",
        "weight_format",
        "accelerator_id",
        "tp",
        "pp",
        "ep",
        "dp",
        "engine",
        "engine_version",
    )
    return tuple(row[column] for column in columns)


def report(title: str, scores: list[Score]) -> None:
    print(f"\n{title}\n{'metric':22} {'group':46} {'n':>5} {'MdAPE':>6} {'MAPE':>6} {'bias':>6} {'band':>5}")
    for line in summarise(scores):
        if line.group == "all" or (line.cases >= 25 and line.group.startswith(("kind=", "engine=", "accelerator="))):
            print(
                f"{line.metric:22} {line.group:46} {line.cases:5} {100 * line.mdape:6.1f} {100 * line.mape:6.1f} "
                f"{100 * line.bias:+6.1f} {100 * (line.band_coverage or 0):5.0f}"
            )


def keep(scores: Sequence[Score]) -> None:
    """Left-out predictions, for docs/accuracy.md."""
    with (Path(__file__).parent / "left_out.csv").open("w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("case_id", "metric", "predicted", "low", "high"))
        for score in scores:
            figures = (score.predicted, score.low, score.high)
            lines.writerow((score.case_id, score.metric, *(f"{value:.5g}" for value in figures if value is not None)))


def write(parameters: Sequence[Parameter], values: Sequence[float]) -> None:
    """Puts every fitted constant back into the file, in its place; comments and order stay."""
    path = DATA / "efficiency.yaml"
    text = path.read_text()
    root = yaml.compose(text)
    edits = []
    for parameter, value in zip(parameters, values, strict=True):
        node = root
        for depth, name in enumerate(parameter.path):
            entry = next((each for key, each in node.value if key.value == name), None)
            if entry is None and depth == len(parameter.path) - 1:  # a default that the file leaves out
                start = node.start_mark.index + (1 if node.flow_style else 0)
                end = ", " if node.flow_style else "\n" + " " * node.start_mark.column
                edits.append((start, start, f"{name}: {value:.4g}{end}"))
                break
            node = entry
        else:
            edits.append((node.start_mark.index, node.end_mark.index, f"{value:.4g}"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    path.write_text(text)


def write_bands(scores: Sequence[Score], cases: dict[str, Case]) -> None:
    """Measured / predicted quantiles by engine class and kind of case: of seen and of left-out cases alike."""
    ratios: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for score in scores:
        case = cases[score.case_id]
        metric = BANDED.get(score.metric)
        if metric and score.predicted:
            for engine in ("", case.engine):
                ratios[metric, case.row["kind"], engine].append(score.measured / score.predicted)
    path = DATA / "efficiency.yaml"
    head, _, tail = path.read_text().partition("\nbands:\n")
    lines = [line for line in tail.splitlines() if "confidence:" in line]  # our judgement, not of any case
    for (metric, kind, engine), values in sorted(ratios.items()):
        if len(values) >= (50 if engine else 20):
            edge = OUTSIDE.get(kind, 9)
            low, high = numpy.percentile(values, [edge, 100 - edge])
            named = f"engine: {engine}, " if engine else ""
            lines.append(f"  - {{metric: {metric}, kind: {kind}, {named}low: {low:.3g}, high: {high:.3g}}}")
    path.write_text("\n".join((head, "bands:", *lines, "")))


if __name__ == "__main__":
    main()
