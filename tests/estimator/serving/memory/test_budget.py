"""Serving memory against what the engines printed, and against what their arithmetic must never do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog
from estimator.engines.memory_policy import StaticFraction
from estimator.layout import Layout
from estimator.scenario.scenario import EngineSettings
from tests.estimator.serving.memory_cases import START_UP, MemoryOf, Named, gib, memory_in

LLAMA_8B = "meta-llama/Llama-3.1-8B"
LLAMA_70B = "meta-llama/Llama-3.1-70B"
DEEPSEEK = "deepseek-ai/DeepSeek-V3"


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


@pytest.fixture(scope="module")
def named(catalog: Catalog) -> Named:
    return catalog.model


@pytest.mark.parametrize(
    ("layout", "weights", "activation", "outside", "tokens"),
    [
        (Layout(1), 14.99, 1.89, 0.25, 476_016),
        (Layout(2), 7.51, 1.89, 2.07, 1_044_688),
        (Layout(4), 3.77, 1.89, 2.13, 2_209_792),
        (Layout(1, 2), 7.51, 2.01, 0.07, 1_075_312),
        (Layout(1, 4), 4.26, 2.01, 0.07, 2_257_264),
    ],
)
def test_llama_8b_as_vllm_0_19_printed_it_on_h100(
    memory_of: MemoryOf, layout: Layout, weights: float, activation: float, outside: float, tokens: int
) -> None:
    memory = memory_of(LLAMA_8B, layout, version="0.19.0", settings=START_UP)
    ranks = memory.plan.ranks
    assert gib(max(rank.loaded_bytes for rank in ranks)) == pytest.approx(weights, abs=0.01)
    assert gib(max(rank.activation_bytes for rank in ranks)) == pytest.approx(activation, rel=0.01)
    assert gib(memory.tightest_rank.outside_torch_bytes) == pytest.approx(outside, abs=0.02)
    assert memory.kv_capacity_tokens == pytest.approx(tokens, rel=0.001)


def test_the_report_adds_up_to_the_budget(memory_of: MemoryOf) -> None:
    report = memory_of(LLAMA_8B, version="0.19.0").report(2560)
    spent = report.weights_bytes + report.activation_bytes + report.runtime_bytes + report.kv_cache_bytes
    assert spent == pytest.approx(report.budget_bytes)
    assert not report.cuda_graphs_in_budget
    newest = memory_of(LLAMA_8B).report(2560)
    assert newest.cuda_graphs_in_budget
    more = newest.budget_bytes - report.budget_bytes  # 0.92 of the device by default, not 0.9
    assert newest.kv_cache_bytes == pytest.approx(report.kv_cache_bytes + more - newest.cuda_graph_bytes)


def test_llama_70b_bf16_over_four_ranks_is_32_85_gib_of_weights(memory_of: MemoryOf) -> None:
    report = memory_of(LLAMA_70B, Layout(4), device="h200-sxm").report(4096)
    assert gib(report.weights_bytes) == pytest.approx(32.85, abs=0.02)
    assert sum(part.value for part in report.weights) == pytest.approx(report.weights_bytes)


@pytest.mark.parametrize(("utilization", "step_tokens", "printed"), [(0.96, 32_768, 12.15), (0.92, 65_536, 4.15)])
def test_graphs_are_reserved_from_0_20_on(
    memory_of: MemoryOf, utilization: float, step_tokens: int, printed: float
) -> None:
    """Qwen3-235B-A22B FP8 over four H100 with expert parallelism, vLLM 0.20.0: GiB for the cache as its log prints."""
    options = EngineSettings(
        memory_utilization=utilization, max_model_len=240_000, max_num_seqs=128, max_num_batched_tokens=step_tokens
    )
    name, layout = "Qwen/Qwen3-235B-A22B", Layout(4, ep=4)
    memory = memory_of(name, layout, weights="fp8-block", version="0.20.0", settings=options)
    assert gib(memory.pool_bytes) == pytest.approx(printed, rel=0.02)
    assert (memory.shortfall_bytes(240_000) > 0) is (printed < 10.76), "10.76 GiB are needed for one sequence"


def test_fp8_cache_holds_exactly_twice_the_tokens(memory_of: MemoryOf) -> None:
    full, half = (memory_of(LLAMA_8B, kv=kv, version="0.19.0", settings=START_UP) for kv in ("bf16", "fp8"))
    assert half.pages // 2 == full.pages


@pytest.mark.parametrize("tp", [1, 2, 4, 8])
def test_deepseek_v3_caches_the_same_on_every_rank(memory_of: MemoryOf, tp: int) -> None:
    memory = memory_of(DEEPSEEK, Layout(tp), weights="fp8", device="b300-sxm")
    assert memory.plan.pool.token_bytes == 70_272


def test_key_value_heads_are_copied_where_ranks_outnumber_them(memory_of: MemoryOf) -> None:
    name = "Qwen/Qwen2.5-3B-Instruct"  # 2 key-value heads
    two, four = (memory_of(name, Layout(tp)).plan.pool.token_bytes for tp in (2, 4))
    assert two == four == memory_of(name).plan.pool.token_bytes / 2


@pytest.mark.parametrize(
    ("name", "layers", "counted"),
    [
        ("google/gemma-3-27b-it", 62, 70),  # "Add 8 padding layers"
        ("google/gemma-3-12b-it", 48, 48),
        ("openai/gpt-oss-20b", 24, 24),
    ],
)
def test_layer_groups_of_the_hybrid_allocator(
    memory_of: MemoryOf, named: Named, name: str, layers: int, counted: int
) -> None:
    """Padding as vLLM's log states it (serving memory of sliding-window models)."""
    pool = memory_of(name, version="0.19.0").plan.pool
    group = counted // pool.groups
    assert pool.groups * group == counted
    assert named(name).architecture.layers == layers


def test_recurrent_layers_take_pages_that_hold_their_state(memory_of: MemoryOf) -> None:
    """Qwen3.6-35B-A3B, FP8 cache: pages of 2,096 tokens, 69 for one request of 131,072 tokens (4.35 in 6.01 GiB)."""
    options = EngineSettings(max_model_len=131_072, max_num_seqs=1, max_num_batched_tokens=8192)
    memory = memory_of("Qwen/Qwen3.6-35B-A3B", kv="fp8", device="rtx5090", settings=options)
    assert memory.plan.pool.pages(131_072) == 69
    assert int(6.01 * 2**30 // memory.plan.pool.page_bytes) == 300


@pytest.mark.parametrize(
    ("name", "kv", "tokens"),
    [
        ("Qwen/Qwen3.5-9B", "bf16", 528),
        ("Qwen/Qwen3.5-9B", "fp8", 1056),
        ("Qwen/Qwen3.5-27B", "bf16", 784),
        ("Qwen/Qwen3.5-35B-A3B", "bf16", 1056),
        ("Qwen/Qwen3.6-35B-A3B", "fp8", 2096),
    ],
)
def test_pages_of_hybrids_as_vllm_prints_them(memory_of: MemoryOf, name: str, kv: str, tokens: int) -> None:
    """ "Setting attention block size to N tokens to ensure that attention page size is >= mamba page size"."""
    assert memory_of(name, kv=kv).plan.pool.growing[0][1] == tokens


def test_qwen3_next_as_vllm_0_10_printed_it_on_two_h200(memory_of: MemoryOf) -> None:
    """74.28 GiB of weights, 5.58 of activation; in 47,878,721,024 bytes 973,760 tokens by its line, 14.77 requests."""
    options = EngineSettings(memory_utilization=0.9, max_model_len=262_144)
    name, version = "Qwen/Qwen3-Next-80B-A3B-Instruct", "0.10.2"
    memory = memory_of(name, Layout(2), device="h200-sxm", version=version, settings=options)
    rank, pool = memory.tightest_rank, memory.plan.pool
    assert gib(rank.loaded_bytes) == pytest.approx(74.28, abs=0.01)
    assert gib(rank.activation_bytes) == pytest.approx(5.58, abs=0.01)
    assert pool.growing == ((1, 544),)  # 16-bit state: the configuration names no other
    pages = int(47_878_721_024 // pool.page_bytes)
    assert pages // pool.groups * 544 == 973_760
    assert pages / pool.pages(262_144) == pytest.approx(14.77, abs=0.005)


def test_a_resident_drafter_takes_a_layer_and_pages(memory_of: MemoryOf) -> None:
    """Qwen3.6-27B over two RTX 3090 with 3 drafted tokens: 179 pages of 1,600 tokens for a request of 262,144."""
    options = EngineSettings(max_model_len=262_144, max_num_seqs=2, max_num_batched_tokens=8192)
    name, layout = "Qwen/Qwen3.8-27B", Layout(2)  # the same layers
    drafted = memory_of(name, layout, kv="fp8", device="rtx3090", settings=options, drafts=3)
    plain = memory_of(name, layout, kv="fp8", device="rtx3090", settings=options)
    assert drafted.plan.pool.growing == ((1, 1600),)
    assert drafted.plan.pool.pages(262_144) == 179
    assert plain.plan.pool.growing == ((1, 1568),)
    assert plain.plan.pool.pages(131_072) == 90  # 84 and 3 groups of 2, as on two RTX 3090 without a drafter
    assert drafted.tightest_rank.weights_bytes > plain.tightest_rank.weights_bytes


def test_an_asked_number_of_sequences_is_the_most_that_run(memory_of: MemoryOf) -> None:
    free = memory_of(LLAMA_8B)
    capped = memory_of(LLAMA_8B, settings=EngineSettings(max_num_seqs=8))
    assert free.max_sequences(1024) > 8 == capped.max_sequences(1024)
    assert capped.capacity_tokens(1024) > free.capacity_tokens(1024), "fewer sequences leave more of the pool"


def test_a_refused_start_says_what_is_missing(memory_of: MemoryOf) -> None:
    memory = memory_of(LLAMA_8B, device="a10g", settings=EngineSettings(max_model_len=131_072))
    report = memory.report(2048)
    assert report.shortfall_bytes > 0
    assert report.max_concurrency > 1, "the pool holds requests of the asked length; the model length is what refuses"
    assert report.shortfall_bytes == pytest.approx(memory.sequence_bytes(131_072) - memory.pool_bytes)


def test_sglang_leaves_its_reserve_outside_the_fraction(memory_of: MemoryOf) -> None:
    """Qwen3-30B-A3B in bf16: 98,304 bytes a token, as its log divides."""
    memory = memory_of("Qwen/Qwen3-30B-A3B", device="mi300x", engine="sglang")
    assert memory.plan.pool.token_bytes == 98_304
    given = memory_of(LLAMA_8B, engine="sglang", settings=EngineSettings(memory_utilization=0.8))
    policy = given.deployment.engine.memory
    assert isinstance(policy, StaticFraction)
    seen = policy.visible_bytes(given.usable_bytes) - given.tightest_rank.outside_torch_bytes
    assert given.pool_bytes == pytest.approx(
        seen * 0.8 - given.tightest_rank.weights_bytes - given.tightest_rank.buffers_bytes
    )


def test_tensorrt_llm_takes_a_fraction_of_what_is_free_after_loading(memory_of: MemoryOf) -> None:
    memory = memory_of(LLAMA_8B, engine="trtllm")
    rank = memory.tightest_rank
    free = (
        memory.budget_bytes - rank.weights_bytes - rank.buffers_bytes - rank.activation_bytes - rank.outside_torch_bytes
    )
    assert memory.pool_bytes == pytest.approx(0.9 * free)


def test_llama_cpp_keeps_the_embedding_on_the_host(memory_of: MemoryOf) -> None:
    memory = memory_of("meta-llama/Meta-Llama-3-8B", weights="gguf-q4_k_m", engine="llamacpp")
    assert gib(memory.tightest_rank.weights_bytes) == pytest.approx(4.3003, abs=0.0001)  # 4,403.49 MiB of CUDA0 buffer


def test_neuron_copies_key_value_heads_to_every_core(memory_of: MemoryOf) -> None:
    one = memory_of(LLAMA_8B, Layout(8), device="inferentia2", engine="neuron").plan.pool.token_bytes
    three = memory_of(LLAMA_8B, Layout(24), device="inferentia2", engine="neuron").plan.pool.token_bytes
    assert one == three == 32 * 2 * 128 * 2


NAMES = (LLAMA_8B, "google/gemma-3-27b-it", "Qwen/Qwen3.5-27B", "openai/gpt-oss-20b", "deepseek-ai/DeepSeek-V2-Lite")
ENGINES = ("vllm", "sglang", "trtllm", "llamacpp", "transformers", "tgi", "neuron", "lmi", "overhead-10")
tokens = st.integers(1, 200_000)
lean = settings(deadline=None, max_examples=40)


@lean
@given(st.sampled_from(NAMES), st.sampled_from(ENGINES), tokens, tokens, st.integers(1, 64), st.integers(1, 64))
def test_more_context_or_users_never_need_less(
    memory_of: MemoryOf, name: str, engine: str, one: int, other: int, few: int, many: int
) -> None:
    memory = memory_of(name, device="b300-sxm", engine=engine)
    (short, long), (few, many) = sorted((one, other)), sorted((few, many))
    assert memory.sequence_bytes(short) <= memory.sequence_bytes(long)
    assert memory.shortfall_bytes(short, few) <= memory.shortfall_bytes(long, many)
    assert memory.max_sequences(short) >= memory.max_sequences(long)
    assert memory.max_context(few) >= memory.max_context(many)


@lean
@given(st.sampled_from(NAMES), st.sampled_from(ENGINES), st.integers(1, 4096))
def test_the_longest_context_fits_and_one_page_more_does_not(
    memory_of: MemoryOf, name: str, engine: str, users: int
) -> None:
    memory = memory_of(name, device="b300-sxm", engine=engine)
    longest = memory.plan.pool.longest(memory.pages / users)
    if 0 < longest < 1 << 50:
        assert memory.plan.pool.pages(longest) <= memory.pages / users
        page = max(span for _, span in memory.plan.pool.growing)
        assert memory.plan.pool.pages(longest + page) > memory.pages / users


@lean
@given(st.sampled_from(NAMES), tokens, st.sampled_from(("bf16", "fp8", "int4-awq")))
def test_wider_formats_never_need_less(memory_of: MemoryOf, name: str, length: int, narrow: str) -> None:
    wide = memory_of(name, weights="fp32", kv="bf16", device="b300-sxm")
    thin = memory_of(name, weights=narrow, kv="fp8", device="b300-sxm")
    assert thin.tightest_rank.weights_bytes <= wide.tightest_rank.weights_bytes
    assert thin.sequence_bytes(length) <= wide.sequence_bytes(length)


@lean
@given(st.sampled_from(NAMES), tokens, st.sampled_from((1, 2, 4, 8)), st.sampled_from((1, 2, 4)))
def test_splitting_never_grows_a_rank(memory_of: MemoryOf, name: str, length: int, tp: int, pp: int) -> None:
    whole = memory_of(name, device="b300-sxm")
    rank = memory_of(name, Layout(tp, pp), device="b300-sxm")
    weights = max(each.weights_bytes for each in rank.plan.ranks)
    assert (
        weights + rank.sequence_bytes(length)
        <= (whole.tightest_rank.weights_bytes + whole.sequence_bytes(length)) * 1.001
    )


@lean
@given(st.sampled_from(NAMES), tokens, st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_more_memory_never_fits_less(memory_of: MemoryOf, name: str, length: int, one: float, other: float) -> None:
    less, more = (
        memory_of(name, device="b300-sxm", settings=EngineSettings(memory_utilization=share))
        for share in sorted((one, other))
    )
    assert less.max_sequences(length) <= more.max_sequences(length)
    assert less.shortfall_bytes(length) >= more.shortfall_bytes(length)


@pytest.mark.parametrize(
    ("name", "tp", "device", "version", "length", "activation", "outside"),
    [
        ("meta-llama/Llama-3.1-8B", 1, "rtx3090", "0.6.4", 29_000, 2.99, 0.35),  # issue 10517
        ("meta-llama/Llama-3.1-8B", 1, "rtx3090", "0.6.4", 35_000, 0.06, 0.35),
        ("meta-llama/Llama-3.1-8B", 1, "a10g", "0.7.3", 131_072, 0.22, 0.05),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1, "a10g", "0.7.3", 2000, 1.39, 0.04),  # issue 12529
        ("Qwen/Qwen2.5-7B-Instruct", 1, "a10g", "0.7.3", 4096, 1.42, 0.03),  # issue 13882
        ("meta-llama/Meta-Llama-3-8B", 1, "h100-sxm", "0.6.6", 8192, 1.26, 0.12),  # pull 10511
    ],
)
def test_vllm_v0_profiles_a_prompt_of_full_length_unless_it_cuts_it(
    memory_of: MemoryOf, name: str, tp: int, device: str, version: str, length: int, activation: float, outside: float
) -> None:
    """Above 32,768 tokens prompts are cut: 512 or 2,048 tokens are profiled, and no logits."""
    memory = memory_of(name, Layout(tp), device=device, version=version, settings=EngineSettings(max_model_len=length))
    assert gib(memory.tightest_rank.activation_bytes) == pytest.approx(activation, abs=0.025)
    assert gib(memory.tightest_rank.outside_torch_bytes) == pytest.approx(outside, abs=0.025)


def test_vllm_v0_does_not_cut_prompts_of_images_windows_or_latent_keys(memory_of: MemoryOf) -> None:
    def peak(name: str) -> float:
        settings = EngineSettings(max_model_len=32_768), EngineSettings(max_model_len=40_000)
        short, long = (
            memory_of(name, version="0.7.3", settings=each).tightest_rank.activation_bytes for each in settings
        )
        return long - short

    assert peak("meta-llama/Llama-3.1-8B") < 0
    for name in ("deepseek-ai/DeepSeek-V2-Lite", "google/gemma-2-9b", "Qwen/Qwen2.5-VL-7B-Instruct"):
        assert peak(name) > 0
