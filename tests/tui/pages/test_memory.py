"""The memory page from hand-made figures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from estimator.units import GIB
from tests.tui.page_facts import MEMORY, REPORT, USAGE
from tui.draw.runs import rows_as_text, width
from tui.pages.memory import memory_page
from tui.pages.memory_parts import Usage

SIZES = [(60, 17), (80, 21), (120, 37), (160, 47)]


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_memory_page(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    assert rows_as_text(memory_page(MEMORY, cells, lines, cursor=1)) == snapshot


def test_the_shares_are_the_whole_device() -> None:
    assert sum(share.value for share in USAGE.shares) == pytest.approx(REPORT.usable_bytes)


def test_what_does_not_fit_says_by_how_much() -> None:
    short = REPORT._replace(weights_bytes=50 * GIB, kv_cache_bytes=-14 * GIB, max_concurrency=0.0)
    facts = MEMORY._replace(usage=Usage(short, 16, 2560), verdict="14.1 GiB short on each device")
    text = rows_as_text(memory_page(facts, 80, 21))
    assert "✗ 14.1 GiB short on each device" in text
    assert "nan" not in text


@settings(deadline=None, max_examples=40)
@given(cells=st.integers(56, 200), lines=st.integers(14, 60), users=st.integers(1, 10**6), tokens=st.integers(1, 10**7))
def test_the_page_has_the_asked_size(cells: int, lines: int, users: int, tokens: int) -> None:
    rows = memory_page(MEMORY._replace(asked=(users, tokens)), cells, lines)
    assert [width(row) for row in rows] == [cells] * lines
