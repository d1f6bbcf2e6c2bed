"""Workings of what an evaluation holds, and of nothing else."""

import pytest

from catalog.load import Catalog
from estimator.advice.study import Study
from estimator.advice.workings import explain
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Ownership, Placement, Scenario

COSTS = {
    "usd_per_1m_tokens": "usd_tokens",
    "usd_per_1m_output_tokens": "usd_output",
    "usd_per_1m_input_tokens": "usd_input",
    "usd_per_request": "usd_request",
    "usd_per_month": "usd_month",
}


def study_of(catalog: Catalog, scenario: Scenario) -> Study:
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    return Study(row.candidate, scenario, model, catalog.inventory, prices)


@pytest.fixture(scope="module")
def study(catalog: Catalog) -> Study:
    return study_of(catalog, Scenario(model="Qwen/Qwen3-8B", placement=Placement(instance="g6e.xlarge", machines=1)))


def test_an_evaluation_without_parts_has_no_workings(study: Study) -> None:
    row = study.evaluation()
    assert explain(study, row._replace(memory=None, performance=None)) == {}
    memory_alone = explain(study, row._replace(performance=None))
    assert {"weights", "kv"} <= set(memory_alone)
    assert not {"ttft", "tpot", "usd_tokens"} & set(memory_alone)


@pytest.mark.parametrize("field", COSTS)
def test_a_cost_that_is_not_known_has_no_working(study: Study, field: str) -> None:
    row = study.evaluation()
    whole = set(explain(study, row))
    without = explain(study, row._replace(cost=row.cost._replace(**{field: None})))
    assert whole - set(without) == {COSTS[field]}


@pytest.mark.parametrize("usd_per_kwh", [0.12, 0.3])
def test_a_month_of_owned_hardware_is_its_purchase_and_its_power(catalog: Catalog, usd_per_kwh: float) -> None:
    scenario = Scenario(
        model="Qwen/Qwen3-8B",
        deployment="local",
        placement=Placement(accelerator="rtx4090", count=1),
        ownership=Ownership(usd_per_kwh=usd_per_kwh),
    )
    study = study_of(catalog, scenario)
    month = explain(study, study.evaluation())["usd_month"]
    terms = {term.name: term.value for term in month.terms}
    assert terms["$ per kWh"] == usd_per_kwh
    assert terms["watts"] > 100
    powered = study.evaluation()
    dark = powered._replace(cost=powered.cost._replace(power=powered.cost.power._replace(watts=None)))
    assert "watts" not in {term.name for term in explain(study, dark)["usd_month"].terms}
