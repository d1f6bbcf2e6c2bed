"""Advice is true: what it says makes a row fit does, and the numbers it gives are what the ranking then says."""

import pytest

from catalog.load import Catalog, load
from estimator.advice import fixes, gains
from estimator.model import Model
from estimator.ranking import rank
from estimator.scenario import Placement, Scenario
from estimator.training.changes import run_changes
from estimator.training.workload import TrainingWorkload
from estimator.variations import Bench
from estimator.workload import ServingWorkload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def bench_on(catalog: Catalog, scenario: Scenario) -> Bench:
    """The bench of the machine that the scenario places itself on."""
    model: Model = catalog.model(scenario.model)
    prices = catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    return Bench(row.candidate, scenario, model, catalog.inventory, prices)


@pytest.mark.parametrize(
    ("instance", "model", "weights"),
    [
        ("g5.xlarge", "meta-llama/Llama-3.1-8B-Instruct", "fp32"),
        ("g6e.xlarge", "Qwen/Qwen2.5-32B-Instruct", "bf16"),
        ("g5.12xlarge", "meta-llama/Llama-3.3-70B-Instruct", "bf16"),
    ],
)
def test_every_fix_makes_it_fit(catalog: Catalog, instance: str, model: str, weights: str) -> None:
    placement = Placement(instance=instance, machines=1)
    bench = bench_on(catalog, Scenario(model=model, weights=weights, placement=placement))
    before = bench.evaluation()
    assert before.verdict == "does_not_fit"
    changes = fixes(bench, before)
    assert changes
    for change in changes:
        assert change.scenario
        assert bench.asking(change.scenario).evaluation().verdict == "fits"
    assert gains(bench, before) == []


def test_gains_hold_more_users_or_longer_requests(catalog: Catalog) -> None:
    scenario = Scenario(workload=ServingWorkload(concurrency=8), placement=Placement(instance="p4d.24xlarge"))
    bench = bench_on(catalog, scenario)
    before = bench.evaluation()
    assert fixes(bench, before) == []
    changes = {change.title: change for change in gains(bench, before)}
    assert "KV cache in fp8" in changes
    assert changes["KV cache in fp8"].effect.startswith(f"{bench.most_users:,} → ")
    for change in changes.values():
        if change.scenario:
            assert bench.asking(change.scenario).evaluation().verdict == "fits"


def test_facts_explain_the_numbers(catalog: Catalog) -> None:
    scenario = Scenario(model="Qwen/Qwen3-30B-A3B", weights="bf16", placement=Placement(instance="g6.48xlarge", tp=8))
    bench = bench_on(catalog, scenario)
    facts = {change.title: change.effect for change in gains(bench, bench.evaluation()) if not change.scenario}
    assert facts["TP8 keeps 2 copies of the cache"] == "the model has 4 KV heads to divide"
    assert "a device has 22.5 GiB, not 24" in facts


def test_every_change_of_a_run_fits_its_machine(catalog: Catalog) -> None:
    run = TrainingWorkload("full", sequence_length=4096, micro_batch=4)
    scenario = Scenario(training=run, placement=Placement(instance="p4d.24xlarge"))
    bench = bench_on(catalog, scenario)
    changes = run_changes(bench)
    assert "QLoRA" in [change.title for change in changes]
    for change in changes:
        assert change.scenario
        judged = bench.asking(change.scenario).best()
        assert judged.verdict == "fits"
        assert judged.training
        assert f"{judged.training.hours.typical:,.1f} h" in change.effect
