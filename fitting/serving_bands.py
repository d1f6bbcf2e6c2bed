"""Widths of the bands: measured over predicted of cases whose whole source a fit had not seen."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from catalog.cache import DATA
from estimator.accuracy.score import Score
from fitting.quantiles import weighted_quantiles
from fitting.serving_rows import FitCase

METRICS = {
    "tpot_ms": "tpot",
    "ttft_ms": "ttft",
    "output_tokens_per_s": "throughput",
    "total_tokens_per_s": "throughput",
    "requests_per_s": "throughput",
}
TIMES = frozenset({"tpot_ms", "ttft_ms"})
OUTSIDE = {"single": 10.0, "serving": 9.0, "burst": 9.0}
"""Percent of the cases left outside a band on either side, sources weighing alike up to a root: 80 % bands, somewhat
wider where users share an engine, whose next source will have settings that none here had."""
FEWEST, FEWEST_SOURCES = 40, 3
"""Cases and sources from which an engine has a band of its own."""


def load_kind(case: FitCase) -> str:
    """Kind of load, as the product chooses a band."""
    workload = case.case.scenario.workload
    return "burst" if workload.kind == "burst" else "single" if workload.concurrency <= 1 else "serving"


def write_bands(scores: Sequence[Score], cases: Mapping[str, FitCase]) -> None:
    """Rewrites the bands by metric, kind of load and engine; those of a confidence class are our judgement and stay."""
    ratios: dict[tuple[str, str, str], list[tuple[float, str]]] = defaultdict(list)
    for score in scores:
        metric, case = METRICS.get(score.metric), cases[score.case_id]
        if case.row["kind"] == "prefill_latency" and score.metric == "total_tokens_per_s":
            metric, ratio = (
                "ttft",
                (score.predicted or 1.0) / score.measured,
            )  # a rate of prompts is a first token's time
        else:
            ratio = score.measured / (score.predicted or 1.0)
        if metric == "throughput" and case.row["rate_is"] == "decode":
            metric, ratio = "tpot", 1 / ratio
        if metric:
            for engine in ("", case.engine):
                ratios[metric, load_kind(case), engine].append((ratio, case.source))
    path = DATA / "efficiency.yaml"
    head, _, tail = path.read_text().partition("\nbands:\n")
    lines = [line for line in tail.splitlines() if "confidence:" in line]
    for (metric, kind, engine), values in sorted(ratios.items()):
        sources = {source for _, source in values}
        if engine and (len(values) < FEWEST or len(sources) < FEWEST_SOURCES):
            continue
        low, high = weighted_quantiles(values, OUTSIDE[kind])
        named = f"engine: {engine}, " if engine else ""
        lines.append(f"  - {{metric: {metric}, kind: {kind}, {named}low: {low:.3g}, high: {high:.3g}}}")
    path.write_text("\n".join((head, "bands:", *lines, "")))
