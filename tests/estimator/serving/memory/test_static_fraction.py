"""SGLang's own memory fraction, by the arithmetic of sglang/srt/server_args.py (_handle_gpu_memory_settings)."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.models.media import TowerSize
from estimator.models.model import Drafter
from estimator.serving.memory import compile_memory
from estimator.serving.memory.static_fraction import tower_factor
from estimator.units import MIB
from tests.estimator.serving.memory_cases import MemoryOf, memory_in

DENSE, DEEPSEEK = "meta-llama/Llama-3.1-8B", "deepseek-ai/DeepSeek-V3"


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


@pytest.mark.parametrize(
    ("layout", "reserve_mib"),
    [
        # 512 + 8,192 x 1.5 + 512 graphs x 2 + 8 ranks / 8 x 1,024
        (Layout(tp=8), 512 + 12_288 + 1024 + 1024),
        # and 512 x 8 replicas x (3 + 1.5), for graphs of more than 300 sequences
        (Layout(tp=1, ep=8, dp=8), 512 + 12_288 + 1024 + 1024 + 512 * 8 * 4.5),
        (Layout(tp=4, ep=8, dp=2), 512 + 12_288 + 1024 + 1024 + 512 * 2 * 4.5),
        (Layout(tp=1, ep=2, dp=2), 512 + 12_288 + 512 + 256 + 256 * 2 * 3),
    ],
)
def test_attention_replicas_leave_more_of_a_device_free(
    memory_of: MemoryOf, layout: Layout, reserve_mib: float
) -> None:
    memory = memory_of(DEEPSEEK, layout, device="h200-sxm", engine="sglang", weights="fp8-block")
    assert memory.utilization == round(1 - reserve_mib * MIB / memory.usable_bytes, 3)


def test_whatever_drafts_has_room_of_its_own(catalog: Catalog, memory_of: MemoryOf) -> None:
    """EAGLE and NEXTN 2 GiB, a model of its own 6, looking tokens up none."""
    plain = memory_of(DENSE, engine="sglang")
    drafting = plain.deployment._replace(draft_tokens=3)

    def fraction(drafter: Drafter | None) -> float:
        model = replace(drafting.model, drafter=drafter)
        return compile_memory(drafting._replace(model=model), Layout()).utilization

    gib = 1024 * MIB / plain.usable_bytes
    assert fraction(None) == pytest.approx(plain.utilization - 2 * gib, abs=0.001)
    assert fraction(Drafter(catalog.model("Qwen/Qwen3-0.6B"))) == pytest.approx(plain.utilization - 6 * gib, abs=0.001)
    assert fraction(Drafter(None)) == plain.utilization


@pytest.mark.parametrize(
    ("tower", "factor"),
    [
        (None, 1.0),
        (TowerSize(24, 1024), 0.95),  # CLIP-L
        (TowerSize(24, 1152), 0.95 * (1 - 0.1 * (1152**2 / 1024**2 - 1))),
        (TowerSize(45, 3200), 0.95 * 0.8),  # InternViT-6B: no lower
        (TowerSize(12, 384), 0.95 * 1.05),  # no higher
    ],
)
def test_a_vision_tower_lowers_the_fraction(tower: TowerSize | None, factor: float) -> None:
    """adjust_mem_fraction_for_vlm."""
    assert tower_factor(tower) == pytest.approx(factor)


def test_a_tower_is_measured_by_the_names_that_its_configuration_has(catalog: Catalog) -> None:
    """Qwen's `depth` is not read, and counts as 24 layers; SigLIP's num_hidden_layers is."""
    qwen, gemma = catalog.model("Qwen/Qwen3.5-9B").architecture, catalog.model("google/gemma-3-12b-it").architecture
    assert qwen.tower_size == TowerSize(24, 1152)
    assert gemma.tower_size == TowerSize(27, 1152)
    assert catalog.model(DENSE).architecture.tower_size is None
