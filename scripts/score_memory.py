"""Predicted against measured memory: median, mean and share within 2 % per figure and engine version."""

import csv
import sys
from collections import Counter
from pathlib import Path
from statistics import fmean, median

import catalog.load
from estimator.accuracy.memory import score
from estimator.accuracy.score import Context, Score, text

EVIDENCE = Path(__file__).parent.parent / "catalog/data/evidence/memory.csv"


def main(path: Path, verbose: bool) -> None:
    data = catalog.load.load()
    context = Context(data.inventory, data.model)
    by_metric: dict[tuple[str, str], list[Score]] = {}
    skipped: Counter[tuple[str, str]] = Counter()
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            group = f"{text(row, 'engine')} {text(row, 'engine_version') or 'unstated'}"
            for each in score(row, context):
                if each.status == "scored":
                    for name in ("all " + text(row, "engine"), group):
                        by_metric.setdefault((each.metric, name), []).append(each)
                    if verbose and abs(each.error) > 0.02:
                        predicted = each.predicted or 0.0
                        figures = f"{each.measured:12.6g} {predicted:12.6g} {each.error:+8.1%}"
                        print(f"  {each.case_id:24} {each.metric:26} {figures}")
                else:
                    skipped[each.metric, each.reason or ""] += 1
    print(f"{'figure':26} {'engine':32} {'rows':>4} {'median':>8} {'mean':>8} {'<= 2 %':>7}")
    for (metric, name), scores in sorted(by_metric.items()):
        errors = [abs(each.error) for each in scores]
        close = sum(error <= 0.02 for error in errors) / len(errors)
        print(f"{metric:26} {name:32} {len(scores):4} {median(errors):8.2%} {fmean(errors):8.2%} {close:7.0%}")
    for (metric, reason), count in skipped.most_common():
        print(f"not scored: {count:3} {metric:26} {reason}")


if __name__ == "__main__":
    files = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    main(files[0] if files else EVIDENCE, "-v" in sys.argv)
