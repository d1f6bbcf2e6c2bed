"""The spread of speed-ups by drafts: measured over predicted of the paired runs.

    python -m fitting.draft_band

Prints the `draft_gain` that catalog/data/efficiency.yaml should hold, its edges with each source left out in turn, and
the share of the left-out pairs inside. No constant was fitted on these pairs but those that name one of them.
"""

import csv

from catalog.cache import DATA
from catalog.load import load
from estimator.accuracy import speculation
from estimator.accuracy.score import Context
from fitting.quantiles import weighted_quantiles

OUTSIDE = 10.0
"""Percent of the pairs left outside the band on either side."""


def main() -> None:
    """Prints the spread, and what it holds of sources that it was not read from."""
    pairs = ratios()
    low, high = weighted_quantiles(pairs, OUTSIDE)
    print(f"draft_gain: {{low: {low:.3g}, high: {high:.3g}}}  # {len(pairs)} pairs of {len(_sources(pairs))} sources")
    inside = 0
    lows, highs = [], []
    for source in _sources(pairs):
        low, high = weighted_quantiles([each for each in pairs if each[1] != source], OUTSIDE)
        lows.append(low)
        highs.append(high)
        inside += sum(low <= ratio <= high for ratio, other in pairs if other == source)
    print(f"left out: {min(lows):.3g}-{max(lows):.3g} and {min(highs):.3g}-{max(highs):.3g}, {inside / len(pairs):.0%}")


def ratios() -> list[tuple[float, str]]:
    """Measured over predicted speed-up of every pair that is answered, and its source."""
    catalog = load()
    context = Context(catalog.inventory, catalog.model)
    with (DATA / "evidence" / "speculation.csv").open(newline="", encoding="utf-8") as lines:
        return [
            (score.measured / score.predicted, row["source"].partition(":")[0])
            for row in csv.DictReader(lines)
            for score in speculation.score(row, context)
            if score.predicted
        ]


def _sources(pairs: list[tuple[float, str]]) -> list[str]:
    return sorted({source for _, source in pairs})


if __name__ == "__main__":
    main()
