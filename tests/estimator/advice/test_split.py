"""The best split of prefill and decode replicas is looked for, not only asked for."""

from dataclasses import replace

from catalog.load import load
from estimator.advice.alternatives import single_changes
from estimator.advice.split import best_split
from estimator.advice.study import Study
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.load.percentiles import level_times
from estimator.serving.load.performance import load_replica

CATALOG = load()


def study(scenario: Scenario) -> Study:
    model, prices = CATALOG.model(scenario.model), CATALOG.prices(scenario.region)
    row = rank(model, scenario, CATALOG.inventory, prices).rows[0]
    return Study(row.candidate, scenario, model, CATALOG.inventory, prices)


EIGHT = Scenario(
    "meta-llama/Llama-3.1-8B-Instruct",
    "bf16",
    workload=ServingWorkload(8000, 300, 128),
    service_level=ServiceLevel(ttft_s=3.0, tpot_s=0.02),
    placement=Placement(instance="p5.48xlarge", machines=1, tp=1),
)


def test_long_prompts_under_a_tight_tpot_want_replicas_of_their_own() -> None:
    here = study(EIGHT)
    assert here.replicas == 8
    best = best_split(here)
    assert best is not None
    assert 1 <= best < 8

    def served(number: int) -> tuple[bool, float]:
        asked = replace(EIGHT.workload, prefill_replicas=number)
        load = load_replica(here.step, asked, 16, here.memory.max_sequences(8300), 8)
        level = EIGHT.service_level
        return level.met_by(*level_times(here.step, asked, load, level)), load.requests_per_s

    assert all(served(best) >= served(number) for number in range(8))
    assert served(best) > served(0)


def test_a_split_is_among_the_changes_where_the_engine_can() -> None:
    titles = [each.title for each in single_changes(study(EIGHT))]
    assert any(title.startswith("prefill on ") and title.endswith(" of 8") for title in titles)
    other = study(replace(EIGHT, engine="llamacpp"))
    assert not any(each.title.startswith("prefill on ") for each in single_changes(other))


def test_one_replica_and_open_arrivals_have_no_split() -> None:
    assert best_split(study(replace(EIGHT, placement=Placement(instance="p5.4xlarge", machines=1)))) is None
    arriving = replace(EIGHT.workload, requests_per_second=5.0)
    assert best_split(study(replace(EIGHT, workload=arriving))) is None
