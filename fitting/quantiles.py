"""Quantiles of cases that came in groups: the cases of one source are not independent."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise


def weighted_quantiles(values: Sequence[tuple[float, str]], outside: float) -> tuple[float, float]:
    """The band's edges, `outside` percent beyond each; a source's cases weigh by the root of their number together.

    Takes values with the name of their source. Between two neighbours the quantile is interpolated; a value stands in
    the middle of its own weight.
    """
    counts = Counter(source for _, source in values)
    ordered = sorted((value, counts[source] ** -0.5) for value, source in values)
    reached = list(accumulate(weight for _, weight in ordered))
    middles = [(upto - weight / 2) / reached[-1] for upto, (_, weight) in zip(reached, ordered, strict=True)]
    points = list(zip(middles, (value for value, _ in ordered), strict=True))
    return _at(outside / 100, points), _at(1 - outside / 100, points)


def _at(share: float, points: Sequence[tuple[float, float]]) -> float:
    for (before, low), (after, high) in pairwise(points):
        if before <= share <= after:
            return low + (high - low) * (share - before) / (after - before)
    return points[0][1] if share < points[0][0] else points[-1][1]
