"""The leaderboard over the packaged catalogue."""

from dataclasses import replace

import pytest

from catalog.load import Catalog, load
from estimator.errors import InputError
from estimator.ranking.rank import evaluate, rank, recommended
from estimator.results import Evaluation, Leaderboard
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def board(catalog: Catalog, every_layout: bool = False, **changes: object) -> Leaderboard:
    scenario = replace(Scenario(), **changes)
    prices = catalog.prices(scenario.region)
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, prices, every_layout=every_layout)


def row_of(rows: Leaderboard, machine: str) -> Evaluation:
    return next(row for row in rows.rows if row.candidate.machine == machine)


def test_every_accelerated_type_is_answered_once(catalog):
    rows = board(catalog).rows
    names = [row.candidate.machine for row in rows]
    assert len(names) == len(set(names)) == sum(m.kind == "cloud" for m in catalog.inventory.machines.values())


def test_what_fits_comes_first_and_cheapest_first(catalog):
    rows = board(catalog).rows
    fits = [row.verdict == "fits" for row in rows]
    assert fits == sorted(fits, reverse=True)
    costs = [row.cost.usd_per_1m_tokens for row in rows if row.verdict == "fits" and row.holds_load]
    priced = [cost.typical for cost in costs if cost is not None]
    assert priced == sorted(priced)
    assert costs[len(priced) :] == [None] * (len(costs) - len(priced))


def test_what_does_not_fit_says_by_how_much(catalog):
    short = row_of(board(catalog), "g5.xlarge")
    assert short.verdict == "does_not_fit"
    assert short.reason is not None
    assert short.reason.endswith("GiB short per device")
    assert short.performance is None


def test_one_best_value_badge_goes_to_the_lowest_price_per_gb_that_fits(catalog):
    rows = board(catalog).rows
    (best,) = [row for row in rows if row.best_value]
    fitting = [row.cost.usd_per_hour_per_gb for row in rows if row.holds_load and row.cost.usd_per_hour_per_gb]
    assert best.cost.usd_per_hour_per_gb == min(fitting)


def test_recommendations_are_at_most_five_and_five_by_hourly_cost(catalog):
    single, multiple = recommended(board(catalog, model="meta-llama/Llama-3.1-8B").rows)
    assert 0 < len(single) <= 5
    assert 0 < len(multiple) <= 5
    for group in (single, multiple):
        costs = [row.cost.price_usd_per_hour for row in group]
        assert costs == sorted(costs)


def test_a_model_too_big_for_one_machine_is_laid_over_several(catalog):
    row = row_of(board(catalog, model="deepseek-ai/DeepSeek-V3", weights="fp8-block"), "p5.48xlarge")
    assert row.verdict == "fits"
    assert row.candidate.machines >= 2
    assert row.confidence == "B"
    assert row.cost.price_usd_per_hour == pytest.approx(55.04 * row.candidate.machines)


def test_a_service_level_puts_what_meets_it_first(catalog):
    rows = board(catalog, service_level=ServiceLevel(tpot_s=0.015)).rows
    meets = [row.meets_service_level for row in rows if row.verdict == "fits"]
    assert meets == sorted(meets, reverse=True)
    assert rows[0].performance is not None
    assert rows[0].performance.tpot_s.typical <= 0.015


def test_a_neuron_machine_counts_cores_in_its_layout_and_chips_as_accelerators(catalog):
    row = row_of(board(catalog, model="meta-llama/Llama-3.1-8B", weights="bf16"), "inf2.48xlarge")
    assert row.candidate.accelerators == 12
    assert row.candidate.layout.tp * row.candidate.replicas <= 24


def test_a_region_changes_prices_and_what_is_offered(catalog):
    home, away = board(catalog), board(catalog, region="eu-central-1")
    assert row_of(home, "g6e.12xlarge").cost.price_usd_per_hour < row_of(away, "g6e.12xlarge").cost.price_usd_per_hour


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"placement": Placement(instance="g6e.12xlarge", tp=3)}, "tp"),
        ({"placement": Placement(instance="g5.900xlarge")}, "instance"),
        ({"placement": Placement(instance="p6-b300.48xlarge"), "region": "eu-north-1"}, "instance"),
        ({"placement": Placement(accelerator="h1000")}, "accelerator"),
        ({"workload": ServingWorkload(input_tokens=-5)}, "input_tokens"),
        ({"workload": ServingWorkload(input_tokens=500_000)}, "input_tokens"),
        ({"price_terms": "free"}, "price_terms"),
        ({"weights": "fp5"}, "weights"),
        ({"engine": "vlmm"}, "engine"),
    ],
)
def test_a_wrong_question_names_its_field(catalog, changes, field):
    with pytest.raises(InputError) as caught:
        board(catalog, **changes)
    assert caught.value.field == field


def test_a_sagemaker_name_is_the_ec2_type(catalog):
    scenario = Scenario(placement=Placement(instance="ml.g6e.12xlarge"))
    prices = catalog.prices("us-east-1")
    answer = evaluate(catalog.model(scenario.model), scenario, catalog.inventory, prices)
    assert answer.candidate.machine == "g6e.12xlarge"


def test_accelerators_without_a_machine_are_candidates(catalog):
    scenario = Scenario(placement=Placement(accelerator="rtx4090", count=4))
    prices = catalog.prices("us-east-1")
    answer = evaluate(catalog.model(scenario.model), scenario, catalog.inventory, prices)
    assert answer.candidate.accelerators == 4


def test_all_layouts_hold_the_best_one(catalog):
    best, every = board(catalog), board(catalog, every_layout=True)
    assert len(every.rows) > len(best.rows)
    layouts = {row.candidate.layout for row in every.rows if row.candidate.machine == "p5.48xlarge"}
    assert row_of(best, "p5.48xlarge").candidate.layout in layouts


def test_more_arrivals_than_a_machine_completes_are_said_and_ranked_below(catalog):
    placement = Placement(most_machines=1)
    rows = board(catalog, workload=ServingWorkload(requests_per_second=5), placement=placement).rows
    fitting = [row for row in rows if row.verdict == "fits"]
    carries = [row.holds_load for row in fitting]
    assert carries == sorted(carries, reverse=True)
    overloaded = next(row for row in fitting if row.candidate.machine == "g7e.2xlarge")
    assert overloaded.reason is not None
    assert overloaded.reason.startswith("overloaded: 5/s asked, ")
    assert overloaded.reason.endswith("/s possible")
    assert not overloaded.holds_load


def test_nothing_is_missed_where_no_service_level_is_asked(catalog):
    assert all(row.meets_service_level for row in board(catalog).rows if row.verdict != "not_supported")


def test_an_engine_without_pipelines_stays_on_one_machine(catalog):
    rows = board(catalog, model="deepseek-ai/DeepSeek-V3", weights="fp8-block", engine="tgi").rows
    assert all(row.candidate.machines == 1 and row.candidate.layout.pp == 1 for row in rows)
