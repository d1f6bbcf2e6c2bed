"""Options that only some settings, formats and layouts bring into a launch command."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.advice.launch import Command, launch
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def texts(catalog: Catalog, scenario: Scenario) -> dict[str, str]:
    """The arguments of the scenario's launch command, and why each is there."""
    model, prices = resolve(scenario.model, catalog), catalog.prices(scenario.region)
    command: Command = launch(model, scenario, evaluate(model, scenario, catalog.inventory, prices), catalog.inventory)
    return {argument.text: argument.why for argument in command.arguments}


DEEPSEEK = Scenario(
    model="deepseek-ai/DeepSeek-V3",
    workload=ServingWorkload(draft_tokens=1, accepted_tokens=1.8),
    placement=Placement(instance="p5en.48xlarge", machines=1, tp=8),
)


def test_vllm_is_told_of_prediction_modules_repeats_and_the_length_that_was_asked(catalog: Catalog) -> None:
    work = replace(DEEPSEEK.workload, prefix_cache_hit=0.25)
    asked = replace(DEEPSEEK, workload=work, settings=EngineSettings(max_model_len=8192))
    arguments = texts(catalog, asked)
    assert '--speculative-config \'{"method": "mtp", "num_speculative_tokens": 1}\'' in arguments
    assert arguments["--enable-prefix-caching"] == "25% of prompts repeat"
    assert arguments["--max-model-len 8192"] == "as asked"


def test_sglang_is_told_of_prediction_modules_and_an_fp8_cache(catalog: Catalog) -> None:
    arguments = texts(catalog, replace(DEEPSEEK, engine="sglang", kv="fp8"))
    assert "--kv-cache-dtype fp8_e4m3" in arguments
    steps = "--speculative-algorithm EAGLE --speculative-num-steps 1 --speculative-eagle-topk 1"
    assert f"{steps} --speculative-num-draft-tokens 2" in arguments


def test_attention_replicas_over_two_machines_know_their_first(catalog: Catalog) -> None:
    placement = Placement(instance="p5.48xlarge", machines=2, tp=1, dp=16, ep=16)
    arguments = texts(catalog, replace(DEEPSEEK, workload=ServingWorkload(), placement=placement))
    assert arguments["--data-parallel-size-local 8"] == "attention replicas on each machine"
    assert any(text.startswith("--data-parallel-address ") for text in arguments)


def test_layers_that_stay_in_host_memory_are_said(catalog: Catalog) -> None:
    placement = Placement(instance="g6e.xlarge", machines=1, host_memory_gib=64)
    scenario = Scenario(model="Qwen/Qwen2.5-32B-Instruct", weights="bf16", placement=placement)
    arguments = texts(catalog, replace(scenario, workload=ServingWorkload(concurrency=1)))
    (offload,) = [text for text in arguments if text.startswith("--cpu-offload-gb ")]
    assert 20 < float(offload.split()[1]) < 45  # 61 GiB of weights over a card of 44.5


@pytest.mark.parametrize(
    ("model", "weights", "option"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "gguf-q4_k_m", "--n-gpu-layers "),
        ("Qwen/Qwen3-30B-A3B", "gguf-q8_0", "--n-cpu-moe "),
    ],
)
def test_llamacpp_keeps_layers_or_experts_on_the_host(catalog: Catalog, model: str, weights: str, option: str) -> None:
    scenario = Scenario(
        model=model,
        weights=weights,
        kv="q8_0",
        engine="llamacpp",
        workload=ServingWorkload(concurrency=1),
        placement=Placement(instance="g6.8xlarge", machines=1),
    )
    arguments = texts(catalog, scenario)
    (kept,) = [text for text in arguments if text.startswith(option)]
    assert 0 < int(kept.split()[1]) < 80
    assert "--cache-type-k q8_0 --cache-type-v q8_0" in arguments


def test_llamacpp_is_told_of_a_cache_in_host_memory(catalog: Catalog) -> None:
    scenario = Scenario("Qwen/Qwen3-8B", "gguf-q4_k_m", engine="llamacpp", placement=Placement(instance="g6.xlarge"))
    assert "--no-kv-offload" not in texts(catalog, scenario)
    asked = replace(scenario, settings=EngineSettings(kv_on_host=True))
    assert texts(catalog, asked)["--no-kv-offload"] == "the cache stays in host memory, where the CPU attends to it"


def test_a_gguf_repository_is_named_as_it_is(catalog: Catalog, tmp_path: Path) -> None:
    model = replace(resolve("Qwen/Qwen3-8B", catalog), id="unsloth/Qwen3-8B-GGUF")
    scenario = Scenario(
        model="Qwen/Qwen3-8B", weights="gguf-q4_k_m", engine="llamacpp", placement=Placement(instance="g6.xlarge")
    )
    row = evaluate(model, scenario, catalog.inventory, catalog.prices("us-east-1"))
    assert launch(model, scenario, row, catalog.inventory).line.startswith("llama-server -hf unsloth/Qwen3-8B-GGUF")
    model = replace(model, id="./qwen.gguf")
    assert launch(model, scenario, row, catalog.inventory).line.startswith("llama-server --model ./qwen.gguf")


def test_engines_are_told_how_long_requests_may_wait(catalog: Catalog) -> None:
    asked = replace(DEEPSEEK, workload=ServingWorkload(), settings=EngineSettings(admission_steps=30))
    why = "decode steps between two looks for new requests"
    assert texts(catalog, replace(asked, engine="sglang"))["--scheduler-recv-interval 30"] == why
    unsaid = replace(asked, engine="sglang", settings=EngineSettings(admission_steps=1))
    assert not any("recv-interval" in text for text in texts(catalog, unsaid))

    def options(scenario: Scenario) -> str:
        model, prices = resolve(scenario.model, catalog), catalog.prices(scenario.region)
        row = evaluate(model, scenario, catalog.inventory, prices)
        return launch(model, scenario, row, catalog.inventory).setup

    shared = options(replace(asked, engine="trtllm"))
    assert "batch_wait_timeout_iters: 30\nbatch_wait_max_tokens_ratio: 0.8\n" in shared
    replicas = replace(asked, engine="trtllm", placement=replace(DEEPSEEK.placement, tp=1, dp=8, ep=8))
    assert "attention_dp_config:\n  enable_balance: true\n  timeout_iters: 30\n" in options(replicas)
