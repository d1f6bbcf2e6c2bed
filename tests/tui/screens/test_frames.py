"""What is sent is the difference of two frames, and nothing is lost in it."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui._textual import JOIN, Difference, spans

STYLES = [None, Style(bold=True), Style(color="red")]
WIDTH = 120


def line(cells: list[tuple[str, int]]) -> Strip:
    return Strip([Segment(character, STYLES[style]) for character, style in cells])


CELLS = st.lists(st.tuples(st.sampled_from("ab ·▲"), st.integers(0, 2)), min_size=WIDTH, max_size=WIDTH)
CHANGES = st.lists(st.tuples(st.integers(0, WIDTH - 1), st.sampled_from("xyz")), max_size=6)


@settings(deadline=None, max_examples=50)
@given(CELLS, CHANGES)
def test_old_cells_with_the_spans_of_the_new_are_the_new(before: list[tuple[str, int]], edits) -> None:
    after = list(before)
    for x, character in edits:
        after[x] = (character, before[x][1])
    shown = list(before)
    found = list(spans(line(before), line(after)))
    for start, end in found:
        shown[start:end] = after[start:end]
        assert before[start] != after[start]
        assert before[end - 1] != after[end - 1]
    assert shown == after
    assert all(two[0] - one[1] >= JOIN for one, two in pairwise(found))


def test_equal_frames_send_nothing() -> None:
    frame = [Strip([Segment("the same", STYLES[1])]), Strip.blank(8)]
    assert Difference(frame, list(frame)).spans == []


def test_a_line_with_wide_characters_is_sent_whole() -> None:
    wide = Strip([Segment("模型 a")])
    assert list(spans(Strip([Segment("abcdef")]), wide)) == [(0, wide.cell_length)]
