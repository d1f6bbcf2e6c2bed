"""Bars and the grid of what fits."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.draw.bars import OperatorBar, Share, operator_bars, split, stacked_bar
from tui.draw.grid import fit_grid
from tui.draw.runs import rows_as_text, width

SHARES = [
    Share("weights", 16.9, "weights"),
    Share("KV cache", 19.5, "kv"),
    Share("activations", 2.0, "activation"),
    Share("runtime", 2.2, "runtime"),
    Share("graphs", 0.9, "graphs"),
    Share("reserve", 1.0, "reserve"),
    Share("free", 2.5, "free"),
]


@settings(deadline=None, max_examples=100)
@given(values=st.lists(st.floats(0, 1e15), min_size=1, max_size=9), cells=st.integers(1, 300))
def test_segments_sum_to_the_exact_width(values: list[float], cells: int) -> None:
    segments = split(values, cells)
    assert sum(segments) == (cells if sum(values) > 0 else 0)
    assert all(
        abs(segment - value / sum(values) * cells) < 1
        for segment, value in zip(segments, values, strict=True)
        if sum(values) > 0
    )


def test_a_memory_bar_reads_without_colour() -> None:
    assert rows_as_text([stacked_bar(SHARES, 45)]) == "█████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▒▒░░▚╱··"


def test_operators_come_longest_first_with_what_limits_them() -> None:
    rows = operator_bars([OperatorBar("all-reduce", 0.004, "network"), OperatorBar("GEMM", 0.016, "memory")], cells=60)
    assert rows_as_text(rows).splitlines() == [
        "GEMM       ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  16.0ms  80% memory",
        "all-reduce ▒▒▒▒▒▒▒                      4.00ms  20% links",
    ]


def test_the_frontier_is_the_longest_context_of_each_line() -> None:
    rows = fit_grid(
        40, [1, 16, 64], [2048, 4096, 8192, 16384], lambda users, context: users * context < 140_000, (9, 3000)
    )
    assert rows_as_text(rows).splitlines() == [
        " users    2k      4k      8k     16k",
        "     1    ●       ●       ●       ●",
        "    16    ●      [●]      ○       ·",
        "    64    ○       ·       ·       ·",
    ]


@settings(deadline=None, max_examples=60)
@given(
    cells=st.integers(20, 200),
    seconds=st.lists(st.floats(0, 1e4), max_size=8),
)
def test_every_row_is_exactly_as_wide_as_asked(cells: int, seconds: list[float]) -> None:
    rows = operator_bars([OperatorBar(f"operator {each:.0f}", each, "memory") for each in seconds], cells)
    rows += fit_grid(cells, [1, 1_000_000], [2**power for power in range(10, 20)], lambda *_: True, (1, 1))
    rows += [stacked_bar(SHARES, cells)]
    assert {width(row) for row in rows} == {cells}
