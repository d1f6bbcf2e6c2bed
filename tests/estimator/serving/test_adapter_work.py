"""Adapters of a mixture, counted by hand: routed experts apart from what every token passes."""

import pytest

from catalog.load import Catalog
from estimator.layout import Layout
from estimator.models.adapters import Adapters, read_adapters
from estimator.serving.speed.adapters import AdapterWork, adapter_work

ONE = Layout()
LAYERS, EXPERTS, VISITED, RANK = 48, 128, 8, 16
ATTENTION = (2048 + 4096) + 2 * (2048 + 512) + (4096 + 2048)
"""Inputs and outputs of q, k, v and o of Qwen3-30B-A3B."""
EXPERT = 3 * (2048 + 768)
"""Inputs and outputs of gate, up and down of one expert."""


def work(catalog: Catalog, layout: Layout = ONE) -> AdapterWork:
    adapters: Adapters = read_adapters(f"1@{RANK}")
    return adapter_work(catalog.model("Qwen/Qwen3-30B-A3B").architecture, adapters, layout)


def test_a_slot_of_a_mixture_on_one_device(catalog: Catalog) -> None:
    counted = work(catalog)
    assert counted.projections == LAYERS * (4 + 3)
    assert counted.elements == RANK * LAYERS * ATTENTION
    assert counted.expert_elements == RANK * LAYERS * EXPERT
    assert (counted.experts, counted.experts_per_token) == (EXPERTS, VISITED)


def test_a_token_moves_its_rows_through_the_experts_that_it_visits(catalog: Catalog) -> None:
    """A reads inputs in 2 bytes, B reads and writes outputs in 4."""
    attention = 2 * (2048 * 3 + 4096) + 4 * (4096 + 2 * 512 + 2048)
    expert = 2 * (2 * 2048 + 768) + 4 * (2 * 768 + 2048)
    assert work(catalog).row_bytes == LAYERS * (attention + VISITED * expert)


def test_experts_that_are_dealt_out_are_fewer_on_a_rank_and_visited_less(catalog: Catalog) -> None:
    whole, quarter = work(catalog), work(catalog, Layout(4, ep=4))
    assert quarter.experts == whole.experts / 4
    assert quarter.experts_per_token == pytest.approx(whole.experts_per_token / 4)
    assert quarter.expert_elements == whole.expert_elements
