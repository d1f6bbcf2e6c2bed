"""What the largest image costs at start-up: the pass through the tower, and what it becomes beside the text model."""

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory import ServingMemory
from tests.estimator.serving.memory_cases import MemoryOf, gib, memory_in

QWEN = "Qwen/Qwen3.5-27B"
FEW = EngineSettings(memory_utilization=0.92, max_model_len=50_000, max_num_seqs=1, enforce_eager=True)
MANY = EngineSettings(memory_utilization=0.92, max_model_len=32_768, enforce_eager=True)


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


def factors(memory: ServingMemory, name: str) -> dict[str, float]:
    term = next(term for term in memory.tightest_rank.activation if term.name == name)
    return {factor.name: factor.value for factor in term.factors}


@pytest.mark.parametrize(("settings", "printed"), [(FEW, 7.56), (MANY, 7.47)], ids=["one", "256"])
def test_the_tower_decides_where_few_sequences_run(
    memory_of: MemoryOf, settings: EngineSettings, printed: float
) -> None:
    """Qwen3.5-27B over four RTX 3090, vLLM 0.19.0 (github.com/leadawon/LAMBO logs)."""
    memory = memory_of(QWEN, Layout(4), device="rtx3090", version="0.19.0", settings=settings)
    assert gib(memory.pool_bytes) == pytest.approx(printed, rel=0.01)


def test_the_pass_is_of_every_patch_of_the_largest_image(memory_of: MemoryOf) -> None:
    memory = memory_of(QWEN, Layout(4), device="rtx3090", version="0.19.0", settings=FEW)
    assert factors(memory, "pass through the vision tower") == {
        "patches": 65_536,
        "elements a patch": 3 * 2 * 16 * 16 + 2 * 1152 + (2 * 4304 + 3 * 1152) / 4,
        "bytes": 2,
    }


def test_what_images_become_stays_beside_the_sampler(memory_of: MemoryOf) -> None:
    memory = memory_of(QWEN, Layout(4), device="rtx3090", version="0.19.0", settings=MANY)
    assert factors(memory, "image embeddings") == {"tokens of the images": 16_386, "hidden width": 5120, "bytes": 2}


def test_a_deep_stack_keeps_a_vector_for_each_level(memory_of: MemoryOf) -> None:
    memory = memory_of("Qwen/Qwen3-VL-30B-A3B-Instruct", Layout(2), version="0.19.0")
    assert factors(memory, "image embeddings")["hidden width"] == 2048 * 4


def test_many_small_images_fill_one_step(memory_of: MemoryOf) -> None:
    memory = memory_of("google/gemma-3-27b-it", device="h200-sxm", version="0.19.0")
    assert factors(memory, "image embeddings")["tokens of the images"] == 8192 // 260 * 260


@pytest.mark.parametrize(("sequences", "printed"), [(64, 38.15), (256, 37.23)])
def test_vectors_of_the_longest_video_were_kept_until_0_16(memory_of: MemoryOf, sequences: int, printed: float) -> None:
    """Qwen3-VL-30B-A3B over two H100, vLLM 0.12.0 (github.com/Zzsf11/VideoCuttingAgent): a budget of 153,600 tokens."""
    settings = EngineSettings(max_model_len=65_536, max_num_seqs=sequences)
    memory = memory_of("Qwen/Qwen3-VL-30B-A3B-Instruct", Layout(2), version="0.12.0", settings=settings)
    assert factors(memory, "image embeddings")["tokens of the images"] == 153_600
    assert gib(memory.pool_bytes) == pytest.approx(printed, rel=0.03)
