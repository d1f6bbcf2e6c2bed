"""Samples of lengths and of gaps between requests: the mean that is asked for, and the spread of a shape."""

from itertools import pairwise
from random import Random
from statistics import fmean, pstdev

import pytest

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.lengths import (
    QUANTILES,
    SHAPES,
    quantile,
    sample_arrivals,
    sample_lengths,
    variation,
)
from estimator.serving.load.percentiles import ANSWER, PROMPT, length_quantile

EVEN = tuple(2 * level for level in QUANTILES)
"""Anything from nothing to twice the mean, all as often."""


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("part", [PROMPT, ANSWER])
def test_a_recorded_shape_rises_and_has_its_mean_at_one(name: str, part: int) -> None:
    """Quantiles over the mean; straight lines between them overstate a tail that reaches twenty means and more."""
    shape = SHAPES[name][part]
    assert len(shape) == len(QUANTILES)
    assert all(low <= high for low, high in pairwise(shape))
    mean = fmean(quantile(shape, (stratum + 0.5) / 10_000) for stratum in range(10_000))
    assert 0.94 < mean < (1.06 if shape[-1] < 13 else 1.28)


def test_between_known_quantiles_lengths_lie_on_a_line() -> None:
    shape = tuple(float(index**2) for index in range(len(QUANTILES)))
    assert quantile(shape, 0.5) == 36
    assert quantile(shape, 0.55) == pytest.approx((36 + 49) / 2)
    assert quantile(shape, 0.025) == 0.5
    assert quantile(shape, 0.995) == pytest.approx((12**2 + 13**2) / 2)
    assert quantile(shape, 1.0) == 13**2


def test_an_even_shape_deviates_by_its_mean_over_the_root_of_three() -> None:
    assert variation(EVEN) == pytest.approx(3**-0.5, rel=1e-4)


@pytest.mark.parametrize(("shape", "deviation", "spread"), [(EVEN, 0.0, 3**-0.5), (None, 0.3, 0.3), (None, 1.0, 0.95)])
def test_a_sample_has_the_mean_that_is_asked_for_and_its_spread(
    shape: tuple[float, ...] | None, deviation: float, spread: float
) -> None:
    lengths = sample_lengths(1000, 2000, shape, deviation, Random(1))
    assert fmean(lengths) == pytest.approx(1000, rel=1e-3)
    assert pstdev(lengths) / 1000 == pytest.approx(spread, rel=0.05)
    assert lengths != sorted(lengths)
    assert lengths == sample_lengths(1000, 2000, shape, deviation, Random(1))


def test_lengths_without_a_spread_are_equal_and_none_is_empty() -> None:
    assert sample_lengths(70, 3, None, 0.0, Random(1)) == [70, 70, 70]
    assert min(sample_lengths(2, 500, None, 3.0, Random(1))) == 1


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_arrivals_come_at_their_rate_in_gaps_that_scatter_by_their_burstiness(burstiness: float) -> None:
    """Gamma distributed gaps of shape k: deviation over mean is 1 / sqrt(k), 1 for a Poisson process."""
    arrivals = sample_arrivals(20_000, 5.0, burstiness, Random(2))
    gaps = [later - sooner for sooner, later in pairwise(arrivals)]
    assert arrivals[0] == 0
    assert arrivals[-1] == pytest.approx(20_000 / 5, rel=0.01)
    assert pstdev(gaps) / fmean(gaps) == pytest.approx(burstiness**-0.5, rel=0.05)


@pytest.mark.parametrize(("percentile", "deviations"), [(50, 0.0), (90, 1.2816), (95, 1.6449), (99, 2.3263)])
def test_log_normal_lengths_at_a_percentile(percentile: int, deviations: float) -> None:
    """Deviation over mean 1: the logarithm deviates by sqrt(ln 2) = 0.83255 around the mean less half its square."""
    workload = ServingWorkload(length_variation=1.0)
    expected = 2.718281828 ** (0.83255 * deviations - 0.34657)
    assert length_quantile(workload, ANSWER, percentile) == pytest.approx(expected, rel=1e-3)
    assert length_quantile(ServingWorkload(), ANSWER, percentile) == 1


def test_lengths_of_a_kind_of_use_are_those_recorded() -> None:
    workload = ServingWorkload(lengths="code")
    assert length_quantile(workload, PROMPT, 95) == SHAPES["code"][0][QUANTILES.index(0.95)]
    assert length_quantile(workload, ANSWER, 99) == SHAPES["code"][1][QUANTILES.index(0.99)]
