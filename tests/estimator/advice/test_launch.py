"""Launch commands say every value that an estimate assumes."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.advice.launch import Command, launch
from estimator.errors import InputError
from estimator.ranking.rank import evaluate
from estimator.scenario.scenario import EngineSettings, Placement, Scenario


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def command(catalog: Catalog, scenario: Scenario) -> Command:
    model, prices = resolve(scenario.model, catalog), catalog.prices(scenario.region)
    row = evaluate(model, scenario, catalog.inventory, prices)
    return launch(model, scenario, row, catalog.inventory)


P5 = Scenario(placement=Placement(instance="p5.48xlarge", tp=4))


def test_vllm_gets_layout_length_and_quantisation(catalog: Catalog) -> None:
    found = command(catalog, replace(P5, kv="fp8", settings=EngineSettings(max_num_seqs=64, memory_utilization=0.85)))
    assert found.line.startswith("vllm serve meta-llama/Llama-3.3-70B-Instruct \\\n  --tensor-parallel-size 4")
    said = {argument.text for argument in found.arguments}
    assert {
        "--max-model-len 2560",
        "--gpu-memory-utilization 0.85",
        "--max-num-seqs 64",
        "--quantization fp8",
        "--kv-cache-dtype fp8",
    } <= said
    assert any(note.startswith("2 replicas") for note in found.notes)


def test_a_checkpoint_that_is_already_in_the_format_is_not_quantised_again(catalog: Catalog) -> None:
    found = command(catalog, replace(P5, model="openai/gpt-oss-120b", weights="native"))
    assert "--quantization" not in found.line


@pytest.mark.parametrize(
    ("engine", "instance", "starts"),
    [
        ("sglang", "p5.48xlarge", "python -m sglang.launch_server --model-path"),
        ("trtllm", "p5.48xlarge", "trtllm-serve"),
        ("tgi", "p5.48xlarge", "text-generation-launcher"),
        ("vllm", "inf2.48xlarge", "vllm serve"),
    ],
)
def test_each_engine_is_started_in_its_own_words(catalog: Catalog, engine: str, instance: str, starts: str) -> None:
    found = command(catalog, Scenario(engine=engine, placement=Placement(instance=instance)))
    assert found.line.startswith(starts)
    assert all(argument.why for argument in found.arguments)


def test_llamacpp_shares_its_context_among_the_slots(catalog: Catalog) -> None:
    asked = Scenario(
        model="meta-llama/Llama-3.1-8B",
        weights="gguf-q4_k_m",
        engine="llamacpp",
        placement=Placement(instance="g6.xlarge"),
    )
    asked = replace(asked, workload=replace(asked.workload, concurrency=4))
    assert "--ctx-size 10240" in command(catalog, asked).line


def test_what_does_not_fit_or_does_not_run_is_not_started(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="short"):
        command(catalog, Scenario(placement=Placement(instance="g5.xlarge")))
    with pytest.raises(InputError, match="no server"):
        command(catalog, replace(P5, engine="lmi"))


def test_a_path_is_quoted_for_the_shell(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "x; rm -rf.json"
    path.write_text(
        '{"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "hidden_size": 64, '
        '"num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 1000, '
        '"max_position_embeddings": 4096}'
    )
    asked = Scenario(model=str(path), placement=Placement(instance="g5.xlarge"))
    assert command(catalog, asked).line.startswith("vllm serve 'x; rm -rf'")


@pytest.mark.parametrize(
    ("engine", "option"), [("vllm", "--decode-context-parallel-size 8"), ("sglang", "--dcp-size 8")]
)
def test_stripes_are_said_in_the_engines_own_option(catalog: Catalog, engine: str, option: str) -> None:
    placement = Placement(instance="p5en.48xlarge")
    asked = Scenario("deepseek-ai/DeepSeek-V3", engine=engine, placement=placement)
    assert option.split()[0] not in command(catalog, asked).line
    assert option in command(catalog, replace(asked, settings=EngineSettings(decode_context_parallel=8))).line
