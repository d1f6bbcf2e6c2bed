"""TGI's pool: what its warm-up prefill leaves free, with the logits of every token."""

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.scenario.scenario import EngineSettings
from estimator.units import GIB
from tests.estimator.serving.memory_cases import memory_in

LLAMA_70B, LLAMA_8B = "meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.1-8B"


def test_a_published_start_up(catalog: Catalog) -> None:
    """github.com/huggingface/text-generation-inference issue 2744: 30,816 tokens over two A100 of 80 GB."""
    settings = EngineSettings(max_num_batched_tokens=10_049)
    memory = memory_in(catalog)(LLAMA_70B, Layout(tp=2), device="a100-80gb-sxm", engine="tgi", settings=settings)
    assert memory.capacity_tokens(1152) == pytest.approx(30_816, rel=0.1)


@pytest.mark.parametrize(("tp", "shares"), [(1, 1.0), (2, 1.5), (4, 1.25)])
def test_a_longer_prefill_costs_its_logits_and_their_gathered_share(catalog: Catalog, tp: int, shares: float) -> None:
    def activation(tokens: int) -> float:
        settings = EngineSettings(max_num_batched_tokens=tokens)
        memory = memory_in(catalog)(LLAMA_8B, Layout(tp=tp), device="l40s", engine="tgi", settings=settings)
        return sum(term.bytes for term in memory.tightest_rank.activation if term.name == "logits")

    assert activation(8192) - activation(4096) == 4096 * 128_256 * 2 * shares


def test_graphs_are_captured_beside_the_budget(catalog: Catalog) -> None:
    memory = memory_in(catalog)(LLAMA_8B, device="l4", engine="tgi")
    rank = memory.tightest_rank
    spent = rank.loaded_bytes + rank.activation_bytes + rank.outside_torch_bytes
    assert memory.pool_bytes == pytest.approx(memory.budget_bytes - spent)
    assert 3 * GIB < memory.pool_bytes < 6 * GIB
