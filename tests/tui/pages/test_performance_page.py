"""The performance page from hand-made figures."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.tui.page_facts import PERFORMANCE
from tui.draw.runs import rows_as_text, width
from tui.pages.performance import VIEWS, performance_page

SIZES = [(60, 17), (80, 21), (120, 21), (120, 37), (160, 47)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_performance_page(view: str, cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    rows = performance_page(PERFORMANCE, view, cells, lines)
    assert [width(row) for row in rows] == [cells] * lines
    assert rows_as_text(rows) == snapshot


def test_a_candidate_that_holds_no_load_says_so() -> None:
    assert "No load fits" in rows_as_text(performance_page(PERFORMANCE._replace(operating=()), "curve", 80, 21))
