"""A study says what the ranking says of the same candidate."""

from dataclasses import replace

import pytest

from catalog.load import load
from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(),
        Scenario(model="deepseek-ai/DeepSeek-V3", kv="fp8", workload=ServingWorkload(8192, 256, 64)),
        Scenario(model="openai/gpt-oss-20b", weights="mxfp4", engine="sglang"),
        Scenario(
            model="meta-llama/Llama-3.1-8B-Instruct",
            weights="bf16",
            settings=EngineSettings(memory_utilization=0.8, max_num_seqs=64),
        ),
    ],
    ids=lambda scenario: scenario.model.rpartition("/")[2],
)
def test_a_bench_is_the_rankings_own_arithmetic(scenario: Scenario) -> None:
    catalog = load()
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    rows = [row for row in rank(model, scenario, catalog.inventory, prices).rows if row.verdict == "fits"]
    for row in rows[:: max(len(rows) // 10, 1)]:
        study = Study(row.candidate, scenario, model, catalog.inventory, prices)
        assert same(study.evaluation(), row)
        assert row.memory
        assert study.memory.max_sequences(scenario.workload.total_tokens) == pytest.approx(row.memory.max_concurrency)
        speed = study.at_users(scenario.workload.concurrency)
        assert row.performance
        assert speed.tpot_s == pytest.approx(row.performance.tpot_s)
        assert speed.output_tokens_per_s == pytest.approx(row.performance.output_tokens_per_s)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_the_users_of_a_ranked_row_see_its_speed_when_they_are_replayed(engine: str) -> None:
    catalog = load()
    workload = ServingWorkload(1000, 300, 16, length_variation=0.3, requests=800)
    scenario = Scenario(
        "meta-llama/Llama-3.1-8B-Instruct",
        "bf16",
        workload=workload,
        engine=engine,
        placement=Placement(instance="g6e.12xlarge"),
    )
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    shown = Study(row.candidate, scenario, model, catalog.inventory, prices).replay
    assert row.performance
    assert shown.tpot_s.mean == pytest.approx(row.performance.tpot_s.typical, rel=0.10)
    assert shown.steady_output_tokens_per_s == pytest.approx(row.performance.output_tokens_per_s.typical, rel=0.10)
    assert shown.preemptions == 0


def same(one: Evaluation, other: Evaluation) -> bool:
    """Equal in all but the badges, which depend on the other rows."""
    return (one.candidate, one.memory, one.cost) == (other.candidate, other.memory, other.cost)


def test_the_operating_points_hold_the_last_load_that_keeps_the_service_level() -> None:
    catalog = load()
    level = ServiceLevel(tpot_s=0.02)
    scenario = Scenario(service_level=level, placement=Placement(instance="p5.48xlarge"))
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    study = Study(row.candidate, scenario, model, catalog.inventory, prices)
    points = list(study.operating_points())
    loads = [users for users, _ in points]
    assert loads == sorted(set(loads))
    keeping = [users for users, report in points if level.met_by(report.ttft_s.typical, report.tpot_s.typical)]
    beyond = study.at_users(max(keeping) + study.replicas)
    assert beyond.tpot_s.typical > 0.02


def test_a_study_of_a_device_without_a_known_peak_names_it_and_divides_by_nothing() -> None:
    catalog = load()
    device = replace(catalog.inventory.accelerators["l40s"], id="l40x", name="L40X", bf16_flops=0.0)
    device = replace(device, fp16_flops=0.0, fp32_flops=0.0, fp8_flops=0.0, int8_flops=0.0)
    inventory = replace(catalog.inventory, accelerators={**catalog.inventory.accelerators, "l40x": device})
    small = "meta-llama/Llama-3.1-8B-Instruct"
    scenario = Scenario(small, "bf16", placement=Placement(accelerator="l40x", count=1))
    model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
    row = rank(model, scenario, inventory, prices).rows[0]
    assert row.verdict == "not_supported"
    assert row.reason
    assert "dense_tflops" in row.reason
    study = Study(row.candidate, scenario, model, inventory, prices)
    assert study.most_users > 0, "memory needs no peak"
    with pytest.raises(InputError, match="L40X"):
        study.at_users(4)
