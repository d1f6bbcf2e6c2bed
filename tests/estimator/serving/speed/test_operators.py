"""Operators against measured kernels and against arithmetic by hand."""

from dataclasses import replace
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.load import load
from estimator.hardware.devices import AllReduce
from estimator.serving.speed.collectives import link
from estimator.serving.speed.operators import Collective, DecodeAttention, Elementwise, Experts, Gemm, StateUpdate

CATALOG = load()
MB = 2**20


def all_reduce_s(fabric: str, ranks: int, size: float) -> float:
    known = link(CATALOG.inventory.fabrics[fabric], ranks)
    return Collective("all-reduce", 1, known, 2 * (ranks - 1) / ranks, 1.0).seconds(size)


@pytest.mark.parametrize(
    ("fabric", "ranks", "measured_s"),
    [
        ("pcie4-x16", 2, 3.4e-3),
        ("pcie4-x16", 4, 19.7e-3),
        ("nvlink4", 8, 0.32e-3),
    ],
)
def test_64_mb_all_reduces_of_l40s_and_h100(fabric: str, ranks: int, measured_s: float) -> None:
    """NCCL and vLLM tables of aiconfigurator-core 0.12.0, whose eight L40S (55 ms) are slower than eight RTX 4090."""
    assert all_reduce_s(fabric, ranks, 64 * MB) == pytest.approx(measured_s, rel=0.25)


def test_a_product_is_a_latency_and_a_smooth_maximum() -> None:
    product = Gemm("qkv", 3, 1e-6, flops=2e6, weight_bytes=1e6, row_bytes=4e3, flops_per_s=1e12, bytes_per_s=1e9)
    assert product.seconds(10) == pytest.approx(3 * (1e-6 + hypot(10 * 2e6 / 1e12, (1e6 + 10 * 4e3) / 1e9)))
    assert product.detail(1)[2] == "memory"
    assert product.detail(1e9)[2] == "memory"  # 2e6 FLOP a row over 4 kB: below this device's ridge
    assert product.detail(10)[3] == 3 * 10 * 2e6


def bank(ranks: int = 1) -> Experts:
    return Experts(
        "experts", 1, 0.0, 128 / ranks, 8, ranks, 1, 1.0, 0.05, 0.85, 2e7, 1e7, 1e4, 1e4, 60, 1e14, 1e12, 1e12
    )  # fmt: skip


def test_one_token_touches_its_experts_and_a_large_batch_touches_all() -> None:
    tokens, touched = bank().load(1)
    assert tokens == 8
    assert 6 < touched <= 8
    assert bank().load(4096)[1] == pytest.approx(128, rel=0.01)


def test_the_slowest_of_several_ranks_has_more_than_its_share() -> None:
    assert bank(8).load(64)[0] > 64 * 8 / 8


@given(st.integers(1, 8).map(lambda power: 2**power), st.floats(0.01, 1e5), st.floats(1.0, 4.0))
def test_more_tokens_never_take_less_time(ranks: int, rows: float, factor: float) -> None:
    assert bank(min(ranks, 64)).seconds(rows * factor) >= bank(min(ranks, 64)).seconds(rows) * (1 - 1e-12)


def test_a_window_stops_the_growth_of_attention() -> None:
    attention = DecodeAttention(
        "attention", 1, 0.0, 0.0, 0, 4096.0, 128, 0.0, lambda new, cached: 0.0, 1.0, 1e15, 1e12
    )  # fmt: skip
    assert attention.seconds(4, 128) == attention.seconds(4, 100_000) == pytest.approx(4 * 128 * 4096 / 1e12)
    assert attention.cache_bytes(1000) == 128 * 4096


def test_sparse_attention_reads_its_choice_and_every_index_key() -> None:
    attention = DecodeAttention(
        "attention", 1, 0.0, 1000.0, 2048, 0.0, 0, 128.0, lambda new, cached: 0.0, 1.0, 1e15, 1e12
    )  # fmt: skip
    assert attention.work(1, 10_000)[1] == 2048 * 1000 + 10_000 * 128


def test_a_prompt_passes_the_chunks_of_a_delta_rule_one_after_the_other() -> None:
    state = StateUpdate("state", 45, 3e-5, 1e6, 1e12, 0.0, 1e15, scan_s=40e-9)
    decoding, prompt = state.seconds(64, 64), state.seconds(1, 8192)
    assert decoding == pytest.approx(45 * (3e-5 + 64 * 2e-6))
    assert prompt == pytest.approx(45 * (3e-5 + 2e-6 + 8191 * 40e-9))
    assert state.detail(1, 8192)[2] == "latency"


def test_states_and_norms_are_memory() -> None:
    state = StateUpdate("state", 2, 0.0, 1e6, 1e12, 0.0, 1e15)
    assert state.seconds(3, 3) == pytest.approx(2 * 3 * 2e6 / 1e12)
    assert Elementwise("norms", 1, 1e-6, 1e3, 1e12).detail(1)[2] == "latency"


def test_ranks_that_were_not_measured_take_the_next_larger_count() -> None:
    fabric = CATALOG.inventory.fabrics["nvlink4"]
    assert link(fabric, 3) == fabric.all_reduce[4]
    assert link(fabric, 16).alpha_s > fabric.all_reduce[8].alpha_s
    assert link(CATALOG.inventory.fabrics["none"], 1) == AllReduce(0.0, 1e9, 1.0)


def test_a_fabric_that_was_not_measured_reaches_half_of_its_link() -> None:
    """Each doubling of devices costs 15 us; a link without a name is one of PCIe 3 x16, half of its 16 GB/s."""
    unmeasured = replace(CATALOG.inventory.fabrics["none"], all_reduce={}, link_bytes_per_s=50e9)
    assert link(unmeasured, 8) == AllReduce(pytest.approx(45e-6), 25e9, 0.8)
    assert link(unmeasured, 2) == AllReduce(pytest.approx(15e-6), 25e9, 0.8)
    assert link(replace(unmeasured, link_bytes_per_s=0.0), 2).bandwidth_bytes_per_s == 8e9


def test_more_devices_than_were_measured_take_longer_by_their_doublings() -> None:
    fabric = CATALOG.inventory.fabrics["nvlink4"]
    most = max(fabric.all_reduce)
    measured, wider = fabric.all_reduce[most], link(fabric, 4 * most)
    assert wider == measured._replace(alpha_s=pytest.approx(3 * measured.alpha_s))


def test_query_heads_read_again_what_the_devices_own_cache_has_forgotten() -> None:
    """In a step that computes prompts as well; 2 x 1,000 tokens of 100 bytes in each of ten layers."""
    apart = DecodeAttention("attention", 10, 1e-6, 100.0, 0, 0.0, 0, 0.0, lambda new, cached: 0.0, 1.0, 1e15, 1e9)
    together = replace(apart, readers=5.0)
    once = 10 * 2 * 1000 * 100 / 1e9
    assert apart.rereading_s(2, 1000) == 0
    assert together.rereading_s(2, 1000) == pytest.approx(4 * once)
    assert replace(together, shared_bytes=250e3).rereading_s(2, 1000) == 0
    assert replace(together, shared_bytes=160e3).rereading_s(2, 1000) == pytest.approx(4 * once / 4)
    assert replace(together, shared_bytes=100e3).rereading_s(2, 1000) == pytest.approx(4 * once)
