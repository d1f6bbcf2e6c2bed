"""The measured case beside a question: of the model and device where there is one, else the nearest kin."""

import csv
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import inf

import pytest

from catalog.cache import DATA
from catalog.load import Catalog
from estimator.accuracy.nearest import Near, distance, nearest
from estimator.accuracy.score import Context, Row
from estimator.advice.study import Study
from estimator.models.model import Model
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario

ON_H100 = Scenario(placement=Placement(instance="p5.48xlarge", machines=1))


@pytest.fixture(scope="module")
def context(catalog: Catalog) -> Context:
    models: Callable[[str], Model] = cache(catalog.model)
    return Context(catalog.inventory, models)


@pytest.fixture(scope="module")
def cases() -> list[Row]:
    with (DATA / "evidence" / "serving.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def study(catalog: Catalog, scenario: Scenario) -> Study:
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    return Study(row.candidate, scenario, model, catalog.inventory, prices)


def near(catalog: Catalog, scenario: Scenario, cases: list[Row], context: Context) -> Near:
    case = nearest(study(catalog, scenario), "tpot", cases, context)
    assert case
    return case


def test_the_models_own_measurement_on_the_device_is_preferred(
    catalog: Catalog, cases: list[Row], context: Context
) -> None:
    case = near(catalog, ON_H100, cases, context)
    assert (case.same_model, case.same_device) == (True, True)
    assert "Llama-3.3-70B" in case.row["model_id"] + case.row["base_model_id"]
    assert case.score.metric == "tpot_ms"
    assert case.score.status == "scored"


def test_a_model_that_nobody_measured_gets_the_nearest_case_of_its_device(
    catalog: Catalog, cases: list[Row], context: Context
) -> None:
    case = near(catalog, replace(ON_H100, model="Qwen/Qwen2.5-Coder-3B", weights="bf16"), cases, context)
    assert (case.same_model, case.same_device) == (False, True)


def test_a_device_that_nobody_measured_gets_its_kin(catalog: Catalog, cases: list[Row], context: Context) -> None:
    """Ordered by distance, the first that can be predicted; never a case that a rule excludes."""
    others = [row for row in cases if row["accelerator_id"] != "h100-sxm"]
    case = nearest(study(catalog, ON_H100), "tpot", others, context)
    assert case is None or not case.same_device
    assert nearest(study(catalog, ON_H100), "tpot", [row | {"excluded": "a rule"} for row in cases], context) is None


def test_a_figure_that_no_case_measures_has_no_nearest_one(
    catalog: Catalog, cases: list[Row], context: Context
) -> None:
    asked = study(catalog, ON_H100)
    assert nearest(asked, "cost", cases, context) is None
    assert nearest(asked, "tpot", [], context) is None


def test_distance_grows_with_load_lengths_and_what_is_not_stated(
    catalog: Catalog, cases: list[Row], context: Context
) -> None:
    asked = study(catalog, ON_H100)
    work, tp = ON_H100.workload, asked.candidate.layout.tp
    same = {
        "concurrency": str(work.concurrency / asked.replicas),
        "input_tokens": str(work.input_tokens),
        "output_tokens": str(work.output_tokens),
        "tp": str(tp),
        "profile": f"{ON_H100.engine}@0.11",
        "base_model_id": ON_H100.model,
        "model_id": ON_H100.model,
        "weight_format": ON_H100.weights,
    }
    assert distance(same, asked, context) == pytest.approx(0)
    assert distance(same | {"concurrency": str(4 * work.concurrency / asked.replicas)}, asked, context) == (
        pytest.approx(0.3 * 2)
    )
    assert distance(same | {"input_tokens": ""}, asked, context) == pytest.approx(0.2 * 5)
    assert distance(same | {"tp": str(2 * tp)}, asked, context) == pytest.approx(0.5)
    assert distance(same | {"profile": "sglang@0.4"}, asked, context) == pytest.approx(1)
    assert distance(same | {"weight_format": "bf16"}, asked, context) == pytest.approx(0.5 * 8 / 4)
    unknown = same | {"base_model_id": "nobody/has-this", "model_id": "nobody/has-this"}
    assert distance(unknown, asked, context) == inf
