"""What a start costs beside weights and cache: kernels that are compiled, graphs that are captured, links."""

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.scenario.scenario import EngineSettings
from estimator.serving.deployment import check_start
from tests.estimator.serving.memory_cases import MemoryOf, gib, memory_in

QWEN_7B = "Qwen/Qwen2.5-7B-Instruct"
QWEN_14B = "Qwen/Qwen3-14B"
FOUR_THOUSAND = EngineSettings(memory_utilization=0.9, max_model_len=4096, max_num_seqs=128)


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


def test_a_second_start_on_l4_has_1_2_gib_more_for_the_cache(memory_of: MemoryOf) -> None:
    """Qwen3-14B AWQ, vLLM 0.28.0: 9.10 GiB, and 10.33 where the same server had been started before."""
    cold = memory_of(QWEN_14B, weights="int4-awq", device="l4", version="0.28.0")
    warm = memory_of(
        QWEN_14B, weights="int4-awq", device="l4", version="0.28.0", settings=EngineSettings(compile_cache="warm")
    )
    assert gib(cold.pool_bytes) == pytest.approx(9.10, rel=0.035)  # of which 0.2 GiB are weights
    assert gib(warm.pool_bytes - cold.pool_bytes) == pytest.approx(10.33 - 9.10, abs=0.12)
    compiled = next(term for term in cold.tightest_rank.activation if "compile" in term.name)
    assert gib(compiled.bytes) == pytest.approx(151_936 * 5120 * 2 / 2**30)


@pytest.mark.parametrize(
    ("weights", "pool"), [("fp16", 5.46), ("fp8", 11.40), ("int4-gptq", 14.41)], ids=lambda value: str(value)
)
def test_eager_on_l4_as_vllm_0_27_printed_it(memory_of: MemoryOf, weights: str, pool: float) -> None:
    settings = EngineSettings(max_model_len=4096, enforce_eager=True)
    memory = memory_of(QWEN_7B, weights=weights, device="l4", version="0.27.1", settings=settings)
    assert gib(memory.pool_bytes) == pytest.approx(pool, rel=0.025)
    assert memory.tightest_rank.cuda_graph_bytes == 0


@pytest.mark.parametrize(
    ("layout", "tokens"),
    [(Layout(2), 446_192), (Layout(4), 1_170_336)],
)
def test_ranks_over_pcie_keep_their_buffers_on_the_host(memory_of: MemoryOf, layout: Layout, tokens: int) -> None:
    memory = memory_of(QWEN_7B, layout, device="l4", version="0.28.0", settings=FOUR_THOUSAND)
    assert memory.kv_capacity_tokens == pytest.approx(tokens, rel=0.015)
    linked = memory_of(QWEN_7B, layout, device="a100-80gb-sxm", version="0.28.0", settings=FOUR_THOUSAND)
    assert linked.tightest_rank.outside_torch_bytes > memory.tightest_rank.outside_torch_bytes


def test_the_embedding_is_compiled_with_on_the_first_stage_only(memory_of: MemoryOf) -> None:
    """Qwen2.5-14B over two L4 in two stages, vLLM 0.28.0: 49,488 tokens."""
    memory = memory_of("Qwen/Qwen2.5-14B-Instruct", Layout(1, 2), device="l4", version="0.28.0", settings=FOUR_THOUSAND)
    assert memory.kv_capacity_tokens == pytest.approx(49_488, rel=0.02)
    first, last = memory.plan.ranks
    assert first.activation_bytes > 4 * last.activation_bytes


def test_the_second_model_runner_reserves_no_graphs_until_0_29(memory_of: MemoryOf) -> None:
    """Dense models run on it from vLLM 0.25 on; routed experts stay on the first one."""
    dense = {version: memory_of(QWEN_7B, version=version).report(2048) for version in ("0.24", "0.25", "0.28", "0.29")}
    reserved = {version: report.cuda_graphs_in_budget for version, report in dense.items()}
    assert reserved == {"0.24": True, "0.25": False, "0.28": False, "0.29": True}
    assert dense["0.29"].cuda_graph_bytes == pytest.approx(dense["0.28"].cuda_graph_bytes / 2, rel=0.01)
    experts = memory_of("Qwen/Qwen3-30B-A3B", version="0.25").report(2048)
    assert experts.cuda_graphs_in_budget


def test_terms_of_a_cold_start_add_up_to_the_pool(memory_of: MemoryOf) -> None:
    for settings in (EngineSettings(), EngineSettings(compile_cache="warm"), EngineSettings(enforce_eager=True)):
        memory = memory_of(QWEN_7B, device="a10g", settings=settings)
        assert sum(term.bytes for term in memory.pool_terms()) == pytest.approx(memory.pool_bytes)


@pytest.mark.parametrize(
    ("engine", "settings", "reason"),
    [
        ("llamacpp", EngineSettings(enforce_eager=True), "enforce_eager: llama.cpp has no option for it"),
        ("tgi", EngineSettings(prefix_caching=True), "prefix_caching: Text Generation Inference has no option for it"),
        ("sglang", EngineSettings(compile_cache="warm"), "does not compile while it measures"),
        ("vllm", EngineSettings(compile_cache="luke"), "expected one of cold, warm"),
    ],
)
def test_a_start_that_an_engine_does_not_have_is_refused(
    catalog: Catalog, engine: str, settings: EngineSettings, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        check_start(catalog.inventory.engine(engine, None), settings)
