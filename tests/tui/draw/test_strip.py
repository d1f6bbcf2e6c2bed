"""A figure over time as blocks."""

import pytest

from tui.draw.strip import blocks, means


def test_means_weigh_each_piece_by_its_time_in_a_cell() -> None:
    assert means([(0.0, 1.5, 2.0), (1.5, 0.5, 6.0)], 2.0, 2) == pytest.approx([2.0, 4.0])
    assert means([(1.0, 100.0, 3.0)], 3.0, 3) == pytest.approx([0.0, 3.0, 3.0])
    assert means([], 60.0, 4) == [0.0] * 4


def test_what_is_not_nothing_shows() -> None:
    assert blocks([0.0, 0.001, 4.0, 8.0, 9.0], 8.0) == " ▁▄██"
    assert blocks([1.0, 0.0], 0.0) == "  "
