"""llama.cpp with layers in host memory: how many, and what they cost in speed."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.nodes import host_cpu, node_of
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.serving.deployment import deploy
from estimator.serving.judge import ServingJudge
from estimator.serving.offload import offloads
from estimator.units import GIB
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
    (split,) = offloads(deploy(node, model, scenario, inventory), 4096)
    assert split.layout == Layout(host=1)


def own_card(
    catalog: Catalog, model: str, weights: str, card: str, host_gib: float, engine: str = "llamacpp", count: int = 1
) -> Evaluation:
    placement = Placement(accelerator=card, count=count, host_memory_gib=host_gib)
    scenario = Scenario(model, weights, workload=ONE_USER, engine=engine, placement=placement)
    return rank(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


def test_a_mixture_keeps_its_experts_on_the_host_first(catalog: Catalog) -> None:
    """gpt-oss-120b on one card of 24 GB runs with --n-cpu-moe: attention and cache stay on the card."""
    row = own_card(catalog, "openai/gpt-oss-120b", "mxfp4", "rtx4090", 96)
    assert row.verdict == "fits"
    assert row.candidate.layout.host_part == "experts"
    assert 20 <= row.candidate.layout.host <= 28  # of 36; 1.64 GiB of experts in each
    assert row.memory
    assert row.memory.host_bytes == pytest.approx(row.candidate.layout.host * 1.576 * GIB, rel=0.01)
    assert row.performance
    assert 1 / 60 < row.performance.tpot_s.typical < 1 / 20


def test_ollama_knows_whole_layers_only(catalog: Catalog) -> None:
    row = own_card(catalog, "openai/gpt-oss-120b", "mxfp4", "rtx4090", 96, "ollama")
    assert row.candidate.layout.host_part == "layers"


def test_long_prompts_copy_the_weights_to_the_card(catalog: Catalog) -> None:
    """The CPU alone would take a minute and more for 512 tokens of 33 layers of a 70B model."""
    row = own_card(catalog, NAME, FORMAT, "rtx4090", 64)
    assert row.performance
    layer_flops, cpu_flops = 2 * 0.86e9, 1.2e12
    cpu_s = 512 * row.candidate.layout.host * layer_flops / cpu_flops
    assert row.performance.ttft_s.typical < cpu_s / 3


def test_vllm_streams_weights_over_the_link_where_the_room_is_stated(catalog: Catalog) -> None:
    row = own_card(catalog, "Qwen/Qwen3-32B", "fp8", "rtx4090", 64, "vllm")
    assert row.verdict == "fits"
    assert row.candidate.layout.host_part == "weights"
    assert row.memory
    assert row.performance
    assert row.performance.tpot_s.typical > row.memory.host_bytes / 31.5e9  # PCIe 4 x16
    assert judged(catalog, "g6.xlarge", "vllm", "int4-awq").verdict == "does_not_fit"


@pytest.mark.parametrize("engine", ["llamacpp", "vllm"])
def test_weights_on_card_and_host_add_up(catalog: Catalog, engine: str) -> None:
    weights = "bf16"
    row = own_card(catalog, "Qwen/Qwen3-14B", weights, "rtx4090", 64, engine)
    whole = own_card(catalog, "Qwen/Qwen3-14B", weights, "a6000", 64, engine)
    assert row.memory
    assert whole.memory
    assert whole.memory.host_bytes == 0
    assert row.memory.weights_bytes + row.memory.host_bytes == pytest.approx(whole.memory.weights_bytes, rel=1e-6)


def test_a_host_too_small_for_the_experts_is_said(catalog: Catalog) -> None:
    row = own_card(catalog, "deepseek-ai/DeepSeek-V3", FORMAT, "rtx5090", 128)
    assert row.verdict == "does_not_fit"
