"""What a layout makes of a model's layers, and what its ranks tell each other."""

from collections.abc import Callable

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.layouts.rank_work import rank_work
from estimator.serving.speed.operators import Collective
from estimator.serving.speed.step import Step, prompts_on_busiest_replica
from tests.estimator.serving.steps import step_on


@pytest.mark.parametrize(
    ("name", "each_layer"),
    [("meta-llama/Llama-3.1-8B", 2), ("tiiuae/falcon-7b", 1), ("tiiuae/falcon-180B", 1)],
)
def test_all_reduces_of_a_layer(catalog: Catalog, name: str, each_layer: int) -> None:
    architecture = catalog.model(name).architecture
    assert rank_work(architecture, Layout(2)).all_reduces == each_layer * architecture.layers
    assert rank_work(architecture, Layout(1)).all_reduces == 0


@pytest.mark.parametrize(
    ("name", "each_layer"), [("MiniMaxAI/MiniMax-M2.5", 1), ("allenai/Olmo-3-7B-Instruct", 1), ("Qwen/Qwen3-8B", 0)]
)
def test_norms_that_span_all_heads_are_summed_up_over_the_ranks(catalog: Catalog, name: str, each_layer: int) -> None:
    architecture = catalog.model(name).architecture
    assert rank_work(architecture, Layout(2)).norm_sums == each_layer * architecture.layers
    assert rank_work(architecture, Layout(1)).norm_sums == 0


def test_the_sums_of_a_norm_take_the_fixed_time_of_an_all_reduce(catalog: Catalog) -> None:
    model = catalog.model("MiniMaxAI/MiniMax-M2.5")
    step = step_on(catalog.inventory, model, "b200-sxm", Layout(4), "fp8", "vllm")
    links = {each.name: each for each in step.operators.rows if isinstance(each, Collective)}
    sums, hidden = links["norm sums"], links["all-reduce"]
    assert sums.seconds(1) == pytest.approx(hidden.seconds(1) / 2, rel=0.15)
    assert sums.seconds(8192) < hidden.seconds(8192) / 10


@pytest.fixture(scope="module")
def copied(catalog: Catalog) -> Callable[[Layout], Step]:
    model = catalog.model("deepseek-ai/DeepSeek-V3")
    return lambda layout: step_on(catalog.inventory, model, "h200-sxm", layout, "fp8", "vllm-0.11")


def test_every_copy_of_the_attention_schedules_its_own_sequences(copied: Callable[[Layout], Step]) -> None:
    one, eight = copied(Layout(8)), copied(Layout(1, 1, 8, 8))
    assert eight.host_s(8 * 64) == pytest.approx(one.host_s(64))
    assert one.host_s(64) > one.host_s(0)


def test_copies_of_the_attention_wait_for_the_one_with_most_prompts(copied: Callable[[Layout], Step]) -> None:
    eight = copied(Layout(1, 1, 8, 8))
    decode = eight.step_s(512, 1500)
    one, two, full = (eight.step_s(512, 1500, 1024, 0, prompts) - decode for prompts in (1, 2, 64))
    assert one > 2 * full / 64  # one copy's prompt holds the others up
    assert one < two < 2 * one
    assert eight.step_s(512, 1500, 0, 1024, 1) >= decode


@pytest.mark.parametrize(
    ("prompts", "copies", "most", "expected"),
    [(0, 8, 8, 0), (0.01, 8, 8, 0.08), (0.39, 8, 8, 1.66), (0.39, 8, 1, 1), (2, 1, 8, 2), (9, 8, 8, 9)],
)
def test_the_fullest_of_several_copies(prompts: float, copies: int, most: float, expected: float) -> None:
    assert prompts_on_busiest_replica(prompts, copies, most) == pytest.approx(expected, abs=0.01)
