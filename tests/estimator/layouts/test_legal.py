"""Legal layouts: heads, key-value heads, experts, and what each engine runs."""

import re

import pytest

from catalog.load import Catalog
from estimator.errors import Refusal
from estimator.layout import Layout
from estimator.layouts.legal import layout_refusal, legal_layouts, legal_tensor_parallel
from tests.estimator.serving.memory_cases import Named


@pytest.fixture(scope="module")
def named(catalog: Catalog) -> Named:
    return catalog.model


def test_three_ranks_are_refused_with_the_legal_degrees(catalog: Catalog, named: Named) -> None:
    found = named("meta-llama/Llama-3.1-8B")
    reason = str(layout_refusal(found, Layout(3), 8, catalog.inventory.engine("vllm")))
    assert reason == "tp: 3 does not divide 32 query heads; legal: 1, 2, 4, 8, 16, 32"


@pytest.mark.parametrize(
    ("name", "degrees"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", (1, 2, 4)),  # 28 heads, 4 key-value heads
        ("meta-llama/Llama-3.1-70B", (1, 2, 4, 8)),
        ("deepseek-ai/DeepSeek-V3", (1, 2, 4, 8)),
    ],
)
def test_degrees_on_eight_devices(catalog: Catalog, named: Named, name: str, degrees: tuple[int, ...]) -> None:
    assert legal_tensor_parallel(named(name), catalog.inventory.engine("vllm"), 8) == degrees


@pytest.mark.parametrize(
    ("device", "devices", "degrees"),
    [("inferentia2", 24, (1, 2, 4, 8, 24)), ("trainium1", 32, (1, 2, 8, 32)), ("trainium2", 64, (1, 2, 4, 8, 16, 32))],
)
def test_neuron_degrees_by_generation(
    catalog: Catalog, named: Named, device: str, devices: int, degrees: tuple[int, ...]
) -> None:
    """transformers-neuronx guide; a degree above the 32 query heads is no use."""
    inventory = catalog.inventory
    found = named("meta-llama/Llama-3.1-8B")
    layouts = legal_layouts(found, devices, inventory.engine("neuron"), inventory.accelerators[device])
    assert tuple(layout.tp for layout in layouts) == degrees


def test_neuron_names_a_class_without_a_recipe(catalog: Catalog, named: Named) -> None:
    found = named("deepseek-ai/DeepSeek-V3")
    engine = catalog.inventory.engine("neuron")
    assert legal_layouts(found, 64, engine) == ()
    refusal = layout_refusal(found, Layout(), 64, engine)
    assert refusal == Refusal("engine", "vLLM on Neuron has no recipe for DeepseekV3ForCausalLM")


def test_experts_spread_over_all_ranks(catalog: Catalog, named: Named) -> None:
    inventory = catalog.inventory
    sparse, dense = named("deepseek-ai/DeepSeek-V3"), named("meta-llama/Llama-3.1-8B")
    vllm = inventory.engine("vllm")
    assert Layout(tp=8, ep=8) in legal_layouts(sparse, 8, vllm)
    assert Layout(dp=8, ep=8) in legal_layouts(sparse, 8, vllm)
    assert layout_refusal(sparse, Layout(tp=8, ep=3), 8, vllm) == Refusal("ep", "3 does not divide 256 experts")
    assert "no experts" in str(layout_refusal(dense, Layout(tp=2, ep=2), 8, vllm))
    assert "needs 16 accelerators" in str(layout_refusal(dense, Layout(16), 8, vllm))


def test_llama_cpp_splits_by_layers_or_by_tensors(catalog: Catalog, named: Named) -> None:
    """Its split modes exclude each other; tensor came with build b8863."""
    found, new, old = named("Qwen/Qwen3-8B"), catalog.inventory.engine("llamacpp"), catalog.inventory.engine
    assert set(legal_layouts(found, 4, new)) == {Layout(), Layout(2), Layout(4), Layout(1, 2), Layout(1, 4)}
    assert "not by both" in str(layout_refusal(found, Layout(2, 2), 4, new))
    assert legal_tensor_parallel(found, old("llamacpp", "b2797"), 4) == (1,)
    assert legal_tensor_parallel(found, old("ollama"), 4) == (1,)


@pytest.mark.parametrize(
    ("model", "layout", "engine", "reason"),
    [
        ("meta-llama/Llama-3.1-8B", Layout(pp=2), "tgi", "pp: Text Generation Inference has no pipeline parallelism"),
        ("meta-llama/Llama-3.1-8B", Layout(pp=33), "vllm", "pp: 33 stages for 32 layers"),
        ("meta-llama/Llama-3.1-8B", Layout(dp=2), "vllm", "dp: attention data parallelism needs experts"),
        ("meta-llama/Llama-3.1-8B", Layout(tp=2, ep=2), "vllm", "ep: meta-llama/Llama-3.1-8B has no experts"),
        ("Qwen/Qwen3-30B-A3B", Layout(tp=2, ep=2), "tgi", "ep: Text Generation Inference has no expert parallelism"),
        ("Qwen/Qwen3-30B-A3B", Layout(tp=4, ep=3), "vllm", "ep: 3 does not divide 128 experts"),
        (
            "meta-llama/Llama-3.1-8B",
            Layout(tp=2, pp=2),
            "llamacpp",
            "pp: .* splits by layers or by tensors, not by both",
        ),
    ],
)
def test_each_degree_is_refused_by_its_own_rule(
    catalog: Catalog, named: Named, model: str, layout: Layout, engine: str, reason: str
) -> None:
    refusal = layout_refusal(named(model), layout, 64, catalog.inventory.engine(engine))
    assert isinstance(refusal, Refusal)
    assert re.match(reason, str(refusal)), refusal


def test_experts_are_spread_as_far_as_they_divide(catalog: Catalog, named: Named) -> None:
    layouts = legal_layouts(named("Qwen/Qwen3-30B-A3B"), 8, catalog.inventory.engine("vllm"))
    assert {(each.tp, each.dp, each.ep) for each in layouts if each.ep > 1} >= {(2, 1, 2), (1, 8, 8)}


def test_experts_spread_over_every_power_of_two_of_a_rack(catalog: Catalog, named: Named) -> None:
    """Of 256 experts and 128 heads; 160 experts stop at 32, 128,256 of a vocabulary have no part in it."""
    vllm = catalog.inventory.engine("vllm")
    for name, degrees in (
        ("deepseek-ai/DeepSeek-V3", (2, 4, 8, 16, 32, 64)),
        ("deepseek-ai/DeepSeek-V2", (2, 4, 8, 16, 32)),
    ):
        layouts = [layout for layout in legal_layouts(named(name), 72, vllm) if layout.ep > 1]
        assert sorted({layout.ep for layout in layouts}) == list(degrees)
        assert {(layout.tp, layout.dp) for layout in layouts} >= {(1, ranks) for ranks in degrees}
        assert all(layout.tp * layout.dp == layout.ep for layout in layouts)
    assert max(layout.ep for layout in legal_layouts(named("deepseek-ai/DeepSeek-V3"), 8, vllm)) == 8
