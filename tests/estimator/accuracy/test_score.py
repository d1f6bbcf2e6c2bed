"""Errors and their summary."""

import pytest

from estimator.accuracy.score import Score, groups, number, scored, summarise, unscored
from estimator.results import Band

ROW = {"case_id": "a", "engine": "vllm", "accelerator_id": "h100-sxm", "tpot_ms": "20", "weight_format": ""}


def test_a_band_is_scored_in_the_unit_of_the_column() -> None:
    score = scored(ROW, "tpot_ms", 20.0, Band(0.018, 0.022, 0.03), 1000)
    assert (score.predicted, score.low, score.high) == pytest.approx((22, 18, 30))
    assert score.error == pytest.approx(0.1)
    assert score.covered


def test_groups_are_the_columns_that_say_something() -> None:
    assert groups(ROW) == ("engine=vllm", "accelerator=h100-sxm")


def test_summary_counts_scored_cases_by_metric_and_group() -> None:
    scores = [
        scored(ROW, "tpot_ms", 10.0, Band(9, 11, 12)),
        scored(ROW, "tpot_ms", 10.0, Band(11, 13, 15)),
        scored(ROW | {"engine": "sglang"}, "tpot_ms", 10.0, 9.0),
        unscored(ROW, "tpot_ms", 10.0, "skipped", "no input length"),
    ]
    whole, *by_group = summarise(scores)
    assert (whole.metric, whole.group, whole.cases) == ("tpot_ms", "all", 3)
    assert (whole.mdape, whole.bias) == pytest.approx((0.1, 0.1))
    assert whole.mape == pytest.approx(0.5 / 3)
    assert whole.within_20_percent == pytest.approx(2 / 3)
    assert whole.band_coverage == 0.5
    assert [(each.group, each.cases) for each in by_group] == [
        ("accelerator=h100-sxm", 3),
        ("engine=vllm", 2),
        ("engine=sglang", 1),
    ]


def test_a_run_that_did_not_fit_is_wrong_by_the_whole_when_predicted_to_fit() -> None:
    assert Score("a", "fits", 0.0, 1.0).error == 1.0
    assert Score("a", "fits", 0.0, 0.0).error == 0.0


def test_what_is_no_number_is_absent() -> None:
    assert [number({"x": text}, "x") for text in ("", "n/a", "inf", "nan", "1.5")] == [None, None, None, None, 1.5]


def test_a_figure_is_covered_by_a_band_with_two_ends_alone() -> None:
    score = Score("a", "tpot_ms", 5.0, 4.0)
    assert [score._replace(low=low, high=high).covered for low, high in ((4.0, 6.0), (5.0, 5.0), (5.1, 6.0))] == [
        True,
        True,
        False,
    ]
    assert score._replace(low=4.0, high=4.9).covered is False
    assert [score._replace(low=low, high=high).covered for low, high in ((None, 6.0), (4.0, None), (None, None))] == [
        None
    ] * 3
