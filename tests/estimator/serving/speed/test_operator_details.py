"""What each kind of kernel takes, computes and moves, term by term, and what is then said to limit it."""

from dataclasses import replace
from math import hypot, log, log2, sqrt

import pytest

from estimator.hardware.devices import AllReduce
from estimator.serving.speed.operators import (
    Collective,
    DecodeAttention,
    Elementwise,
    Experts,
    Gemm,
    PrefillAttention,
    StateUpdate,
    longest_of,
)

GEMM = Gemm("up", 4, 2e-6, flops=3e6, weight_bytes=6e6, row_bytes=5e3, flops_per_s=1e14, bytes_per_s=2e12)


def product_of(new: int, cached: int) -> float:
    """FLOPs of a made-up attention: each new token with each that it sees."""
    return 7.0 * new * (new + cached)


def experts(ranks: int = 1, experts_on_rank: float = 16.0) -> Experts:
    return Experts(
        name="experts",
        times=2,
        latency_s=1e-5,
        experts=experts_on_rank,
        experts_per_token=4,
        ranks=ranks,
        attention_replicas=3,
        imbalance=0.9,
        skew=0.07,
        entropy=0.8,
        flops=2e7,
        expert_bytes=1e7,
        token_bytes=2e4,
        routing_bytes=3e4,
        ramp_rows=40,
        flops_per_s=1e14,
        bytes_per_s=1e12,
        routing_bytes_per_s=5e11,
    )


@pytest.mark.parametrize("rows", [1, 16, 17, 500])
def test_a_product_computes_each_row_and_reads_its_weights_once(rows: int) -> None:
    compute_s, memory_s = rows * 3e6 / 1e14, (6e6 + rows * 5e3) / 2e12
    name, seconds, bound, flops, moved = GEMM.detail(rows)
    assert (name, bound) == ("up", "compute" if compute_s > memory_s else "memory")
    assert seconds == GEMM.seconds(rows) == pytest.approx(4 * (2e-6 + hypot(compute_s, memory_s)))
    assert (flops, moved) == pytest.approx((4 * rows * 3e6, 4 * (6e6 + rows * 5e3)))


def test_experts_of_one_rank_have_their_share_of_all_tokens() -> None:
    tokens, touched = experts().load(5)
    assert tokens == 5 * 3 * 4
    assert touched == pytest.approx(16 * (1 - (1 - 4 / 16) ** (1 + 14 * 0.8)))


def test_one_token_visits_experts_that_differ() -> None:
    one = replace(experts(), attention_replicas=1)
    assert one.load(1) == (4, 4)
    assert one.load(2)[1] == pytest.approx(16 * (1 - (1 - 4 / 16) ** 1.8))
    assert one.load(0) == (0, 0)


def test_the_slowest_of_several_ranks_has_a_random_and_a_steady_excess() -> None:
    tokens, touched = experts(4).load(50)
    mean = 50 * 3 * 4 / 4
    assert tokens == pytest.approx(mean + 0.9 * sqrt(2 * mean * log(4)) + 0.07 * mean * log2(4))
    assert touched == pytest.approx(16 * (1 - (1 - tokens / 150 / 16) ** (1 + 149 * 0.8)))
    assert experts(4, 1.0).load(50)[1] == 1, "one expert is touched or not"
    few, visited = replace(experts(64), entropy=1.0).load(0.001)
    assert visited == few, "no more experts than tokens"


@pytest.mark.parametrize("rows", [1, 100, 5000])
def test_experts_compute_or_read_and_sort_their_tokens(rows: int) -> None:
    bank = experts()
    tokens, touched = bank.load(rows)
    compute_s = (tokens + 40 * touched) * 2e7 / 1e14
    memory_s = (touched * 1e7 + tokens * 2e4) / 1e12
    name, seconds, bound, flops, moved = bank.detail(rows)
    assert seconds == bank.seconds(rows) == pytest.approx(2 * (1e-5 + max(compute_s, memory_s) + tokens * 3e4 / 5e11))
    assert (flops, moved) == pytest.approx((2 * tokens * 2e7, 2 * (touched * 1e7 + tokens * 2e4)))
    padding_s = 40 * touched * 2e7 / 1e14
    assert bound == longest_of(1e-5 + padding_s, tokens * 2e7 / 1e14, memory_s)
    assert name == "experts"


def test_norms_only_move_their_rows() -> None:
    norms = Elementwise("norms", 3, 1e-6, 1e3, 1e12)
    assert norms.detail(5000) == ("norms", pytest.approx(3 * (1e-6 + 5e-6)), "memory", 0.0, 3 * 5000 * 1e3)
    assert norms.seconds(5000) == norms.detail(5000)[1]


def test_an_all_reduce_is_inside_and_then_between_machines() -> None:
    inside = Collective("all-reduce", 2, AllReduce(1e-5, 1e11, 2.0), 1.75, 8e3)
    both = replace(inside, across_latency_s=3e-5, across_s_per_byte=1e-10)
    size = 100 * 8e3
    inside_s = sqrt(1e-5**2 + (1.75 * size / 1e11) ** 2)
    assert inside.seconds(100) == pytest.approx(2 * inside_s)
    assert both.seconds(100) == pytest.approx(2 * (inside_s + 3e-5 + size * 1e-10))
    assert both.detail(100) == ("all-reduce", both.seconds(100), "network", 0.0, pytest.approx(2 * 1.75 * size))
    assert inside.detail(1)[2] == "latency"


@pytest.mark.parametrize(("context", "limit"), [(50, 0), (50, 200), (5000, 0), (5000, 200)])
def test_decoding_attends_to_what_is_kept_chosen_and_within_the_window(context: int, limit: int) -> None:
    attention = DecodeAttention("attention", 2, 1e-6, 30.0, limit, 20.0, 100, 5.0, product_of, 0.5, 1e12, 1e9)
    kept = 30 * (min(context, limit) if limit else context)
    moved = 6 * (kept + 5 * context + 20 * min(context, 100))
    flops = 6 * 0.5 * 7 * (context + 1)
    assert attention.work(6, context) == pytest.approx((flops, moved))
    assert attention.cache_bytes(context) == 35 * context + 20 * min(context, 100)
    seconds = 2 * (1e-6 + max(moved / 1e9, flops / 1e12))
    assert attention.detail(6, context) == (
        "attention",
        pytest.approx(seconds),
        "memory",
        pytest.approx(2 * flops),
        pytest.approx(2 * moved),
    )
    slow = replace(attention, flops_per_s=1e6)
    assert slow.seconds(6, context) == pytest.approx(2 * (1e-6 + max(moved / 1e9, flops / 1e6)))


def test_attention_of_a_prompt_reaches_its_rate_with_its_length() -> None:
    attention = PrefillAttention("prefill", 3, 1e-5, product_of, 0.25, 400.0, 1e9)
    flops = 0.25 * 7 * 1000 * 1500
    expected = 3 * (2 * 1e-5 + flops / 1e9 * (1 + 400 / 1500))
    assert attention.seconds(1000, 500, 2) == pytest.approx(expected)
    assert attention.detail(1000, 500, 2) == (
        "prefill",
        pytest.approx(expected),
        "compute",
        pytest.approx(3 * flops),
        0.0,
    )
    assert attention.detail(1, 0)[2] == "latency"


def test_a_state_is_read_and_written_for_each_sequence_and_computed_for_each_row() -> None:
    state = StateUpdate("state", 2, 1e-6, 1e6, 1e12, 5e5, 1e13)
    expected = 2 * (1e-6 + 3 * 2e6 / 1e12 + 40 * 5e5 / 1e13)
    assert state.detail(3, 40) == ("state", pytest.approx(expected), "memory", 2 * 40 * 5e5, 2 * 3 * 2e6)
    assert state.seconds(3, 40) == pytest.approx(expected)
    assert state.detail(3, 400)[2] == "compute"


@pytest.mark.parametrize(
    ("times", "bound"),
    [((2, 1, 1), "latency"), ((2, 2, 2), "latency"), ((2, 2, 1), "latency"), ((2, 1, 3), "memory"),
     ((1, 3, 2), "compute"), ((1, 2, 2), "compute"), ((1, 2, 3), "memory"), ((2, 3, 1), "compute")],
)  # fmt: skip
def test_the_longest_of_three_times_limits_a_launch_before_computing_before_memory(
    times: tuple[float, float, float], bound: str
) -> None:
    assert longest_of(*times) == bound
