"""Refits catalog/data/efficiency.yaml on the measured serving cases, and cross-validates the fit.

    python -m fitting.fit_serving            # whole sources, architectures, then accelerators left out
    python -m fitting.fit_serving --write    # the same, with constants, bands and fitting/left_out.csv written
    python -m fitting.fit_serving --engine llamacpp --write    # constants of the classes of that name alone

Kernel constants have log-normal priors around what kernel tables measured, engine factors around 1, so that what few
cases say stays near physics. Sources and architectures have offsets of their own on each engine, which predictions
leave out, so that many cases of one do not pass for many. What is left out is predicted by the constants that the
other cases give: the fit's own linear model moves them, and the product answers under them. Needs numpy.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

try:
    import numpy
except ImportError:
    sys.exit("fit_serving needs numpy: pip install numpy")

from catalog.cache import DATA
from catalog.load import load
from estimator.accuracy.score import Score, summarise
from estimator.engines.speed_constants import Efficiency
from fitting.serving_bands import write_bands
from fitting.serving_priors import Parameter, parameters
from fitting.serving_rows import FitCase, fit_cases, with_constant

LEFT_OUT = Path(__file__).parent / "left_out.csv"
WORKERS = 3
"""Processes that take slopes."""
JACOBIANS, STEPS = 2, 5
"""Times that slopes are taken, and robust steps along each of them."""
STRENGTH = 1.4
"""How much narrower than stated the priors are taken: of 0.5 to 4, sources left out are nearest under this."""
ROBUST_STEPS = 3
"""Solutions of the linear model, each with the outliers' weights of the one before."""
NUDGE = 0.02
"""Change of a constant's logarithm from which its slopes are taken."""
NOISE = {"ttft_ms": 0.4}
"""Spread of repeated measurements; 0.12 for every other metric."""
OFFSET, SOURCE_OFFSET = 0.2, 0.2
"""Spread among architectures, and among sources, of what all cases of one on one engine have in common."""
ALIKE = 0.7
"""Correlation of one llama.cpp constant among devices: two architectures cannot tell them apart."""
OWN_PEAK = frozenset({"compute", "compute_quantised", "compute_integer", "attention"})
"""Shares of a peak, which say of one device's tensor cores nothing about another's."""
TIMES = frozenset({"tpot_ms", "ttft_ms"})
"""Metrics that grow as a machine slows; the others are rates."""
GROUPS: dict[str, Callable[[FitCase], Hashable]] = {
    "source": lambda case: case.source,
    "architecture": lambda case: case.shape,
    "accelerator": lambda case: case.row["accelerator_id"],
}
"""What is left out in turn."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="rewrite efficiency.yaml and left_out.csv")
    parser.add_argument("--strength", type=float, default=STRENGTH, help="weight of the priors")
    parser.add_argument("--engine", default="", help="speed classes whose name begins so, and the kernels of their own")
    options = parser.parse_args()
    catalog = load()
    cases = [case for case in fit_cases(catalog) if case.engine.startswith(options.engine)]
    fit = Fit(catalog.inventory.efficiency, cases, options.strength)
    fit.run()
    report("in sample", fit.scores(fit.efficiency(), fit.cases))
    left_out = {name: list(fit.left_out(key)) for name, key in GROUPS.items()}
    for name, scores in left_out.items():
        report(f"{name} left out", scores)
    if options.write:
        write(fit.parameters, numpy.exp(fit.x[: len(fit.parameters)]))
    if options.write and not options.engine:
        write_bands(left_out["source"], {case.row["case_id"]: case for case in fit.cases})
        keep(left_out)


class Fit:
    """Cases, parameters, and the logarithms of the constants with the offsets of sources and architectures."""

    def __init__(self, base: Efficiency, cases: Sequence[FitCase], strength: float) -> None:
        self.base = base
        self.parameters = [each for each in parameters(base) if any(map(each.moves, cases))]
        self.priors = numpy.log([each.prior for each in self.parameters])
        widths = numpy.array([each.width for each in self.parameters]) / strength
        start = numpy.log([each.start for each in self.parameters])
        start = numpy.clip(start, self.priors - 3 * widths, self.priors + 3 * widths)
        stated = [(case, case.scores(base)) for case in cases]
        self.cases = [case for case, scores in stated if scores]
        figures = [(case, score.metric) for case, scores in stated for score in scores]
        self.owner = [case for case, _ in figures]
        self.design, spreads = offsets(figures)
        self.noise = numpy.array([NOISE.get(metric, 0.12) for _, metric in figures])
        self.weights = numpy.array([case.weight for case, _ in figures])
        count, others = len(self.parameters), self.design.shape[1]
        self.precision = numpy.diag(numpy.concatenate([numpy.ones(count), spreads**-2]))
        self.precision[:count, :count] = numpy.linalg.inv(covariance(self.parameters, widths))
        self.centre = numpy.concatenate([self.priors, numpy.zeros(others)])
        self.x = numpy.concatenate([start, numpy.zeros(others)])
        self.slopes = numpy.zeros((len(figures), count))
        self.errors = numpy.zeros(len(figures))

    def efficiency(self, x: Any = None) -> Efficiency:
        """The constants at a point; at the fit's own where none is named."""
        values: Any = self.base
        for parameter, value in zip(self.parameters, numpy.exp(self.x if x is None else x), strict=False):
            values = with_constant(values, parameter.path, float(value))
        return values  # type: ignore[no-any-return]

    def scores(self, efficiency: Efficiency, cases: Sequence[FitCase]) -> list[Score]:
        return [score for case in cases for score in case.scores(efficiency)]

    def logs(self, efficiency: Efficiency, cases: Sequence[FitCase]) -> Any:
        """Logarithms of predicted over measured."""
        return numpy.log([each.predicted / each.measured for each in self.scores(efficiency, cases)])  # type: ignore

    def cost(self, x: Any, errors: Any) -> float:
        scaled = (errors + self.design @ x[len(self.parameters) :]) / self.noise
        away = x - self.centre
        return float(numpy.sum((numpy.arcsinh(scaled) * self.weights) ** 2) + away @ self.precision @ away)

    def run(self) -> None:
        """Gauss-Newton in the logarithm of every constant; a constant is only tried on the cases it moves."""
        self.errors = self.logs(self.efficiency(), self.cases)
        for _ in range(JACOBIANS):
            self.take_slopes()
            for _ in range(STEPS):
                before, step = self.cost(self.x, self.errors), self.solved() - self.x
                for share in (1.0, 0.5, 0.25):
                    tried = self.x + share * numpy.clip(step, -0.5, 0.5)
                    errors = self.logs(self.efficiency(tried), self.cases)
                    if self.cost(tried, errors) < before:
                        self.x, self.errors = tried, errors
                        break
                else:
                    break
                print(f"cost {before:.0f} -> {self.cost(self.x, self.errors):.0f}", flush=True)
                if self.cost(self.x, self.errors) > 0.999 * before:
                    break

    def take_slopes(self) -> None:
        """What each figure's logarithm does as each constant's grows."""
        global _fit
        _fit = self
        with get_context("fork").Pool(WORKERS) as pool:
            for column, changes in enumerate(pool.imap(_slopes, range(len(self.parameters)), chunksize=4)):
                for lines, slopes in changes:
                    self.slopes[lines, column] = slopes

    def slopes_of(self, column: int) -> list[tuple[slice, Any]]:
        """The lines that one constant moves, with their slopes."""
        parameter = self.parameters[column]
        nudged: Any = with_constant(self.efficiency(), parameter.path, float(numpy.exp(self.x[column] + NUDGE)))
        found, at = [], 0
        for case, own in _runs(self.owner):
            lines = slice(at, at := at + own)
            if parameter.moves(case):
                found.append((lines, (self.logs(nudged, [case]) - self.errors[lines]) / NUDGE))
        return found

    def weighted(self, errors: Any, x: Any) -> tuple[Any, Any]:
        """Slopes and errors in units of their noise; outliers count by their logarithm."""
        scaled = (errors + self.design @ x[len(self.parameters) :]) / self.noise
        whole = numpy.hstack([self.slopes, self.design])
        return whole * (self.weights / self.noise / numpy.hypot(1, scaled))[:, None], numpy.arcsinh(
            scaled
        ) * self.weights

    def solved(self) -> Any:
        """The point that the linear model gives."""
        x = self.x
        for _ in range(ROBUST_STEPS):
            errors = self.errors + self.slopes @ (x - self.x)[: len(self.parameters)]
            jacobian, residuals = self.weighted(errors, x)
            gradient = jacobian.T @ residuals + self.precision @ (x - self.centre)
            x = x + numpy.linalg.solve(jacobian.T @ jacobian + self.precision, -gradient)
        return x

    def left_out(self, key: Callable[[FitCase], Hashable]) -> Iterator[Score]:
        """Every case predicted by constants that have not seen its group: one step of the linear model without it."""
        groups: dict[Hashable, list[FitCase]] = defaultdict(list)
        for case in self.cases:
            groups[key(case)].append(case)
        jacobian, residuals = self.weighted(self.errors, self.x)
        normal = jacobian.T @ jacobian + self.precision
        gradient = jacobian.T @ residuals + self.precision @ (self.x - self.centre)
        for group, members in groups.items():
            own = numpy.array([key(case) == group for case in self.owner])
            without, forgotten = normal - jacobian[own].T @ jacobian[own], gradient - jacobian[own].T @ residuals[own]
            x = self.x - numpy.linalg.solve(without, forgotten)
            yield from self.scores(self.efficiency(x), members)


_fit: Fit
"""The fit that worker processes inherit."""


def _slopes(column: int) -> list[tuple[slice, Any]]:
    return _fit.slopes_of(column)


def _runs(owners: Sequence[FitCase]) -> Iterator[tuple[FitCase, int]]:
    """Cases with the number of their figures, in order."""
    counts: dict[int, int] = defaultdict(int)
    cases = {}
    for case in owners:
        counts[id(case)] += 1
        cases[id(case)] = case
    for name, case in cases.items():
        yield case, counts[name]


def offsets(figures: Sequence[tuple[FitCase, str]]) -> tuple[Any, Any]:
    """Which figures each offset moves, which way, and its spread: an architecture's, and a source's, on one engine.

    An engine that one source alone measured has none of that source: its constants are all that is known of it.
    """
    sources: dict[str, set[str]] = defaultdict(set)
    for case, _ in figures:
        sources[case.engine].add(case.source)
    keys = []
    for case, metric in figures:
        first = metric == "ttft_ms"
        of_source = ((case.engine, case.source, first),) if len(sources[case.engine]) > 1 else ()
        keys.append(((case.engine, case.row["kind"], case.shape, first), *of_source))
    columns = {key: column for column, key in enumerate(dict.fromkeys(key for own in keys for key in own))}
    design = numpy.zeros((len(keys), len(columns)))
    for line, (own, (_, metric)) in enumerate(zip(keys, figures, strict=True)):
        for key in own:
            design[line, columns[key]] = 1.0 if metric in TIMES else -1.0
    return design, numpy.array([OFFSET if len(key) == 4 else SOURCE_OFFSET for key in columns])


def covariance(found: Sequence[Parameter], widths: Any) -> Any:
    """Of the logarithms of the constants before any case."""
    fields = [
        each.path[-1] if each.path[0] == "llama_cpp" and each.path[-1] not in OWN_PEAK else each.path for each in found
    ]
    alike = numpy.array([[one == other for other in fields] for one in fields])
    return numpy.outer(widths, widths) * numpy.where(alike, ALIKE, 0.0) + numpy.diag((1 - ALIKE) * widths**2)


def report(title: str, scores: list[Score]) -> None:
    print(f"\n{title}\n{'metric':22} {'group':46} {'n':>5} {'MdAPE':>6} {'MAPE':>6} {'bias':>6} {'band':>5}")
    for line in summarise(scores):
        if line.group == "all" or (line.cases >= 20 and line.group.startswith(("kind=", "engine=", "accelerator="))):
            print(
                f"{line.metric:22} {line.group:46} {line.cases:5} {100 * line.mdape:6.1f} {100 * line.mape:6.1f} "
                f"{100 * line.bias:+6.1f} {100 * (line.band_coverage or 0):5.0f}",
                flush=True,
            )


def keep(left_out: dict[str, list[Score]]) -> None:
    """Left-out predictions, for docs/accuracy.md; their bands are worked out when the page is made."""
    with LEFT_OUT.open("w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("left_out", "case_id", "metric", "predicted"))
        for name, scores in left_out.items():
            for score in scores:
                lines.writerow((name, score.case_id, score.metric, f"{score.predicted:.5g}"))


def write(found: Sequence[Parameter], values: Sequence[float]) -> None:
    """Puts every fitted constant back into the file, in its place; comments and order stay."""
    path = DATA / "efficiency.yaml"
    text = path.read_text()
    root = yaml.compose(text)
    edits = []
    for parameter, value in zip(found, values, strict=True):
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


if __name__ == "__main__":
    main()
