"""What users see as the load grows: replays of the scenario's own traffic."""

from dataclasses import replace
from itertools import pairwise

import pytest

from catalog.load import load
from estimator.advice.load_study import MINUTE_S, LoadStudy, study_loads
from estimator.advice.study import Study
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload

CATALOG = load()
RATE = ServingWorkload(1000, 300, requests_per_second=10)


def studied(workload: ServingWorkload) -> LoadStudy | None:
    scenario = Scenario(workload=workload, placement=Placement(instance="p5.48xlarge", machines=1))
    model, prices = CATALOG.model(scenario.model), CATALOG.prices(scenario.region)
    row = evaluate(model, scenario, CATALOG.inventory, prices)
    return study_loads(Study(row.candidate, scenario, model, CATALOG.inventory, prices))


@pytest.mark.parametrize(
    ("workload", "unit"),
    [
        (RATE, "requests/s"),
        (ServingWorkload(1000, 300, 32), "users"),
        (ServingWorkload(1000, 300, traffic="burst", requests=50), "requests"),
    ],
)
def test_latencies_grow_from_the_lightest_to_the_heaviest_load(workload: ServingWorkload, unit: str) -> None:
    study = studied(workload)
    assert study
    assert study.unit == unit
    loads = [each.load for each in study.loads]
    assert loads == sorted(loads)
    assert study.asked in loads
    assert not study.overloaded
    for lighter, heavier in pairwise((study.loads[0], study.loads[-1])):
        assert heavier.ttft_s.p95 > lighter.ttft_s.p95
        assert heavier.tpot_s.p50 > lighter.tpot_s.p50
    assert study.knee is None or loads[0] < study.knee <= loads[-1] * 1.05
    assert (study.knee is None) == (unit == "requests")


def test_the_minute_is_that_of_the_asked_load() -> None:
    study = studied(RATE)
    assert study
    assert study.minute[0].start_s == 0
    assert all(earlier.start_s <= later.start_s < MINUTE_S for earlier, later in pairwise(study.minute))
    assert 0 < max(each.cache_tokens for each in study.minute) <= study.cache_tokens
    lighter = studied(replace(RATE, requests_per_second=2))
    assert lighter
    assert max(each.running for each in lighter.minute) < max(each.running for each in study.minute)


def test_an_overload_shows_the_heaviest_load() -> None:
    study = studied(replace(RATE, requests_per_second=10_000))
    assert study
    assert study.overloaded
    assert study.loads[-1].load < study.asked


def test_prefill_apart_has_no_schedule() -> None:
    assert studied(ServingWorkload(1000, 300, 32, prefill_replicas=1)) is None
