"""Pages of the cache where layers differ, against what vLLM printed."""

import pytest

from catalog.load import Catalog
from estimator.accuracy.memory import tokens_of
from estimator.engines.memory_policy import HybridBlocks
from estimator.engines.profiles import with_prefixes
from estimator.layout import Layout
from estimator.models.formats import cache_format
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory.compressed import compressed_pool
from estimator.units import GIB
from tests.estimator.serving.memory_cases import MemoryOf, memory_in

V4 = "deepseek-ai/DeepSeek-V4-Flash"


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


@pytest.mark.parametrize(("tokens", "needed"), [(30_000, 6.66), (13_528, 5.44)])
def test_deepseek_v4_needs_what_vllm_0_22_asked_for(memory_of: MemoryOf, tokens: int, needed: float) -> None:
    """github.com/vllm-project/vllm issue 44376: 6.66 GiB for 30,000 tokens; 13,528 fit into 5.44."""
    settings = EngineSettings(max_model_len=tokens, max_num_batched_tokens=16_384)
    pool = memory_of(V4, Layout(2), kv="fp8", version="0.22.0", settings=settings).plan.pool
    assert pool.page_bytes * pool.pages(tokens) / GIB == pytest.approx(needed, abs=0.005)
    assert pool.longest(pool.pages(tokens)) == tokens or tokens == 30_000


def test_deepseek_v4_blocks_hold_a_page_of_every_size_for_22_layers(catalog: Catalog) -> None:
    """Issue 54703: 37,440 bytes of 64 vectors, 8,640 of the indexer, 1,728 of two vectors; 43 layers in two groups."""
    pool = compressed_pool(catalog.model(V4).architecture, cache_format("fp8"), 8192)
    assert pool is not None
    assert pool.page_bytes == 22 * (37_440 + 8_640 + 1_728)
    assert pool.groups == 5
    assert [(window.span, window.kept) for window in pool.windowed] == [(64, 8319), (64, 8319), (4, 8199), (8, 8319)]


def test_no_other_model_pools_its_tokens(catalog: Catalog) -> None:
    assert compressed_pool(catalog.model("deepseek-ai/DeepSeek-V3").architecture, cache_format("fp8"), 8192) is None


def test_kimi_linear_as_vllm_printed_it_over_two_cards(memory_of: MemoryOf) -> None:
    """Issue 28228: 75,840 tokens by its line and 2.48 requests of 120,000 in 2.30 GiB."""
    settings = EngineSettings(max_model_len=120_000, max_num_batched_tokens=64_000)
    name = "moonshotai/Kimi-Linear-48B-A3B-Instruct"
    pool = memory_of(name, Layout(2), device="rtx3090", version="0.11.1", settings=settings).plan.pool
    pages = int(2.30 * GIB // pool.page_bytes)
    assert pages // pool.groups * pool.finest_span == pytest.approx(75_840, rel=0.01)
    assert pages / pool.pages(120_000) == pytest.approx(2.48, rel=0.005)


def test_qwen3_5_keeps_one_state_where_no_prefix_is_cached(memory_of: MemoryOf) -> None:
    """Issue 40691, vLLM 0.19.0: 290,864 tokens by its line and 33.04 requests of 32,768."""
    settings = EngineSettings(max_model_len=32_768, max_num_seqs=16, max_num_batched_tokens=16_384)
    memory = memory_of("Qwen/Qwen3.5-27B", version="0.19.0", settings=settings)
    pool, pages = memory.plan.pool, 1487
    assert tokens_of(memory, pages, "kv_tokens", "0.19.0") == 290_864
    assert pages / pool.pages(32_768) == pytest.approx(33.04, abs=0.005)


@pytest.mark.parametrize(("version", "states"), [("0.19.0", 1), ("0.27.1", 1), ("0.28.0", 2)])
def test_prefixes_of_recurrent_layers_are_cached_on_request_until_0_28(
    catalog: Catalog, version: str, states: int
) -> None:
    """vllm pull 50991; until then --enable-prefix-caching."""
    engine = catalog.inventory.engine("vllm", version)
    prefixes = with_prefixes(engine, kept=True)
    assert isinstance(engine.memory.cache, HybridBlocks)
    assert isinstance(prefixes.memory.cache, HybridBlocks)
    assert (engine.memory.cache.state_pages, prefixes.memory.cache.state_pages) == (states, 2)


@pytest.mark.parametrize(
    ("version", "tokens"),
    [("0.19.0", 55_000), ("0.20.0", 55_000), ("0.20.1rc1.dev16", 55_000), ("0.21.0", 540_000)],
)
def test_the_token_line_counts_requests_from_0_20_1(memory_of: MemoryOf, version: str, tokens: int) -> None:
    """Issue 43308: Gemma 4 31B in about 50 GiB prints 55 thousand tokens at 0.20.0, ten times that at 0.21.0."""
    settings = EngineSettings(max_model_len=262_144, max_num_batched_tokens=4096)
    memory = memory_of("google/gemma-4-31B-it", version=version, settings=settings)
    pages = int(50 * GIB // memory.plan.pool.page_bytes)
    assert tokens_of(memory, pages, "kv_tokens", version) == pytest.approx(tokens, rel=0.05)


def test_windows_keep_two_steps_where_the_next_is_scheduled_ahead(memory_of: MemoryOf) -> None:
    """From 0.26 (pull 47728)."""
    settings = EngineSettings(max_model_len=131_072, max_num_batched_tokens=2048)
    kept = {
        version: memory_of("google/gemma-3-12b-it", version=version, settings=settings).plan.pool.windowed[0].kept
        for version in ("0.25.1", "0.26.0")
    }
    assert kept == {"0.25.1": 1024 + 2048 - 1, "0.26.0": 1024 + 2 * 2048 - 1}


def test_a_scale_per_head_weighs_less_in_wider_heads() -> None:
    cache = cache_format("int8")
    assert cache.bits_of(128) == 8.25
    assert cache.bits_of(256) == 8.125
    assert cache_format("fp8").bits_of(256) == 8


@pytest.mark.parametrize(
    ("name", "device", "engine", "tokens"),
    [
        ("google/gemma-4-31B-it", "rtx3090", "vllm", 2496),  # vllm issue 42687, pull 43051
        ("google/gemma-4-31B-it", "h100-sxm", "vllm", 8192),
        ("google/gemma-4-E4B-it", "rtx3090", "vllm", 2048),  # causal inside images
        ("google/gemma-3-12b-it", "rtx3090", "vllm", 2048),
        ("google/gemma-4-31B-it", "rtx3090", "sglang", 2048),
    ],
)
def test_a_step_is_no_shorter_than_an_image_that_it_takes_whole(
    memory_of: MemoryOf, name: str, device: str, engine: str, tokens: int
) -> None:
    assert memory_of(name, device=device, engine=engine, settings=EngineSettings()).max_num_batched_tokens == tokens


def test_windows_give_back_what_a_step_of_their_prompt_needed(memory_of: MemoryOf) -> None:
    """gpt-oss: half of the layers keep 128 tokens of an answer, and those of one step of its prompt until then."""
    settings = EngineSettings(max_model_len=32_768, max_num_batched_tokens=8192)
    pool = memory_of("openai/gpt-oss-120b", weights="mxfp4", version="0.11.1", settings=settings).plan.pool
    prompt, answer = pool.pages(4000), pool.while_decoding.pages(4000)
    assert (prompt, answer) == (250 + 250 + 1, 250 + 8 + 1)
    assert pool.sequences(prompt / 2, 4000) == 0.5
    assert pool.sequences(prompt, 4000) == 1
    assert pool.sequences(prompt + 40 * answer, 4000) == 41
    assert pool.together(41).longest(prompt + 40 * answer) == 4000
    assert pool.together(41).pages(4000) == prompt + 40 * answer


def test_requests_that_run_at_once_fill_the_pool(memory_of: MemoryOf) -> None:
    """github.com/gpustack/gpustack docs/performance-lab/gpt-oss-120b: 156 chats of 414 tokens at once on one H100."""
    settings = EngineSettings(max_model_len=32_768)
    memory = memory_of("openai/gpt-oss-120b", weights="mxfp4", version="0.10.2", settings=settings)
    running = memory.pool_sequences(414)
    assert running == pytest.approx(156, rel=0.1)
    report = memory.report(414)
    assert running * report.request_bytes < report.kv_cache_bytes
    assert memory.shortfall_bytes(414, int(running)) == 0 < memory.shortfall_bytes(414, running + 1)
    assert memory.max_context(int(running)) >= 400


def test_slots_keep_their_windows_with_a_step_beside_each(memory_of: MemoryOf) -> None:
    """llama.cpp gives every slot cells of its own: the window and one micro-batch (src/llama-kv-cache-iswa.cpp)."""
    pool = memory_of("openai/gpt-oss-20b", weights="gguf-mxfp4", engine="llamacpp", device="rtx4090").plan.pool
    assert pool.windowed
    assert pool.while_decoding == pool


def test_windows_alone_are_paged_in_blocks(memory_of: MemoryOf) -> None:
    """Phi-3-mini keeps 2,047 tokens in every layer: vLLM 0.19.1 printed 35,648 tokens of 13.06 GiB, 8.67 requests."""
    settings = EngineSettings(max_model_len=4096, max_num_batched_tokens=2048)
    memory = memory_of("microsoft/Phi-3-mini-4k-instruct", device="rtx3090", version="0.19.1", settings=settings)
    pages = int(13.06 * GIB // memory.plan.pool.page_bytes)
    assert tokens_of(memory, pages, "kv_tokens", "0.19.1") == pytest.approx(35_648, abs=16)
    assert tokens_of(memory, pages, "capacity_tokens", "0.19.1") / 4096 == pytest.approx(8.67, abs=0.01)
