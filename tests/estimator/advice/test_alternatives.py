"""Formats, single changes and the way to half the cost of a machine: each is what asking for it alone answers."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.advice.alternatives import changes_that_halve, formats_of, single_changes, token_cost
from estimator.advice.study import Study
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload


def study_of(catalog: Catalog, scenario: Scenario) -> Study:
    """The study of the machine that the scenario places itself on."""
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    return Study(row.candidate, scenario, model, catalog.inventory, prices)


def best(catalog: Catalog, scenario: Scenario) -> Evaluation:
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices(scenario.region)).rows[0]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    placement = Placement(instance="g6e.xlarge", machines=1)
    return Scenario(model="Qwen/Qwen3-8B", weights="bf16", workload=ServingWorkload(concurrency=8), placement=placement)


@pytest.fixture(scope="module")
def study(catalog: Catalog, scenario: Scenario) -> Study:
    return study_of(catalog, scenario)


def test_formats_are_weights_by_cache_widest_first_and_each_is_its_own_answer(catalog: Catalog, study: Study) -> None:
    board = formats_of(study)
    assert [each.title for each in board[:2]] == ["bf16 kv bf16", "bf16 kv fp8"]
    weights = list(dict.fromkeys(each.scenario.weights for each in board))
    assert weights == ["bf16", "fp8", "int4-awq"]
    notes = {each.scenario.weights: each.note for each in board}
    assert notes["bf16"] == "16-bit products"
    assert notes["fp8"] == "fp8 products; made while loading"  # an L40S has FP8 units
    assert notes["int4-awq"] == "weight-only, 16-bit products; needs an upload in int4-awq"
    for each in board:
        assert token_cost(each.row) == token_cost(best(catalog, each.scenario))
    bytes_of = [each.row.memory.weights_bytes for each in board if each.scenario.kv == "bf16" and each.row.memory]
    assert bytes_of == sorted(bytes_of, reverse=True)


def test_an_upload_in_its_own_format_says_so(catalog: Catalog) -> None:
    placement = Placement(instance="p5.4xlarge", machines=1)
    study = study_of(catalog, Scenario(model="openai/gpt-oss-20b", weights="mxfp4", placement=placement))
    notes = {each.scenario.weights: each.note for each in formats_of(study)}
    assert notes["mxfp4"] == "weight-only, 16-bit products; the upload's own"  # Hopper has no FP4 units


def test_a_single_change_changes_one_thing(catalog: Catalog, scenario: Scenario, study: Study) -> None:
    changes = {each.title: each for each in single_changes(study)}
    assert {
        *("cache fp8", "weights fp8", "half the input", "half the output", "prefix cache hits 50%", "twice the users"),
        *("half the users", "spot", "savings-1y"),
    } <= set(changes)
    assert "TP2" not in changes  # one accelerator
    assert changes["half the input"].scenario.workload.input_tokens == scenario.workload.input_tokens // 2
    assert changes["half the output"].scenario.workload.output_tokens == scenario.workload.output_tokens // 2
    assert changes["twice the users"].scenario.workload.concurrency == 16
    assert changes["half the users"].scenario.workload.concurrency == 4
    assert changes["spot"].scenario == replace(scenario, price_terms="spot")
    now = token_cost(study.evaluation())
    assert now
    for title in ("weights fp8", "spot", "prefix cache hits 50%", "twice the users"):
        cost = token_cost(changes[title].row)
        assert cost
        assert cost < now, title


def test_several_accelerators_can_be_split_otherwise(catalog: Catalog, scenario: Scenario) -> None:
    asked = replace(scenario, placement=Placement(instance="g6e.12xlarge", machines=1, tp=2))
    changes = {each.title: each for each in single_changes(study_of(catalog, asked))}
    assert changes["TP4"].row.candidate.layout.tp == 4
    assert changes["TP1"].row.candidate.layout.tp == 1


def test_a_rate_has_no_users_to_change_and_owned_hardware_no_terms(catalog: Catalog, scenario: Scenario) -> None:
    asked = replace(
        scenario,
        workload=ServingWorkload(input_tokens=1, output_tokens=1, requests_per_second=2.0, prefix_cache_hit=0.3),
        deployment="local",
        placement=Placement(accelerator="l40s", count=1),
    )
    titles = [each.title for each in single_changes(study_of(catalog, asked))]
    assert titles
    assert not [title for title in titles if "users" in title or "half" in title or "prefix" in title]
    assert not {"spot", "on-demand", "savings-1y"} & set(titles)


def test_the_fewest_changes_that_halve_the_cost_do(catalog: Catalog, study: Study) -> None:
    halved = changes_that_halve(study)
    assert halved
    assert token_cost(halved.row) <= token_cost(study.evaluation()) / 2  # type: ignore[operator]
    assert token_cost(best(catalog, halved.scenario)) == token_cost(halved.row)
    assert halved.scenario.workload == study.scenario.workload
    alone = {each.title: token_cost(each.row) for each in single_changes(study)}
    assert 1 <= len(halved.title.split(" + ")) <= 3
    for title in halved.title.split(" + "):
        assert alone[title] < token_cost(study.evaluation())  # type: ignore[operator]


def test_nothing_halves_the_cost_of_what_has_no_price(catalog: Catalog, scenario: Scenario) -> None:
    study = study_of(catalog, replace(scenario, price_terms="capacity-block"))
    assert token_cost(study.evaluation()) is None
    assert changes_that_halve(study) is None


def test_an_old_price_halves_nothing(catalog: Catalog) -> None:
    """Spot on p4d is half of on-demand by a quote of long ago: shown as a change, but no way to half the cost."""
    placement = Placement(instance="p4d.24xlarge", machines=1)
    study = study_of(catalog, Scenario(placement=placement))
    spot = next(each for each in single_changes(study) if each.title == "spot")
    assert spot.row.cost.price_stale
    assert token_cost(spot.row) < token_cost(study.evaluation()) / 2  # type: ignore[operator]
    halved = changes_that_halve(study)
    assert halved is None or not halved.row.cost.price_stale
