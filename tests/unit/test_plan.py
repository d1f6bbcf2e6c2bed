"""What a layout makes of a model's layers, and what its ranks tell each other."""

import pytest

from catalog.load import Catalog
from estimator.formats import cache_format, weight_format
from estimator.parallelism import Layout
from estimator.plan import plan
from estimator.step import compile_step


@pytest.mark.parametrize(
    ("name", "each_layer"),
    [("meta-llama/Llama-3.1-8B", 2), ("tiiuae/falcon-7b", 1), ("tiiuae/falcon-180B", 1)],
)
def test_all_reduces_of_a_layer(catalog: Catalog, name: str, each_layer: int) -> None:
    architecture = catalog.model(name).architecture
    assert plan(architecture, Layout(2)).all_reduces == each_layer * architecture.layers
    assert plan(architecture, Layout(1)).all_reduces == 0


def test_every_copy_of_the_attention_schedules_its_own_sequences(catalog: Catalog) -> None:
    device, efficiency = catalog.inventory.accelerator("h200-sxm"), catalog.inventory.efficiency
    one, eight = (
        compile_step(
            catalog.model("deepseek-ai/DeepSeek-V3"),
            weight_format("fp8"),
            cache_format("bf16"),
            layout,
            device,
            catalog.inventory.fabrics[device.fabric],
            efficiency.engines["vllm-0.11"],
            efficiency,
        )
        for layout in (Layout(8), Layout(1, 1, 8, 8))
    )
    assert eight.host_s(8 * 64) == pytest.approx(one.host_s(64))
    assert one.host_s(64) > one.host_s(0)
