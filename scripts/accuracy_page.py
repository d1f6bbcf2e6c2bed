"""Writes docs/accuracy.md and docs/accuracy.svg: what is predicted against everything measured that ships.

Predictions of what a fit had not seen come from fitting/left_out.csv, which `fitting/fit_serving.py --write` writes.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median

from catalog.load import load
from estimator.accuracy.score import Context, Score, Summary, summarise
from scripts import readme_figures
from tui.cli.accuracy import EVIDENCE, score_file

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LEFT_OUT = ROOT / "fitting" / "left_out.csv"
TRAINING_LEFT_OUT = ROOT / "fitting" / "training_left_out.csv"
LEFT = ("source", "architecture", "accelerator")
"""What was left out in turn."""
FAR, ASIDE = 0.20, 0.12
"""Median error, and bias, from which a group is called weak."""
FEWEST = 20
"""Cases of a group that the page shows."""
GROUPS = ("kind", "engine", "accelerator", "format", "model")
SIZE, MARGIN = 460, 46
COLORS = {
    "serving_concurrency": "#1f77b4",
    "throughput_max": "#d62728",
    "single_stream_decode": "#2ca02c",
    "prefill_latency": "#9467bd",
}
HEAD = """# Accuracy

Made by `python -m scripts.accuracy_page` from the measured cases in `catalog/data/evidence`; do not edit.
`llmcalc-tui accuracy` prints the same for them, or for a CSV of your own. A serving row is asked like a scenario of
yours and answered by what answers a screen ([evidence-columns.md](evidence-columns.md)).

MdAPE and MAPE are the median and the mean absolute error, bias is the median signed error, and the last column is the
share of cases inside the band, which aims at 80 %. Rows of one source are not independent, and a few sources hold most
rows: the headline weighs every source alike. Expect of a case that nobody measured what stands under sources left out.

![Predicted against measured serving figures](accuracy.svg)
"""
COLUMNS = "| n | MdAPE | MAPE | bias | within 20 % | in band |\n"
RULE = "---:|---:|---:|---:|---:|---:|\n"


def main() -> None:
    catalog = load()
    context = Context(catalog.inventory, catalog.model)
    scores = {path.stem: list(score_file(path, context)) for path in sorted(EVIDENCE.glob("*.csv"))}
    (DOCS / "accuracy.md").write_text("\n".join(page(scores)), encoding="utf-8")
    (DOCS / "accuracy.svg").write_text("\n".join(plot(scores["serving"])) + "\n", encoding="utf-8")
    readme_figures.main()


def page(scores: dict[str, list[Score]]) -> Iterator[str]:
    yield HEAD
    yield from headline(scores["serving"])
    for name, found in scores.items():
        lines = summarise(found)
        answered = sum(score.status == "scored" for score in found)
        yield f"## {name.replace('_', ' ').capitalize()}\n"
        yield f"{len(found):,} figures, {answered:,} answered.\n"
        yield table("metric", [(line.metric, line) for line in lines if line.group == "all"])
        if name == "serving":
            yield from serving(lines)
            yield from excluded(found)
    yield from training_left_out()
    for name in LEFT:
        yield f"## Serving, whole {name}s left out of the fit\n"
        yield f"Every case predicted by constants that were fitted without its {name}.\n"
        lines = summarise(left_out(scores["serving"], name))
        yield table("metric, kind or engine", _headline(lines))
        if name == "source":
            yield from weak(lines)


def training_left_out() -> Iterator[str]:
    """Training runs as predicted without their framework's own constants, or without their model's cases."""
    errors: dict[str, list[float]] = {}
    with TRAINING_LEFT_OUT.open(newline="") as lines:
        for line in csv.DictReader(lines):
            errors.setdefault(f"{line['figure']}, {line['left_out']}s left out", []).append(float(line["error"]))
    yield "## Training, whole frameworks and models left out\n"
    yield "A framework that nobody measured has the generic one's constants. Doubtful rows do not count.\n"
    yield "| figure | n | MdAPE | MAPE | bias | within 20 % |\n|---|---:|---:|---:|---:|---:|"
    for name, found in errors.items():
        sizes = [abs(error) for error in found]
        near = sum(size <= 0.2 for size in sizes) / len(sizes)
        yield (
            f"| {name} | {len(found)} | {_percent(median(sizes))} | {_percent(fmean(sizes))} | "
            f"{100 * median(found):+.1f} | {_percent(near)} |"
        )
    yield ""


def headline(scores: list[Score]) -> Iterator[str]:
    """The mean over sources of each source's median error, in sample and left out."""
    yield "## Headline: every source alike\n"
    yield "The mean over sources of each source's median absolute error, in the fit and with a group left out of it.\n"
    columns = {"fit": _by_source(scores)} | {name: _by_source(left_out(scores, name)) for name in LEFT}
    yield f"| metric | sources | {' | '.join(name if name == 'fit' else f'{name}s left out' for name in columns)} |"
    yield f"|---|---:|{'---:|' * len(columns)}"
    for metric, known in columns["fit"].items():
        figures = [_percent(fmean(each[metric].values())) if metric in each else "" for each in columns.values()]
        yield f"| {metric} | {len(known)} | {' | '.join(figures)} |"
    yield ""


def weak(lines: Iterable[Summary]) -> Iterator[str]:
    """Groups of some size that are off by more than a fifth, or all to one side."""
    yield "### Where we are weak\n"
    yield f"Groups of {FEWEST} cases and more, sources left out: off by {FAR:.0%}, or by {ASIDE:.0%} to one side.\n"
    groups = ("kind=", "engine=", "accelerator=", "format=")
    poor = [
        (f"{line.group}: {line.metric}", line)
        for line in lines
        if line.cases >= FEWEST and line.group.startswith(groups) and (line.mdape > FAR or abs(line.bias) > ASIDE)
    ]
    yield table("group: metric", sorted(poor, key=lambda pair: -pair[1].mdape))


def excluded(scores: list[Score]) -> Iterator[str]:
    """Rows that a rule keeps out, by rule, and what the figures are with them."""
    out = [score for score in scores if score.status == "excluded"]
    yield "### Excluded by rule\n"
    yield "The rules stand in [evidence-columns.md](evidence-columns.md); none of them looks at a residual.\n"
    yield "| rule | cases |\n|---|---|"
    for rule in sorted({score.reason or "" for score in out}):
        yield f"| {rule} | {', '.join(dict.fromkeys(each.case_id for each in out if each.reason == rule))} |"
    yield "\nWith them included:\n"
    lines = summarise(score._replace(status="scored") if score.status == "excluded" else score for score in scores)
    yield table("metric", [(line.metric, line) for line in lines if line.group == "all"])


def serving(lines: list[Summary]) -> Iterator[str]:
    for group in GROUPS:
        chosen = [
            (f"{line.group.partition('=')[2]}: {line.metric}", line)
            for line in lines
            if line.group.startswith(f"{group}=") and line.cases >= FEWEST
        ]
        yield f"### By {group}\n"
        yield table(f"{group}: metric", sorted(chosen, key=lambda pair: pair[0].lower()))


def _by_source(scores: Iterable[Score]) -> dict[str, dict[str, float]]:
    """Metric -> source -> median absolute error; a source is a repository or page: what stands before the file name."""
    with (EVIDENCE / "serving.csv").open(newline="") as lines:
        sources = {row["case_id"]: row["source"].partition(":")[0] for row in csv.DictReader(lines)}
    errors: dict[str, dict[str, list[float]]] = {}
    for score in scores:
        if score.status == "scored":
            known = errors.setdefault(score.metric, {})
            known.setdefault(sources[score.case_id], []).append(abs(score.error))
    return {metric: {name: median(each) for name, each in known.items()} for metric, known in errors.items()}


def table(title: str, rows: Sequence[tuple[str, Summary]]) -> str:
    body = "".join(
        f"| {name} | {line.cases} | {_percent(line.mdape)} | {_percent(line.mape)} | {100 * line.bias:+.1f} | "
        f"{_percent(line.within_20_percent)} | {_percent(line.band_coverage)} |\n"
        for name, line in rows
    )
    return f"| {title} {COLUMNS}|---|{RULE}{body}"


def _headline(lines: Iterable[Summary]) -> list[tuple[str, Summary]]:
    return [
        (f"{line.metric}, {line.group.partition('=')[2] or line.group}", line)
        for line in lines
        if line.group == "all" or (line.group.startswith(("kind=", "engine=")) and line.cases >= FEWEST)
    ]


def left_out(scores: list[Score], name: str) -> Iterator[Score]:
    """The same figures as predicted by constants that had not seen their source, architecture or accelerator."""
    known = {(score.case_id, score.metric): score for score in scores if score.status == "scored"}
    with LEFT_OUT.open(newline="") as lines:
        for line in csv.DictReader(lines):
            score = known.get((line["case_id"], line["metric"]))
            if line["left_out"] != name or score is None or not score.predicted:
                continue
            moved = float(line["predicted"]) / score.predicted
            low, high = (None if edge is None else edge * moved for edge in (score.low, score.high))
            yield score._replace(predicted=score.predicted * moved, low=low, high=high)


def plot(scores: list[Score]) -> Iterator[str]:
    """Log-log scatter of predicted over measured, one panel for throughput and one for latencies."""
    panels = (
        ("tokens per second", ("output_tokens_per_s", "total_tokens_per_s"), (1.0, 1e5)),
        ("milliseconds: TTFT and TPOT", ("ttft_ms", "tpot_ms"), (1.0, 1e5)),
    )
    width, height = SIZE * len(panels), SIZE + 24
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    yield f'<rect width="{width}" height="{height}" fill="white"/>'
    for index, (title, metrics, limits) in enumerate(panels):
        shown = [score for score in scores if score.metric in metrics and score.status == "scored"]
        yield from panel(index * SIZE, title, shown, limits)
    for index, (kind, color) in enumerate(COLORS.items()):
        x = MARGIN + index * 200
        yield f'<circle cx="{x}" cy="{SIZE + 8}" r="4" fill="{color}"/>'
        yield f'<text x="{x + 10}" y="{SIZE + 12}" font-size="12">{kind.replace("_", " ")}</text>'
    yield "</svg>"


def panel(left: float, title: str, scores: list[Score], limits: tuple[float, float]) -> Iterator[str]:
    low, high = (math.log10(limit) for limit in limits)
    scale = (SIZE - 2 * MARGIN) / (high - low)

    def at(value: float) -> float:
        return (min(max(math.log10(value), low), high) - low) * scale

    bottom = SIZE - MARGIN
    for decade in range(int(low), int(high) + 1):
        x, y = left + MARGIN + at(10.0**decade), bottom - at(10.0**decade)
        yield f'<path d="M{x:.0f} {MARGIN}V{bottom}M{left + MARGIN} {y:.0f}H{left + SIZE - MARGIN}" stroke="#ddd"/>'
        yield f'<text x="{x:.0f}" y="{bottom + 16}" font-size="11" text-anchor="middle">{10**decade:,}</text>'
        yield f'<text x="{left + MARGIN - 4}" y="{y + 4:.0f}" font-size="11" text-anchor="end">{10**decade:,}</text>'
    for factor, dash in ((1.0, ""), (1.2, ' stroke-dasharray="4 4"'), (1 / 1.2, ' stroke-dasharray="4 4"')):
        ends = [(left + MARGIN + at(limit), bottom - at(limit * factor)) for limit in limits]
        yield f'<path d="M{ends[0][0]:.1f} {ends[0][1]:.1f}L{ends[1][0]:.1f} {ends[1][1]:.1f}" stroke="#555"{dash}/>'
    for kind, color in COLORS.items():
        dots = "".join(
            f"M{left + MARGIN + at(score.measured):.1f} {bottom - at(score.predicted):.1f}h0"
            for score in scores
            if f"kind={kind}" in score.groups and score.predicted
        )
        if dots:
            yield f'<path d="{dots}" stroke="{color}" stroke-width="3" stroke-linecap="round" stroke-opacity="0.5"/>'
    yield f'<text x="{left + SIZE / 2}" y="{MARGIN - 14}" font-size="14" text-anchor="middle">{title}</text>'
    yield f'<text x="{left + SIZE / 2}" y="{bottom + 34}" font-size="12" text-anchor="middle">measured</text>'
    yield (
        f'<text transform="translate({left + 10} {SIZE / 2}) rotate(-90)" font-size="12" '
        f'text-anchor="middle">predicted</text>'
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
    main()
