"""Charts: exact sizes, points under their roof, labels that never cover one another."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tui.draw.axes import LABEL, decades
from tui.draw.canvas import Canvas
from tui.draw.curve import OperatingPoint, Series, best_point, curve
from tui.draw.labels import Label, place
from tui.draw.roofline import Point, Roof, roofline
from tui.draw.runs import rows_as_text, width

ROOFS = (
    Roof("H100 fp8", 1979e12, 3350e9),
    Roof("H100 bf16", 989e12, 3350e9),
    Roof("L40S fp8", 733e12, 864e9),
)
POINTS = (
    Point("prefill", 900, 700e12),
    Point("decode 1", 1.9, 4.5e12),
    Point("decode 16", 28, 60e12),
    Point("decode 118", 150, 270e12),
    Point("decode 16", 28, 15e12, series=2),
)
OPERATING = tuple(
    OperatingPoint(users, 1 / (0.012 + 0.0006 * users), users / (0.012 + 0.0006 * users), users <= 60)
    for users in (1, 2, 4, 8, 16, 32, 64, 118)
)
SIZES = [(40, 12), (78, 20), (120, 36)]


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_roofline(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    assert rows_as_text(roofline(cells, lines, ROOFS, POINTS)) == snapshot


@pytest.mark.parametrize(("cells", "lines"), SIZES)
def test_throughput_curve(cells: int, lines: int, snapshot: SnapshotAssertion) -> None:
    assert rows_as_text(curve(cells, lines, [Series("TP8", OPERATING)], least_per_user=20, chosen=16)) == snapshot


def test_the_best_point_is_the_fastest_that_keeps_the_level() -> None:
    best = best_point(OPERATING)
    assert best
    assert best.concurrency == 32
    assert best_point([point._replace(meets=False) for point in OPERATING]) is None


positive = st.floats(1e-3, 1e6)


@settings(deadline=None, max_examples=60)
@given(
    cells=st.integers(20, 160),
    lines=st.integers(6, 40),
    roofs=st.lists(st.builds(Roof, st.text("abc ", max_size=9), positive, positive), min_size=1, max_size=4),
    points=st.lists(st.builds(Point, st.just("p"), positive, positive, st.just(0)), max_size=6),
)
def test_every_chart_has_the_asked_size(cells: int, lines: int, roofs: list[Roof], points: list[Point]) -> None:
    rows = roofline(cells, lines, roofs, points)
    assert [width(row) for row in rows] == [cells] * lines


@settings(deadline=None, max_examples=60)
@given(intensity=st.floats(0.1, 1e5), height=st.floats(1e9, 1e18))
def test_a_point_lies_on_or_under_the_cell_of_its_roof(intensity: float, height: float) -> None:
    roof = Roof("roof", 1e15, 3e12)
    rows = rows_as_text(roofline(90, 30, [roof], [Point("here", intensity, height)])).splitlines()
    at_roof = rows_as_text(
        roofline(90, 30, [roof], [Point("here", intensity, min(height, roof.attainable(intensity)))])
    )
    assert rows == at_roof.splitlines()


@settings(deadline=None, max_examples=60)
@given(
    points=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 11)), max_size=25),
    lengths=st.lists(st.integers(1, 30), min_size=25, max_size=25),
)
def test_labels_never_overlap_and_never_leave_the_canvas(points: list[tuple[int, int]], lengths: list[int]) -> None:
    canvas = Canvas(40, 12)
    labels_in_place = place(
        canvas, [Label(x, y, "x" * size, "text") for (x, y), size in zip(points, lengths, strict=False)]
    )
    taken: set[tuple[int, int]] = set()
    for label in labels_in_place:
        cells = {(label.x + offset, label.y) for offset in range(len(label.text))}
        assert not cells & taken
        assert all(0 <= x < 40 and 0 <= y < 12 for x, y in cells)
        taken |= cells


@settings(deadline=None, max_examples=60)
@given(
    cells=st.integers(20, 160),
    lines=st.integers(6, 40),
    speeds=st.lists(st.tuples(positive, positive, st.booleans()), min_size=1, max_size=9),
    level=st.none() | positive,
)
def test_a_curve_has_the_asked_size(
    cells: int, lines: int, speeds: list[tuple[float, float, bool]], level: float | None
) -> None:
    points = tuple(OperatingPoint(index + 1, *speed) for index, speed in enumerate(speeds))
    assert [width(row) for row in curve(cells, lines, [Series("a", points)], level, 1)] == [cells] * lines


@given(st.floats(1e-8, 1e9), st.floats(1.5, 1e6))
def test_a_tick_is_a_plain_number_of_at_most_five_characters(low: float, ratio: float) -> None:
    for tick in decades(low, low * ratio).ticks(9):
        assert re.fullmatch(r"(\d+|\d*\.\d+)[kMGTPµn]?", tick.label), tick
        assert len(tick.label) <= LABEL
