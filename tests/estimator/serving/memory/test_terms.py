"""What a memory figure is made of adds up to it, whatever is asked; and every picture of a device shows the same."""

from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.results import MemoryReport, MemoryTerm
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory import ServingMemory
from estimator.serving.memory.shares import memory_shares
from tests.estimator.serving.memory_cases import MemoryOf, memory_in

MODELS = (
    "meta-llama/Llama-3.1-8B",
    "google/gemma-3-27b-it",
    "Qwen/Qwen3.5-27B",
    "openai/gpt-oss-20b",
    "deepseek-ai/DeepSeek-V2-Lite",
    "Qwen/Qwen3-30B-A3B",
    "Qwen/Qwen3-VL-8B-Instruct",
    "moonshotai/Kimi-Linear-48B-A3B-Instruct",
)
ENGINES = (
    *(("vllm", version) for version in ("0.6.3", "0.7.3", "0.11.1", "0.19.0", None)),
    *((engine, None) for engine in ("sglang", "trtllm", "llamacpp", "transformers", "tgi", "neuron", "lmi", "mha-kv")),
)
DEVICES = ("a10g", "l40s", "h100-sxm", "b300-sxm", "mi300x")
asked = st.builds(
    EngineSettings,
    memory_utilization=st.one_of(st.none(), st.floats(0.05, 1.0)),
    max_model_len=st.one_of(st.none(), st.integers(64, 131_072)),
    max_num_seqs=st.one_of(st.none(), st.integers(1, 2048)),
    max_num_batched_tokens=st.one_of(st.none(), st.integers(64, 32_768)),
)
layouts = st.sampled_from([Layout(tp=tp, pp=pp) for tp in (1, 2, 4) for pp in (1, 2)])


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


def added(terms: tuple[MemoryTerm, ...]) -> float:
    for term in terms:
        if term.factors:
            assert abs(prod(factor.value for factor in term.factors)) == pytest.approx(abs(term.bytes), rel=1e-9)
    return sum(term.bytes for term in terms)


def assert_adds_up(memory: ServingMemory, tokens: int) -> MemoryReport:
    report, rank = memory.report(tokens), memory.tightest_rank
    for figure, terms in (
        (report.activation_bytes, rank.activation),
        (report.runtime_bytes, rank.runtime),
        (report.cuda_graph_bytes, rank.cuda_graphs),
        (report.left_bytes, memory.pool_terms()),
        (report.request_bytes, memory.request_terms(tokens)),
    ):
        assert added(terms) == pytest.approx(figure, rel=1e-9, abs=1e-3)
    assert sum(part.value for part in report.weights) == pytest.approx(report.weights_bytes)
    assert report.kv_cache_bytes == max(report.left_bytes, 0.0)
    return report


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(MODELS), st.sampled_from(ENGINES), st.sampled_from(DEVICES), layouts, asked,
    st.integers(1, 100_000), st.sampled_from(("bf16", "fp8", "int4-awq")), st.floats(0, 2000),
)  # fmt: skip
def test_terms_and_shares_add_up(
    memory_of: MemoryOf,
    name: str,
    engine: tuple[str, str | None],
    device: str,
    layout: Layout,
    options: EngineSettings,
    tokens: int,
    weights: str,
    sequences: float,
) -> None:
    memory = memory_of(
        name, layout, weights=weights, device=device, engine=engine[0], version=engine[1], settings=options
    )
    report = assert_adds_up(memory, tokens)
    shares = memory_shares(report, sequences)
    assert all(share >= 0 for share in shares)
    assert shares.cache_bytes + shares.free_bytes == pytest.approx(report.kv_cache_bytes)
    if report.kv_cache_bytes > 0 and engine[0] not in ("lmi", "mha-kv"):  # these count with more than there is
        assert sum(shares) == pytest.approx(report.usable_bytes), "parts never exceed the device"


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(MODELS), st.sampled_from(ENGINES), st.sampled_from(DEVICES), layouts,
    st.floats(0.05, 1.0), st.floats(0.05, 1.0), st.integers(1, 100_000),
)  # fmt: skip
def test_a_higher_utilization_never_turns_a_fit_into_a_failure(
    memory_of: MemoryOf,
    name: str,
    engine: tuple[str, str | None],
    device: str,
    layout: Layout,
    one: float,
    other: float,
    tokens: int,
) -> None:
    reports = [
        memory_of(
            name,
            layout,
            weights="fp8",
            device=device,
            engine=engine[0],
            version=engine[1],
            settings=EngineSettings(memory_utilization=utilization),
        ).report(tokens)
        for utilization in sorted((one, other))
    ]
    low, high = reports
    assert high.shortfall_bytes <= low.shortfall_bytes
    assert high.max_concurrency >= low.max_concurrency
    assert high.max_context_tokens >= low.max_context_tokens


def test_graphs_outside_the_budget_leave_no_more_than_the_device_has(memory_of: MemoryOf) -> None:
    """Gemma 4 26B-A4B under vLLM 0.11 at utilization 1: graphs are captured beside the budget."""
    options = EngineSettings(memory_utilization=1.0)
    memory = memory_of("google/gemma-4-26B-A4B-it", device="l40s", version="0.11.1", settings=options, weights="fp8")
    report = memory.report(4096)
    spent = report.weights_bytes + report.activation_bytes + report.runtime_bytes + report.cuda_graph_bytes
    assert spent + report.kv_cache_bytes <= report.usable_bytes
    assert memory.pool_terms()[0].name == "what CUDA graphs outside the budget leave"


def test_a_cap_on_sequences_leaves_the_cache_of_one_as_it_is(memory_of: MemoryOf) -> None:
    """Two requests at once take two requests' cache, however large the rest of the pool is."""
    free, capped = (
        memory_of(MODELS[0], settings=EngineSettings(max_num_seqs=limit)).report(2048) for limit in (256, 2)
    )
    assert capped.max_concurrency == 2
    assert memory_shares(capped, 2).cache_bytes == memory_shares(free, 2).cache_bytes == 2 * free.request_bytes


def test_a_device_that_is_too_small_has_no_cache_and_a_shortfall(memory_of: MemoryOf) -> None:
    report = memory_of("meta-llama/Llama-3.1-70B", device="l40s").report(2048)
    assert report.kv_cache_bytes == 0 > report.left_bytes
    assert report.shortfall_bytes == pytest.approx(report.request_bytes - report.left_bytes)


@pytest.mark.parametrize(
    ("name", "engine", "kinds"),
    [
        ("meta-llama/Llama-3.1-8B", "vllm", {"layers that keep every token"}),
        ("openai/gpt-oss-20b", "vllm", {"layers that keep every token", "layers with a window"}),
        ("Qwen/Qwen3.5-27B", "vllm", {"layers that keep every token", "recurrent states"}),
        ("openai/gpt-oss-20b", "llamacpp", {"layers that keep every token", "layers with a window"}),
    ],
)
def test_the_cache_of_a_request_is_told_by_kind_of_layers(
    memory_of: MemoryOf, name: str, engine: str, kinds: set[str]
) -> None:
    memory = memory_of(name, engine=engine, weights="bf16")
    assert {term.name for term in memory.request_terms(2560)} == kinds


def test_a_model_that_keeps_no_cache_has_no_cache_and_a_model_that_does_not_fit_has_none_left(
    memory_of: MemoryOf,
) -> None:
    assert memory_of("BAAI/bge-m3").report(512).kv_cache_bytes == 0
    crowded = memory_of("Qwen/Qwen3-30B-A3B", device="a10g").report(512)
    assert crowded.left_bytes < 0
    assert crowded.kv_cache_bytes == 0
    assert crowded.shortfall_bytes == crowded.request_bytes - crowded.left_bytes


@pytest.mark.parametrize("stages", [1, 2, 4])
def test_a_tied_embedding_is_held_once_and_again_where_the_last_stage_is_another(
    memory_of: MemoryOf, stages: int
) -> None:
    """Llama 3.2 1B: 1,235,814,400 parameters, of which the embedding has 128,256 x 2,048; 16-bit."""
    ranks = memory_of("meta-llama/Llama-3.2-1B", Layout(pp=stages)).plan.ranks
    held = sum(part.value for rank in ranks for part in rank.weights)
    assert held == pytest.approx(2 * (1_235_814_400 + (128_256 * 2_048 if stages > 1 else 0)), rel=1e-3)
