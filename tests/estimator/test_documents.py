"""Results as records: numbers as JSON has them, absent parts as null, and one level of keys for a table."""

import math
from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.documents import OF_OUTPUT_TOKENS, document, figure, flat, number, percentiles
from estimator.ranking.rank import rank
from estimator.results import Band, Evaluation, LatencyPercentiles, Percentiles
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload


def best(catalog: Catalog, scenario: Scenario) -> Evaluation:
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


ON_L40S = Scenario(model="Qwen/Qwen3-8B", weights="bf16", placement=Placement(instance="g6e.xlarge"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2.0, 2), (7, 7), (0.25, 0.25), (math.inf, None), (-math.inf, None), (math.nan, None), (1e300, int(1e300))],
)
def test_whole_numbers_are_integers_and_what_is_not_finite_is_null(value: float, shown: float | None) -> None:
    assert number(value) == shown
    assert type(number(value)) is type(shown)


@pytest.mark.parametrize(
    ("value", "whole", "shown"),
    [
        (1536.4, True, 1536),
        (1536.4, False, 1536.4),
        (math.inf, True, None),
        (True, True, True),
        (3, False, 3),
        ("fits", True, "fits"),
        (None, True, None),
        (Band(1.0, 1.5, 2.0), False, {"low": 1, "typical": 1.5, "high": 2}),
    ],
)
def test_a_figure_is_its_json_value(value: object, whole: bool, shown: object) -> None:
    assert figure(value, whole) == shown
    assert type(figure(value, whole)) is type(shown)


def test_bytes_and_tokens_are_whole(catalog: Catalog) -> None:
    memory = document(best(catalog, ON_L40S))["memory"]
    counted = {key: value for key, value in memory.items() if key.endswith(("_bytes", "_tokens"))}
    assert len(counted) > 10
    assert counted.pop("host_cache_bytes") is None  # the devices hold the cache
    assert all(type(value) is int for value in counted.values())


def test_percentiles_are_p50_to_p99_without_their_mean() -> None:
    seen = Percentiles(mean=1.0, p50=2.0, p90=3.5, p95=4.0, p99=math.inf)
    page = percentiles(LatencyPercentiles(ttft_s=seen, tpot_s=seen, latency_s=seen))
    assert page is not None
    assert list(page) == ["ttft_s", "tpot_s", "latency_s"]
    assert page["tpot_s"] == {"p50": 2, "p90": 3.5, "p95": 4, "p99": None}
    assert percentiles(None) is None


def test_a_model_that_writes_nothing_has_no_figure_a_token(catalog: Catalog) -> None:
    row = best(catalog, replace(ON_L40S, model="BAAI/bge-m3"))
    speed = document(row)["performance"]
    assert {speed[key] for key in OF_OUTPUT_TOKENS} == {None}
    assert speed["ttft_s"]["typical"] > 0


def test_a_row_without_speed_says_so_by_null_and_leaves_its_columns_out(catalog: Catalog) -> None:
    row = best(
        catalog,
        replace(ON_L40S, model="meta-llama/Llama-3.3-70B-Instruct", placement=replace(ON_L40S.placement, machines=1)),
    )
    assert row.verdict == "does_not_fit"
    page, columns = document(row), flat(row)
    assert page["performance"] is None
    assert page["training"] is None
    assert not [name for name in columns if name.startswith(("performance", "training"))]
    assert columns["memory_shortfall_bytes"] == page["memory"]["shortfall_bytes"] > 0


def test_a_training_run_is_a_section_of_its_own(catalog: Catalog) -> None:
    row = best(catalog, replace(ON_L40S, training=TrainingWorkload("lora")))
    run = document(row)["training"]
    assert row.training
    assert run["setup"]["devices"] == 1
    assert run["memory"]["weights_bytes"] == round(row.training.memory.weights_bytes)
    assert sum(run["step_parts_s"].values()) == pytest.approx(row.training.step_s.typical, rel=1e-6)
    assert run["notes"] == list(row.training.notes)
    assert flat(row)["training_hours_typical"] == number(row.training.hours.typical)
