"""Half-widths of the memory bands: what 80 % of the rows stay within, and how many of a source that had no say do.

    python -m fitting.memory_bands

Prints for each figure the width that `estimator/accuracy/memory.py` should hold, the widths that come out with each
source left out in turn, and the share of the left-out rows inside. Rules of memory are no fit, so that a row's error is
what it is whether its source was known or not; only the widths can be too narrow for rows that they were read from.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from catalog.cache import DATA
from catalog.load import load
from estimator.accuracy import memory
from estimator.accuracy.score import Context

INSIDE = 0.8
"""Share of the rows that a band should hold."""


class Deviation(NamedTuple):
    """One predicted figure's distance from the measured one, as a fraction, and where that was measured."""

    size: float
    source: str


def main() -> None:
    """Prints the widths, and what they hold of sources that they were not read from."""
    catalog = load()
    context = Context(catalog.inventory, catalog.model)
    deviations: dict[str, list[Deviation]] = defaultdict(list)
    with (DATA / "evidence" / "memory.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            for score in memory.score(row, context):
                if score.status == "scored":
                    source = re.split(r"[# :]", row["source"])[0]  # the repository
                    deviations[score.metric].append(Deviation(abs(score.error), source))
    print(f"{'figure':28} {'rows':>4} {'sources':>7} {'width':>6} {'left out':>14} {'inside':>6}")
    for metric, found in deviations.items():
        widths, inside = left_out(found)
        span = f"{min(widths):.1%}-{max(widths):.1%}" if widths else ""
        sources = len({each.source for each in found})
        print(f"{metric:28} {len(found):4} {sources:7} {width(found):6.1%} {span:>14} {inside:6.0%}")


def width(found: Sequence[Deviation]) -> float:
    """What `INSIDE` of the rows stay within, a source weighing by the root of its rows."""
    counts = Counter(each.source for each in found)
    ordered = sorted((each.size, counts[each.source] ** -0.5) for each in found)
    left = INSIDE * sum(weight for _, weight in ordered)
    for size, weight in ordered:
        left -= weight
        if left <= 0:
            return size
    return ordered[-1][0]


def left_out(found: Sequence[Deviation]) -> tuple[list[float], float]:
    """Widths without each source in turn, and the share of the rows inside the width that had not seen them."""
    widths, inside = [], 0
    for source in {each.source for each in found}:
        others = [each for each in found if each.source != source]
        if others:
            widths.append(width(others))
            inside += sum(each.size <= widths[-1] for each in found if each.source == source)
    return widths, inside / len(found)


if __name__ == "__main__":
    main()
