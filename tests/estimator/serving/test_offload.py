"""llama.cpp with layers in host memory: how many, and what they cost in speed."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.results import Evaluation
from estimator.scenario.nodes import host_cpu, node_of
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.serving.deployment import deploy
from estimator.serving.judge import ServingJudge
from estimator.serving.offload import offload
from tests.estimator.serving.memory_cases import memory_in

NAME, FORMAT = "meta-llama/Llama-3.3-70B-Instruct", "gguf-q4_k_m"
ONE_USER = ServingWorkload(512, 128, 1)


def judged(catalog: Catalog, instance: str, engine: str = "llamacpp", weights: str = FORMAT) -> Evaluation:
    scenario = Scenario(NAME, weights, workload=ONE_USER, engine=engine)
    judge = ServingJudge(catalog.model(NAME), scenario, catalog.inventory, catalog.prices("us-east-1"))
    return judge.evaluations(catalog.inventory.machines[instance])[0]


def test_a_70b_model_on_one_a10g_keeps_layers_on_the_host(catalog: Catalog) -> None:
    row = judged(catalog, "g5.8xlarge")
    host = row.candidate.layout.host
    assert row.verdict == "fits"
    assert row.confidence == "C"
    assert row.reason == f"{host} of 80 layers stay in host memory"
    assert str(row.candidate.layout) == f"TP1·H{host}"
    assert row.memory
    assert row.memory.kv_cache_bytes > 0


def test_one_layer_less_on_the_host_does_not_fit(catalog: Catalog) -> None:
    memory_of = memory_in(catalog)
    layout = judged(catalog, "g5.8xlarge").candidate.layout

    def short(host: int) -> float:
        memory = memory_of(NAME, layout._replace(host=host), weights=FORMAT, device="a10g", engine="llamacpp")
        return memory.shortfall_bytes(ONE_USER.total_tokens)

    assert short(layout.host) == 0 < short(layout.host - 1)


def test_a_host_without_room_does_not_help(catalog: Catalog) -> None:
    assert judged(catalog, "g5.xlarge").verdict == "does_not_fit"  # 16 GiB beside a device that lacks 17


def test_other_engines_do_not_offload(catalog: Catalog) -> None:
    assert judged(catalog, "g5.8xlarge", "vllm", "int4-awq").verdict == "does_not_fit"


def test_layers_on_the_host_cost_speed(catalog: Catalog) -> None:
    whole, partly = judged(catalog, "g6e.8xlarge"), judged(catalog, "g5.8xlarge")
    assert whole.candidate.layout == Layout()
    assert whole.performance
    assert partly.performance
    assert partly.performance.tpot_s.typical > 3 * whole.performance.tpot_s.typical


@pytest.mark.parametrize(("smaller", "larger"), [("g5.8xlarge", "g5.16xlarge")])
def test_a_wider_host_is_faster(catalog: Catalog, smaller: str, larger: str) -> None:
    slow, fast = judged(catalog, smaller), judged(catalog, larger)
    assert slow.candidate.layout == fast.candidate.layout
    assert slow.performance
    assert fast.performance
    assert fast.performance.tpot_s.typical < slow.performance.tpot_s.typical


def test_a_device_without_a_known_host_has_none(catalog: Catalog) -> None:
    machine = replace(catalog.inventory.machines["g5.8xlarge"], vcpus=0)
    assert host_cpu(machine, catalog.inventory) is None


def test_a_model_that_fits_needs_the_least_of_the_host(catalog: Catalog) -> None:
    model, inventory = catalog.model("meta-llama/Llama-3.1-8B"), catalog.inventory
    node = node_of(inventory.machines["g5.8xlarge"], inventory)
    scenario = Scenario(model.id, FORMAT, engine="llamacpp")
    found = offload(deploy(node, model, scenario, inventory), 4096)
    assert found
    assert found.layout.host == 1
