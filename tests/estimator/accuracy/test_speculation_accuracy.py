"""Paired runs with and without drafts: how near the speed-up is, and whether its band holds."""

import csv
from collections import defaultdict
from statistics import median

import pytest

from catalog.cache import DATA
from catalog.load import Catalog
from estimator.accuracy import speculation
from estimator.accuracy.score import Context, Score
from estimator.engines.spreads import Spread
from fitting.quantiles import weighted_quantiles

ROWS = list(csv.DictReader((DATA / "evidence/speculation.csv").open(newline="", encoding="utf-8")))


@pytest.fixture(scope="module")
def scores(catalog: Catalog) -> list[tuple[str, Score]]:
    context = Context(catalog.inventory, catalog.model)
    return [(row["source"].partition(":")[0], score) for row in ROWS for score in speculation.score(row, context)]


def test_every_pair_is_answered(scores: list[tuple[str, Score]]) -> None:
    assert len(scores) == len(ROWS) >= 59
    assert {score.status for _, score in scores} == {"scored"}


def test_speed_ups_are_near_in_the_median_source(scores: list[tuple[str, Score]]) -> None:
    by_source: dict[str, list[float]] = defaultdict(list)
    for source, score in scores:
        by_source[source].append(score.error)
    errors = [median(each) for each in by_source.values()]
    assert len(errors) >= 22
    assert median(map(abs, errors)) < 0.085
    assert -0.02 < median(errors) < 0.08


def test_the_band_holds_what_it_says(scores: list[tuple[str, Score]]) -> None:
    covered = [score.covered for _, score in scores]
    assert 0.75 <= sum(map(bool, covered)) / len(covered) <= 0.92


def test_the_band_is_what_its_script_prints(catalog: Catalog, scores: list[tuple[str, Score]]) -> None:
    ratios = [(score.measured / score.predicted, source) for source, score in scores if score.predicted]
    low, high = weighted_quantiles(ratios, 10)
    assert catalog.inventory.efficiency.draft_gain == pytest.approx((low, high), abs=0.012)


def test_metal_hardly_gains(scores: list[tuple[str, Score]]) -> None:
    """M3 Ultra: 6 % faster with two drafts, slower with three and four."""
    metal = [score.predicted for _, score in scores if "accelerator=apple-m3-ultra-60" in score.groups]
    assert len(metal) == 3
    assert all(gain is not None and gain < 1.2 for gain in metal)


@pytest.mark.parametrize(("drafts", "tokens"), [("70", "2"), ("3", "9"), ("-1", "1")])
def test_drafts_that_can_not_be_asked_are_refused(catalog: Catalog, drafts: str, tokens: str) -> None:
    row = {**ROWS[0], "draft_tokens": drafts, "tokens_per_step": tokens}
    (refused,) = speculation.score(row, Context(catalog.inventory, catalog.model))
    assert refused.status == "unsupported"
    assert "tokens" in (refused.reason or "")


def test_independent_errors_add_as_squares() -> None:
    wide = Spread(0.8, 1.25).times(Spread(0.5, 1.0))
    assert wide.high == pytest.approx(1.25)
    assert 0.46 < wide.low < 0.5 < 0.8
    assert Spread(0.5, 1.25).inverse == pytest.approx((0.8, 2.0))


@pytest.mark.parametrize(("outside", "edges"), [(50, (2.0, 2.0)), (0, (1.0, 3.0))])
def test_quantiles_of_single_cases(outside: float, edges: tuple[float, float]) -> None:
    assert weighted_quantiles([(1.0, "a"), (2.0, "b"), (3.0, "c")], outside) == pytest.approx(edges)


def test_a_source_of_many_cases_does_not_outweigh_others() -> None:
    many = [(1.0, "many")] * 100
    low, high = weighted_quantiles([*many, (2.0, "one"), (3.0, "two"), (4.0, "three")], 10)
    assert low == 1.0
    assert high > 1.9
