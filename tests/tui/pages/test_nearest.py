"""The measured case most like a question."""

import pytest

from catalog.load import Catalog, load
from estimator.advice.study import Study
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario
from tui.draw.runs import rows_as_text
from tui.pages.working import near_rows
from tui.state.measurements import Measurements


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def bench_on(catalog: Catalog, instance: str, model: str) -> Study:
    scenario = Scenario(model=model, placement=Placement(instance=instance))
    prices = catalog.prices(scenario.region)
    found = catalog.model(model)
    row = rank(found, scenario, catalog.inventory, prices).rows[0]
    return Study(row.candidate, scenario, found, catalog.inventory, prices)


@pytest.mark.parametrize("figure", ["ttft", "tpot", "throughput"])
def test_the_same_model_on_the_same_device_is_nearest(catalog: Catalog, figure: str) -> None:
    near = Measurements(catalog).near(bench_on(catalog, "p5.48xlarge", "meta-llama/Llama-3.3-70B-Instruct"), figure)
    assert near
    assert near.same_model
    assert near.same_device
    assert near.row["accelerator_id"] == "h100-sxm"
    text = rows_as_text(near_rows(near, 90))
    assert "nearest measured case: " in text
    assert f"{near.score.error:+.0%}" in text


def test_what_nobody_measured_has_no_nearest_case(catalog: Catalog) -> None:
    measured = Measurements(catalog)
    study = bench_on(catalog, "p5.48xlarge", "meta-llama/Llama-3.3-70B-Instruct")
    assert measured.near(study, "weights") is None
    measured.cases = ()
    assert measured.near(study, "tpot") is None
