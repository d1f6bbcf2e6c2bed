"""llama.cpp's cache in the host's RAM (--no-kv-offload): what it holds, and what attention on the CPU costs."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.advice.decisions import needed_memory_bytes
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.nodes import node_for
from estimator.scenario.placement import devices
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.serving.deployment import Deployment, deploy
from estimator.serving.memory import compile_memory
from estimator.serving.speed.breakdown import decode_operators
from estimator.serving.speed.compile import compile_step
from estimator.serving.speed.host_attention import attending_cpu, exchanged_elements
from estimator.units import GIB

LARGE, SMALL = "meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.1-8B"
TOKENS = ServingWorkload(8000, 500, 4)
REQUEST_BYTES = 8500 * 80 * 2 * 8 * 128 * 2
"""Keys and values of 80 layers, 8 heads of 128, in 16 bit."""


def asked(model: str = LARGE, placement: Placement | None = None, on_host: bool = True) -> Scenario:
    return Scenario(
        model,
        "gguf-q4_k_m",
        workload=TOKENS,
        engine="llamacpp",
        settings=EngineSettings(kv_on_host=on_host or None),
        placement=placement or Placement(instance="g6e.8xlarge"),
    )


def row_of(catalog: Catalog, scenario: Scenario) -> Evaluation:
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


def own_card(model: str, host_gib: float | None, count: int = 1, card: str = "rtx4090") -> Scenario:
    return asked(model, Placement(accelerator=card, count=count, host_memory_gib=host_gib))


def deployment(catalog: Catalog, model: str = SMALL, *, on_host: bool = True, count: int = 1) -> Deployment:
    scenario = replace(own_card(model, 64, count), settings=EngineSettings(kv_on_host=on_host))
    node = node_for(devices("rtx4090", count, catalog.inventory), scenario, catalog.inventory)
    return deploy(node, catalog.model(model), scenario, catalog.inventory)


def test_the_ram_less_what_else_runs_there_holds_97_requests_of_a_70b_model(catalog: Catalog) -> None:
    row, beside = row_of(catalog, asked()), row_of(catalog, asked(on_host=False))
    assert row.memory
    assert beside.memory
    assert row.memory.host_cache_bytes == (256 - 2) * GIB
    assert row.memory.request_bytes == beside.memory.request_bytes == REQUEST_BYTES
    assert row.memory.max_concurrency == 254 * GIB // REQUEST_BYTES == 97
    assert (row.memory.kv_cache_bytes, row.memory.host_bytes, row.memory.shortfall_bytes) == (0, 0, 0)
    assert row.memory.left_bytes == beside.memory.left_bytes > 0
    assert beside.memory.max_concurrency == 1
    assert row.confidence == "C"


def test_a_device_needs_no_memory_for_requests(catalog: Catalog) -> None:
    row = row_of(catalog, asked())
    assert row.memory
    fixed = row.memory.weights_bytes + row.memory.activation_bytes + row.memory.runtime_bytes
    assert needed_memory_bytes(row, TOKENS) == pytest.approx(fixed)


@pytest.mark.parametrize(
    "model", ["Qwen/Qwen3-Next-80B-A3B-Instruct", "google/gemma-3-27b-it", "deepseek-ai/DeepSeek-V3"]
)
def test_a_sequence_takes_the_same_in_ram_with_states_windows_and_latent_keys(catalog: Catalog, model: str) -> None:
    in_ram, on_device = (compile_memory(deployment(catalog, model, on_host=each), Layout()) for each in (True, False))
    assert in_ram.sequence_bytes(5000) == on_device.sequence_bytes(5000) > 0
    assert sum(term.bytes for term in in_ram.request_terms(5000)) == pytest.approx(in_ram.sequence_bytes(5000))


def test_ram_that_holds_no_request_is_what_is_short(catalog: Catalog) -> None:
    row = row_of(catalog, own_card(SMALL, 3))
    assert row.verdict == "does_not_fit"
    missing = 8500 * 32 * 2 * 8 * 128 * 2 - GIB
    assert row.memory
    assert row.memory.shortfall_bytes == missing
    assert row.reason == f"{missing / 2**20:.0f} MiB short in host memory"


def test_engines_of_one_machine_divide_its_ram(catalog: Catalog) -> None:
    row = row_of(catalog, asked(SMALL, Placement(instance="g6e.12xlarge", machines=1, tp=1, pp=1)))
    assert row.candidate.replicas == 4
    assert row.memory
    assert row.memory.host_cache_bytes == (384 - 2) * GIB / 4


def test_layers_and_the_whole_cache_share_the_ram(catalog: Catalog) -> None:
    row = row_of(catalog, own_card(LARGE, 64))
    assert row.candidate.layout.host
    assert row.memory
    assert row.memory.host_bytes > 10 * GIB
    assert row.memory.host_cache_bytes == pytest.approx(62 * GIB - row.memory.host_bytes)
    assert row.memory.max_concurrency == row.memory.host_cache_bytes // REQUEST_BYTES


def test_a_decode_step_reads_the_cache_at_the_cpus_bandwidth_and_crosses_the_link(catalog: Catalog) -> None:
    """Llama-3.1-8B has 32 heads and 8 of keys and values, of 128, in 32 layers; the desktop has 89.6 GB/s."""
    on_device = compile_step(deployment(catalog, on_host=False), Layout())
    on_host = compile_step(deployment(catalog), Layout())
    constants, kernels = catalog.inventory.efficiency.llama_cpp, on_device.speed.kernels
    rate = 89.6e9 * constants.cache_memory * kernels.attention_bandwidth
    attention_s = 2 * 8000 * 131_072 / rate
    crossing_s = 64 * constants.device_us * 1e-6 + 2 * 32 * 4 * (2 * 4096 + 2 * 1024) / (31.5e9 * 0.8)
    parts = {part.name: part.seconds for part in decode_operators(on_host, 2, 8000)}
    assert parts["attention"] == pytest.approx(attention_s)
    assert parts["to the host and back"] == pytest.approx(crossing_s)
    without = sum(each.seconds for each in decode_operators(on_device, 2, 8000) if each.name != "attention")
    assert on_host.decode_s(2, 8000) == pytest.approx(without + attention_s + crossing_s)


def test_a_prompt_attends_at_the_flops_of_the_cpus_vectors(catalog: Catalog) -> None:
    """8 cores x 4.7 GHz x 32 FLOP of AVX2; the causal half of scores and values of 32 layers."""
    step = compile_step(deployment(catalog), Layout())
    constants = catalog.inventory.efficiency.llama_cpp
    rate = 1.2e12 * constants.kernels["cpu"].attention * step.speed.kernels.prompt_attention
    flops = 32 * 2 * 32 * (128 + 128) * 4096**2 / 2
    assert sum(each.seconds(4096, 0) for each in step.operators.prefill_attention) == pytest.approx(flops / rate)


def test_matrix_units_of_a_cpu_do_not_attend(catalog: Catalog) -> None:
    socket = catalog.inventory.accelerators["cpu-sapphire-rapids"]
    assert attending_cpu(socket, 0.5).matrix_flops == socket.fp32_flops / 2 < socket.matrix_flops / 10


def test_pipeline_stages_take_turns_at_the_cpu(catalog: Catalog) -> None:
    alone, staged = (compile_step(deployment(catalog, count=count), Layout(pp=count)) for count in (1, 4))

    def attention_s(batch: float) -> list[float]:
        parts = [decode_operators(step, batch, 8000) for step in (alone, staged)]
        return [sum(part.seconds for part in each if part.name == "attention") for each in parts]

    for batch in (1, 2, 16):
        one, four = attention_s(batch)
        assert four == pytest.approx(one)
    one, four = (sum(each.seconds(8000, 0) for each in step.operators.prefill_attention) for step in (alone, staged))
    assert four == pytest.approx(4 * one)
    assert staged.prompt_time(8000).engine_s > one


@pytest.mark.parametrize(
    "model", ["Qwen/Qwen3-Next-80B-A3B-Instruct", "LiquidAI/LFM2-1.2B", "ibm-granite/granite-4.0-h-1b"]
)
def test_recurrent_layers_hand_over_what_is_projected(catalog: Catalog, model: str) -> None:
    architecture = catalog.model(model).architecture
    recurrent = [
        group.layer.mixer for group in architecture.groups if group.layer.mixer and not group.layer.mixer.query_heads
    ]
    assert recurrent
    for mixer in recurrent:
        assert 2 * architecture.hidden <= exchanged_elements(mixer, architecture.hidden) < 16 * architecture.hidden


@pytest.mark.parametrize("engine", ["ollama", "vllm", "sglang", "transformers"])
def test_engines_without_such_an_option_refuse(catalog: Catalog, engine: str) -> None:
    name = catalog.inventory.engine(engine, None).name
    with pytest.raises(InputError, match=f"kv_on_host: {name} has no option for it"):
        row_of(catalog, replace(asked(), engine=engine))


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        (own_card(SMALL, None), "how much RAM there is for the cache is not known: state the host memory"),
        (
            own_card(SMALL, None, card="gb10"),
            "NVIDIA GB10 (DGX Spark) has no other memory than the host's for the cache",
        ),
        (
            replace(own_card("Qwen/Qwen3-Next-80B-A3B-Instruct", 64), workload=replace(TOKENS, draft_tokens=1)),
            "a cache in host memory beside one of drafts is not modelled",
        ),
        (
            asked(SMALL, Placement(instance="g6e.12xlarge", tp=2)),
            "tp: a cache in host memory is not modelled under tensor parallelism",
        ),
    ],
)
def test_what_is_not_known_is_said(catalog: Catalog, scenario: Scenario, reason: str) -> None:
    row = row_of(catalog, scenario)
    assert row.verdict == "not_supported"
    assert row.reason == reason


def test_a_cpu_has_its_cache_in_ram_anyway(catalog: Catalog) -> None:
    host = Placement(instance="c7i.48xlarge", machines=1)
    with_option, without = (row_of(catalog, asked(SMALL, host, on_host=each)) for each in (True, False))
    assert with_option.performance
    assert with_option == without
