"""Lengths of the answers of a run as equal strata: what their scatter does to means over requests."""

from functools import lru_cache
from math import ceil, exp, log, sqrt
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload

STRATA = 24
"""Equal strata of the lengths, at most."""


class Answers(NamedTuple):
    """Answers of a run [tokens], one of each stratum, the shortest first; an answer has one gap fewer than tokens."""

    lengths: tuple[float, ...]
    longest: float
    """The longest of all."""
    last: float
    """Share that is in work beyond the last stratum, up to the longest."""

    @property
    def mean_inverse(self) -> float:
        """Mean over requests of one over an answer's gaps: what a wait that each has once adds to its mean gap."""
        gaps = [length - 1 for length in self.lengths if length > 1]
        return sum(1 / max(gap, 1.0) for gap in gaps) / len(gaps) if gaps else 0.0

    def within(self, steps: float) -> float:
        """Mean share of an answer's gaps in the rest of an opening of so many steps, all along which answers begin."""
        gaps = [length - 1 for length in self.lengths if length > 1]
        if not gaps or not steps:
            return 0.0
        return sum(1 - gap / (2 * steps) if gap < steps else steps / (2 * gap) for gap in gaps) / len(gaps)

    def steps_within(self, steps: float) -> float:
        """Mean number of an answer's gaps in the rest of such an opening."""
        gaps = [length - 1 for length in self.lengths]
        return (
            sum(gap - gap**2 / (2 * steps) if gap < steps else steps / 2 for gap in gaps) / len(gaps) if steps else 0.0
        )

    @property
    def batch_share(self) -> float:
        """Share of those that began together which a token finds in work, in the mean over requests."""
        lengths = self.lengths
        return sum(min(own, other) / own for own in lengths for other in lengths) / len(lengths) ** 2

    def emptying(self, together: bool) -> list[tuple[float, float]]:
        """Steps in a row, with the share that is in work meanwhile, until the last answer is complete.

        All begin `together`, or they have been in work for any time, as in a flow of answers.
        """
        lengths, count = self.lengths, len(self.lengths)
        mean, before, parts = sum(lengths) / count, 0.0, list[tuple[float, float]]()
        for index, length in enumerate(lengths):
            middle = (before + length) / 2
            left = (count - index) / count
            if not together:
                left = sum(each - middle for each in lengths[index:]) / (count * mean)
            parts.append((length - before, left))
            before = length
        parts.append((self.longest - before, self.last))
        return parts


def answers(workload: ServingWorkload, requests: float) -> Answers:
    """The answers of so many requests of a workload."""
    if not workload.length_variation and workload.lengths == "fixed":
        length = float(workload.output_tokens)
        return Answers((length,), length, 0.0)
    return _answers(workload.output_tokens, workload.length_variation, workload.lengths, ceil(requests))


@lru_cache(maxsize=512)
def _answers(output_tokens: int, variation: float, name: str, requests: int) -> Answers:
    """Answers with a given mean: of a named shape, else log-normal with `variation` as deviation over mean."""
    from statistics import NormalDist  # few questions ask for spread lengths; 2 ms with its fractions and decimals

    from estimator.serving.load.lengths import SHAPES, quantile

    shape = SHAPES[name][1] if name in SHAPES else None
    width, normal, count = sqrt(log(1 + variation**2)), NormalDist(), min(requests, STRATA)

    def relative(level: float) -> float:
        return quantile(shape, level) if shape else exp(width * normal.inv_cdf(level))

    strata = [relative((stratum + 0.5) / count) for stratum in range(count)]
    scale = output_tokens * count / sum(strata)
    lengths = tuple(max(each * scale, 1.0) for each in strata)
    longest = max(relative(1 - 0.5 / requests) * scale, lengths[-1])
    return Answers(lengths, longest, 1 / sqrt(2 * count * requests))
