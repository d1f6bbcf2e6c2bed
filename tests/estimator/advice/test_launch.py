"""Launch commands say every value that an estimate assumes."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.advice.launch import Command, launch, quoted_operand
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


V3 = Scenario("deepseek-ai/DeepSeek-V3", weights="fp8-block")
ATTENTION_DP = replace(V3, placement=Placement(instance="p5en.48xlarge", tp=1, dp=8, ep=8))


def test_sglang_counts_attention_replicas_into_its_tensor_parallel_size(catalog: Catalog) -> None:
    """SGLang asserts tp_size % dp_size == 0 (sglang/srt/server_args.py, _handle_data_parallelism)."""
    line = command(catalog, replace(ATTENTION_DP, engine="sglang")).line
    assert "--tp-size 8 " in line
    assert "--dp-size 8 --enable-dp-attention" in line


def test_vllm_counts_attention_replicas_apart(catalog: Catalog) -> None:
    """vLLM docs/serving/data_parallel_deployment.md: experts are spread over tp x dp ranks."""
    line = command(catalog, ATTENTION_DP).line
    assert "--tensor-parallel-size 1 " in line
    assert "--data-parallel-size 8 " in line
    assert "--enable-expert-parallel" in line


def test_tensorrt_llm_takes_attention_replicas_from_its_options_file(catalog: Catalog) -> None:
    """TensorRT-LLM docs/source/features/parallel-strategy.md: tensor_parallel_size 8, enable_attention_dp true."""
    line = command(catalog, replace(ATTENTION_DP, engine="trtllm", kv="fp8")).line
    written, program = line.split("EOF\n", 1)
    assert written.splitlines()[1:] == ["enable_attention_dp: true", "kv_cache_config:", "  dtype: fp8"]
    assert "--tp_size 8 " in program
    assert "--ep_size 8 " in program
    assert "--extra_llm_api_options trtllm-options.yaml" in program


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        # vLLM docs/serving/parallelism_scaling.md, "Running vLLM with MultiProcessing"
        ("vllm", ("--nnodes 2 --node-rank", "--master-addr", "--headless")),
        # SGLang docs/references/multi_node_deployment
        ("sglang", ("--nnodes 2 --node-rank", "--dist-init-addr")),
        # TensorRT-LLM examples/llm-api/llm_mgmn_trtllm_serve.sh
        ("trtllm", ("trtllm-llmapi-launch trtllm-serve",)),
    ],
)
def test_an_engine_over_two_machines_is_told_their_number_and_the_first(
    catalog: Catalog, engine: str, options: tuple[str, ...]
) -> None:
    placement = Placement(instance="p5.48xlarge", machines=2, tp=8, pp=2)
    given = command(catalog, replace(V3, engine=engine, placement=placement))
    assert all(option in given.line for option in options)
    assert any("2 machines" in note or "16 tasks" in note for note in given.notes)


def test_the_workers_of_two_machines_have_no_http_server(catalog: Catalog) -> None:
    """The line is run by a shell on each machine: only the first one's lacks --headless."""
    placement = Placement(instance="p5.48xlarge", machines=2, tp=8, pp=2)
    line = command(catalog, replace(V3, placement=placement)).line
    for rank, headless in (("0", False), ("1", True)):
        assert ("--headless" in words(line, NODE_RANK=rank, HEAD_ADDRESS="10.0.0.1")) is headless


def words(line: str, **variables: str) -> list[str]:
    """The arguments that a shell makes of a command."""
    script = f"printargs() {{ printf '%s\\n' \"$@\"; }}; printargs {line}"
    answer = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()


def test_every_replica_has_devices_and_a_port_of_its_own(catalog: Catalog) -> None:
    given = command(catalog, P5)
    assert "--port 8000" in given.line
    assert "replica 1: CUDA_VISIBLE_DEVICES=0,1,2,3 before the command, --port 8000" in given.notes
    assert "replica 2: CUDA_VISIBLE_DEVICES=4,5,6,7 before the command, --port 8001" in given.notes


def test_a_replica_of_a_whole_machine_takes_its_devices_and_one_of_two_machines_each(catalog: Catalog) -> None:
    """Eight devices are one p5.48xlarge, sixteen are two."""
    whole = command(catalog, replace(P5, placement=Placement(instance="p5.48xlarge", machines=2, tp=8))).notes
    assert "replica 1: CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 before the command, --port 8000" in whole
    assert "1 replicas on each of 2 machines" in whole
    assert not any(note.startswith("replica 2") for note in whole)
    spread = command(catalog, replace(P5, placement=Placement(instance="p5.48xlarge", machines=4, tp=8, pp=2))).notes
    assert "each replica takes 2 machines of its own" in spread
    assert not any("VISIBLE_DEVICES" in note for note in spread)


def test_llamacpp_fetches_gguf_files_by_repository_and_format(catalog: Catalog) -> None:
    """llama.cpp tools/server/README.md: -hf <user>/<model>[:quant]."""
    placement = Placement(instance="g6.xlarge")
    given = command(
        catalog,
        Scenario("meta-llama/Llama-3.1-8B", weights="gguf-q4_k_m", engine="llamacpp", placement=placement),
    )
    assert given.line.startswith("llama-server -hf meta-llama/Llama-3.1-8B-GGUF:Q4_K_M")
    assert any("stands for a repository that holds GGUF files" in note for note in given.notes)


@pytest.mark.parametrize(("tp", "pp", "mode"), [(4, 1, "tensor"), (1, 4, "layer")])
def test_llamacpp_is_told_how_to_split(catalog: Catalog, tp: int, pp: int, mode: str) -> None:
    asked = Scenario(
        model="meta-llama/Llama-3.1-8B",
        weights="gguf-q8_0",
        engine="llamacpp",
        placement=Placement(instance="g6.12xlarge", tp=tp, pp=pp),
    )
    assert f"--split-mode {mode}" in command(catalog, asked).line


def test_a_name_that_begins_with_a_dash_is_never_an_option(tmp_path: Path) -> None:
    assert words(quoted_operand("--trust-remote-code")) == ["./--trust-remote-code"]
    assert words(quoted_operand("a'b; $(touch x)")) == ["a'b; $(touch x)"]


def test_every_option_names_the_input_it_comes_from(catalog: Catalog) -> None:
    asked = replace(P5, kv="fp8", settings=EngineSettings(max_num_seqs=64))
    sources = {argument.text.split()[0]: argument.source for argument in command(catalog, asked).arguments}
    assert sources["--tensor-parallel-size"] == "--tp"
    assert sources["--kv-cache-dtype"] == "--kv"
    assert sources["--max-num-seqs"] == "--max-num-seqs"
    assert sources["--max-num-batched-tokens"] == "the engine's default"
    assert sources["--max-model-len"] == "--input-tokens, --output-tokens"


@pytest.mark.parametrize(
    ("engine", "option"),
    [("vllm", "--enforce-eager"), ("sglang", "--disable-cuda-graph"), ("tgi", "--cuda-graphs 0")],
)
def test_eager_is_said_in_the_engines_own_option(catalog: Catalog, engine: str, option: str) -> None:
    asked = Scenario(
        "meta-llama/Llama-3.1-8B", weights="bf16", engine=engine, placement=Placement(instance="g5.xlarge")
    )
    assert option not in command(catalog, asked).line
    assert option in command(catalog, replace(asked, settings=EngineSettings(enforce_eager=True))).line
