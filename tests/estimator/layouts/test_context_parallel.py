"""Decode context parallelism: tokens times n in the same bytes, shorter reads, an exchange; and what has none of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog, load
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.layouts.context_parallel import (
    cache_copies,
    cache_heads,
    context_parallel_refusal,
    legal_context_parallel,
)
from estimator.ranking.rank import rank
from estimator.results import Leaderboard
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.serving.speed.breakdown import decode_operators
from estimator.serving.speed.step import Step
from tests.estimator.serving.memory_cases import MemoryOf, memory_in
from tests.estimator.serving.steps import step_on

LITE, KIMI, QWEN = "deepseek-ai/DeepSeek-V2-Lite", "moonshotai/Kimi-K2-Instruct", "Qwen/Qwen3-235B-A22B"
LLAMA, GEMMA, NEXT = "meta-llama/Llama-3.1-8B", "google/gemma-3-27b-it", "Qwen/Qwen3-Next-80B-A3B-Instruct"
SPARSE = "deepseek-ai/DeepSeek-V3.2-Exp"


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


def divided(count: int, length: int = 8192) -> EngineSettings:
    return EngineSettings(max_model_len=length, decode_context_parallel=count)


@pytest.mark.parametrize(
    ("name", "tp", "count", "token_bytes"),
    [(LITE, 4, 2, 31_104), (LITE, 4, 4, 31_104), (KIMI, 16, 8, 70_272), (KIMI, 16, 16, 70_272), (QWEN, 8, 2, 48_128)],
)
def test_stripes_multiply_the_tokens_and_not_the_bytes(
    memory_of: MemoryOf, name: str, tp: int, count: int, token_bytes: int
) -> None:
    alone = memory_of(name, Layout(tp), weights="fp8", device="h200-sxm").report(8192)
    settings = divided(count, 1 << 20)
    shared = memory_of(name, Layout(tp), weights="fp8", device="h200-sxm", settings=settings).report(8192)
    assert alone.kv_bytes_per_token == token_bytes
    assert shared.kv_bytes_per_token == token_bytes / count
    assert shared.kv_cache_bytes == alone.kv_cache_bytes
    tokens = alone.kv_cache_bytes / token_bytes
    assert shared.kv_capacity_tokens == pytest.approx(count * tokens, rel=1e-3)
    assert shared.max_concurrency == pytest.approx(count * alone.max_concurrency, rel=0.01)


def test_a_block_spans_as_many_times_the_tokens(memory_of: MemoryOf) -> None:
    memory = memory_of(LITE, Layout(8), settings=divided(8))
    assert [memory.plan.pool.pages(tokens) for tokens in (1, 128, 129, 8192)] == [1, 1, 2, 64]


def test_recurrent_states_stay_whole(memory_of: MemoryOf) -> None:
    alone, shared = (memory_of(NEXT, Layout(8), weights="fp8", settings=divided(count)) for count in (1, 4))
    assert shared.plan.pool.fixed == alone.plan.pool.fixed > 0
    assert alone.pool_sequences(131_072) < shared.pool_sequences(131_072) < 4 * alone.pool_sequences(131_072)


@given(
    st.sampled_from([(LITE, 16), (KIMI, 16), (QWEN, 16), (NEXT, 16)]),
    st.sampled_from(["vllm", "sglang"]),
    st.integers(1, 100_000),
)
@settings(max_examples=25, deadline=None)
def test_more_stripes_never_hold_fewer_tokens(model: tuple[str, int], engine: str, tokens: int) -> None:
    catalog, (name, tp) = load(), model
    memory_of = memory_in(catalog)
    legal = legal_context_parallel(catalog.model(name), tp, catalog.inventory.engine(engine))
    capacities = [
        memory_of(
            name, Layout(tp), weights="fp8", device="h200-sxm", engine=engine, settings=divided(count)
        ).capacity_tokens(tokens)
        for count in legal
    ]
    assert capacities == sorted(capacities)


@pytest.mark.parametrize(
    ("name", "tp", "engine", "legal"),
    [
        (LITE, 4, "vllm", (1, 2, 4)),
        (LITE, 1, "vllm", (1,)),
        (KIMI, 16, "sglang", (1, 2, 4, 8, 16)),
        (QWEN, 8, "vllm", (1, 2)),
        (QWEN, 4, "vllm", (1,)),
        (LLAMA, 8, "vllm", (1,)),
        (LLAMA, 32, "vllm", (1, 2, 4)),
        (QWEN, 8, "sglang", (1,)),
        (GEMMA, 32, "vllm", (1,)),
        (SPARSE, 8, "vllm", (1,)),
        (NEXT, 8, "vllm", (1, 2, 4)),
        (LITE, 4, "trtllm", (1,)),
        (LITE, 4, "vllm@0.9", (1,)),
        (LITE, 4, "vllm@0.11", (1, 2, 4)),
        (NEXT, 8, "vllm@0.19", (1,)),
    ],
)
def test_stripes_divide_ranks_copies_and_query_heads(
    catalog: Catalog, name: str, tp: int, engine: str, legal: tuple[int, ...]
) -> None:
    profile = catalog.inventory.engine(*engine.split("@"))
    model = catalog.model(name)
    assert legal_context_parallel(model, tp, profile) == legal
    assert all(cache_copies(model.architecture, tp) >= count for count in legal)
    for count in range(1, 2 * tp):
        assert (context_parallel_refusal(model, tp, count, profile) is None) == (count in legal)


def compiled(name: str, count: int, machine_devices: int = 0) -> Step:
    inventory, model = load().inventory, load().model(name)
    return step_on(
        inventory, model, "h200-sxm", Layout(8), model.weights("fp8").id, machine_devices=machine_devices, dcp=count
    )


@pytest.mark.parametrize("name", [KIMI, "Qwen/Qwen3-30B-A3B"])
def test_a_rank_reads_its_share_of_every_sequence_and_exchanges(name: str) -> None:
    alone, shared = compiled(name, 1), compiled(name, 2)

    def moved(step: Step, operator: str) -> float:
        return sum(each.bytes for each in decode_operators(step, 16, 65_536) if each.name == operator)

    assert moved(shared, "attention") == pytest.approx(moved(alone, "attention") / 2)
    assert moved(alone, "stripe exchange") == 0 < moved(shared, "stripe exchange")
    assert shared.sequence_bytes(4096) == pytest.approx(alone.sequence_bytes(4096) / 2)
    assert shared.prefill_s(8192) == alone.prefill_s(8192)
    assert (alone.confidence, shared.confidence) == ("A", "B")


def test_stripes_pay_for_long_contexts_and_cost_for_short_ones() -> None:
    alone, shared = compiled(KIMI, 1), compiled(KIMI, 8)
    assert shared.decode_s(64, 131_072) < 0.6 * alone.decode_s(64, 131_072)
    assert shared.decode_s(1, 128) > alone.decode_s(1, 128)
    assert compiled(KIMI, 8, 4).decode_s(16, 8192) > shared.decode_s(16, 8192)  # over the network


def asked(**changes: object) -> Leaderboard:
    scenario = Scenario(**{"model": LITE, "weights": "bf16", **changes})  # type: ignore[arg-type]
    catalog = load()
    return rank(catalog.model(scenario.model), scenario, catalog.inventory, catalog.prices(scenario.region))


def test_an_open_layout_keeps_to_those_that_the_stripes_divide() -> None:
    rows = asked(settings=EngineSettings(decode_context_parallel=4)).rows
    fitting = [row for row in rows if row.verdict == "fits"]
    assert fitting
    assert all(row.candidate.layout.tp % 4 == 0 for row in fitting)
    reasons = {row.candidate.machine: row.reason for row in rows if row.verdict == "not_supported"}
    assert reasons["g6.xlarge"] == (
        "decode_context_parallel: TP1 holds 1 copy of the cache, 4 ranks can not share it; legal: 1"
    )


@pytest.mark.parametrize(
    ("changes", "count", "reason"),
    [
        ({}, 3, "TP16 holds 16 copies of the cache, 3 ranks can not share it; legal: 1, 2, 4, 8, 16"),
        ({"engine": "trtllm"}, 2, "TensorRT-LLM does not have it; legal: 1"),
        ({"engine_version": "0.9"}, 2, "vLLM 0.8-0.10 does not have it; legal: 1"),
        ({"model": GEMMA}, 2, "vLLM has none for models with windows; legal: 1"),
        ({"model": QWEN, "engine": "sglang"}, 2, "SGLang has none for models with grouped-query attention; legal: 1"),
        ({"model": QWEN, "placement": Placement(tp=8)}, 4, "TP8 holds 2 copies of the cache, 4 ranks .*legal: 1, 2"),
        ({"placement": Placement(instance="g6.xlarge")}, 2, "TP1 holds 1 copy of the cache"),
        ({"placement": Placement(instance="g6.12xlarge", tp=2)}, 4, "TP2 holds 2 copies"),
    ],
)
def test_what_has_no_such_stripes_is_refused_in_one_line(changes: dict[str, object], count: int, reason: str) -> None:
    with pytest.raises(InputError, match=f"^decode_context_parallel: {reason}"):
        asked(**changes, settings=EngineSettings(decode_context_parallel=count))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("meta-llama/Llama-3.1-8B", {"grouped-query attention"}),
        ("deepseek-ai/DeepSeek-V3", {"latent attention"}),
        ("deepseek-ai/DeepSeek-V3.2", {"sparse attention"}),
        ("MiniMaxAI/MiniMax-M3", {"sparse attention", "grouped-query attention"}),
        ("zai-org/GLM-5.2", {"sparse attention"}),
        ("google/gemma-3-27b-it", {"windows", "grouped-query attention"}),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", {"recurrent states", "grouped-query attention"}),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", {"cross attention", "grouped-query attention"}),
    ],
)
def test_what_a_model_keeps_is_of_these_kinds(catalog: Catalog, name: str, kinds: set[str]) -> None:
    assert cache_heads(catalog.model(name).architecture).kinds == kinds
