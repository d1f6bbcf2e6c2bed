"""The memory page from hand-made figures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from estimator.evaluation import MemoryReport, Part
from estimator.serving_memory.cache import Kind
from estimator.units import GIB
from tui.draw.memory import Usage, reasons
from tui.draw.memory_page import MemoryFacts, Switch, memory_page
from tui.draw.runs import plain, width
from tui.draw.solver import Capacity

REPORT = MemoryReport(
    device_bytes=48 * 10**9,
    usable_bytes=round(44.99 * GIB),
    budget_bytes=0.9 * 44.53 * GIB,
    weights_bytes=16.91 * GIB,
    activation_bytes=1.96 * GIB,
    runtime_bytes=2.17 * GIB,
    cuda_graph_bytes=0.91 * GIB,
    cuda_graphs_in_budget=False,
    kv_cache_bytes=19.04 * GIB,
    utilization=0.9,
    kv_bytes_per_token=40_960,
    kv_capacity_tokens=499_000,
    max_concurrency=195.0,
    max_context_tokens=131_072,
    weights=(
        Part("attention, 8-bit", 3.1 * GIB),
        Part("mlp, 8-bit", 12.83 * GIB),
        Part("embedding, 16-bit", 0.98 * GIB),
    ),
)
USAGE = Usage(REPORT, 16, 2560)
FACTS = MemoryFacts(
    heading="g6e.12xlarge · 4xL40S · TP4",
    aside="per device 45.0 GiB usable of 48 GB",
    usage=USAGE,
    reasons=reasons(USAGE, 4, "vLLM", 1024, 8192),
    kinds=[Kind(80, 512)],
    kinds_note="divided over 4 ranks",
    fits=lambda users, context: users * context <= 499_000,
    longest=131_072,
    asked=(16, 2560),
    switches=[
        Switch(", .", "utilization", "0.90"),
        Switch("{ }", "sequences", "1,024"),
        Switch("< >", "chunk", "8,192"),
        Switch("c", "cache", "bf16"),
    ],
    solved_users=(1, 4, 16, 64),
    capacities=[
        Capacity("bf16", (131_072, 124_750, 31_187, 7_796), 195),
        Capacity("fp8", (131_072, 131_072, 62_375, 15_593), 390),
    ],
    advice=[("KV cache in fp8", "195 → 390 users, time per token -2%"), ("memory utilization 0.95", "195 → 216 users")],
)
SIZES = [(60, 17), (80, 21), (120, 37), (160, 47)]


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_memory_page(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    assert plain(memory_page(FACTS, cells, lines, cursor=1)) == snapshot


def test_the_shares_are_the_whole_device() -> None:
    assert sum(share.value for share in USAGE.shares) == pytest.approx(REPORT.usable_bytes)


def test_what_does_not_fit_says_by_how_much() -> None:
    short = REPORT._replace(weights_bytes=50 * GIB, kv_cache_bytes=-14 * GIB, max_concurrency=0.0)
    facts = FACTS._replace(usage=Usage(short, 16, 2560), verdict="14.1 GiB short on each device")
    text = plain(memory_page(facts, 80, 21))
    assert "✗ 14.1 GiB short on each device" in text
    assert "nan" not in text


@settings(deadline=None, max_examples=40)
@given(cells=st.integers(56, 200), lines=st.integers(14, 60), users=st.integers(1, 10**6), tokens=st.integers(1, 10**7))
def test_the_page_has_the_asked_size(cells: int, lines: int, users: int, tokens: int) -> None:
    rows = memory_page(FACTS._replace(asked=(users, tokens)), cells, lines)
    assert [width(row) for row in rows] == [cells] * lines
