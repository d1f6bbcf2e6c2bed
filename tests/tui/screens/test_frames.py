"""What is sent is the difference of two frames, and nothing is lost in it."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui._pen import PLAIN, Pen, blanks_look_alike, change_of_pen, pen_of
from tui._stretches import JOIN, spans
from tui._textual import Difference

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
    assert [seen(cell) for cell in shown] == [seen(cell) for cell in after]
    assert all(two[0] - one[1] >= JOIN for one, two in pairwise(found))


def seen(cell: tuple[str, int]) -> tuple[str, int]:
    """What one sees of a cell: of a blank in bold or in red, nothing."""
    return (" ", 0) if cell[0] == " " else cell


def test_a_blank_on_another_ground_is_sent_and_in_another_ink_is_not() -> None:
    ground, ink = Style(bgcolor="blue"), Style(color="red")
    plain = Strip([Segment("a b", None)])
    assert list(spans(plain, Strip([Segment("a"), Segment(" ", ground), Segment("b")]))) == [(1, 2)]
    assert list(spans(plain, Strip([Segment("a"), Segment(" ", ink), Segment("b")]))) == []


def test_equal_frames_send_nothing() -> None:
    frame = [Strip([Segment("the same", STYLES[1])]), Strip.blank(8)]
    assert Difference(frame, list(frame)).spans == []


def test_a_line_with_wide_characters_is_sent_whole() -> None:
    wide = Strip([Segment("模型 a")])
    assert list(spans(Strip([Segment("abcdef")]), wide)) == [(0, wide.cell_length)]


LOOKS = st.builds(
    Style,
    color=st.sampled_from([None, "red", "#7cc5d9", "default"]),
    bgcolor=st.sampled_from([None, "blue", "#14181d"]),
    bold=st.sampled_from([None, True]),
    dim=st.sampled_from([None, True]),
    reverse=st.sampled_from([None, True]),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(LOOKS, min_size=1, max_size=8), st.sampled_from([ColorSystem.TRUECOLOR, ColorSystem.STANDARD]))
def test_a_terminal_told_only_the_changes_writes_as_if_told_all(looks: list[Style], system: ColorSystem) -> None:
    pen, state = PLAIN, set[str]()
    for look in looks:
        other = pen_of(look, system)
        state = written(state, change_of_pen(pen, other))
        assert state == written(set(), change_of_pen(PLAIN, other))
        pen = other
    assert written(state, change_of_pen(pen, PLAIN)) == set()


def test_a_blank_keeps_the_pen_that_writes_it_alike() -> None:
    bold, ground = Style(bold=True), Style(bgcolor="blue")
    before = [Strip([Segment("....")])]
    for between, sent in ((None, "\x1b[1m1 p\x1b[0m"), (ground, "\x1b[1m1\x1b[0;44m \x1b[0;1mp\x1b[0m")):
        after = [Strip([Segment("1", bold), Segment(" ", between), Segment("p", bold), Segment(".")])]
        assert Difference(before, after).render_segments(Console(color_system="standard")).endswith(sent)
    assert not blanks_look_alike(Pen(attributes=("7",), foreground=("31",)), PLAIN)
    assert not blanks_look_alike(PLAIN, Pen(attributes=("4",)))


def written(state: set[str], sequence: str) -> set[str]:
    """What a terminal's pen is after a sequence: the attributes and colours that are set."""
    codes = sequence.removeprefix("\x1b[").removesuffix("m").split(";") if sequence else []
    state = set(state)
    while codes:
        code = codes.pop(0)
        if code in ("0", ""):
            state = set()
        elif code == "22":
            state -= {"1", "2"}
        elif code in ("38", "48"):
            kind = codes.pop(0)
            value = [codes.pop(0) for _ in range(1 if kind == "5" else 3)]
            state = {each for each in state if not each.startswith(code)} | {f"{code}:{kind}:{value}"}
        elif len(code) > 1:  # a colour of the terminal's own: 30-39, 40-49 and their bright twins
            layer = "38" if code[0] in "39" else "48"
            state = {each for each in state if not each.startswith(layer)} | {f"{layer}:{code}"}
        else:
            state |= {code}
    return state


def test_a_reversed_blank_is_sent_again_in_another_ink() -> None:
    red, blue = (Strip([Segment(" ", Style(reverse=True, color=ink))]) for ink in ("red", "blue"))
    assert list(spans(red, blue)) == [(0, 1)]
    assert list(spans(red, red)) == []
