"""The line-drawn table: exact widths, and columns that go by priority."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.draw.runs import plain, spread, width
from tui.draw.table import Cell, Column, fit_columns, header_row, table_row

COLUMNS = (
    Column("rank", "#", 3),
    Column("machine", "instance", 14, align="left", most=24),
    Column("price", "$/h", 7),
    Column("ttft", "TTFT", 6, priority=2),
    Column("users", "users", 5, priority=3),
)


def test_the_least_important_column_goes_first() -> None:
    assert [column.key for column in fit_columns(COLUMNS, 39)] == ["rank", "machine", "price", "ttft", "users"]
    assert [column.key for column in fit_columns(COLUMNS, 38)] == ["rank", "machine", "price", "ttft"]
    assert [column.key for column in fit_columns(COLUMNS, 30)] == ["rank", "machine", "price"]


def test_room_to_spare_goes_to_the_column_that_may_grow() -> None:
    assert {column.key: column.width for column in fit_columns(COLUMNS, 60)}["machine"] == 24


def test_a_row_reads_like_its_columns() -> None:
    columns = fit_columns(COLUMNS, 39)
    rows = [
        header_row(columns, 39, sorted_by="price"),
        table_row(columns, {"rank": Cell("1"), "machine": Cell("g6e.12xlarge"), "price": Cell("10.49", "up")}, 39),
    ]
    assert plain(rows) == "  # instance          $/h▲   TTFT users\n  1 g6e.12xlarge     10.49"
    assert ("  10.49", "up") in rows[1]


def test_what_gives_way_keeps_a_blank_before_what_stays() -> None:
    assert plain([spread([("g7e.24xlarge  4xL40S", "text")], [("class A", "dim")], 20)]) == "g7e.24xlarg… class A"
    assert plain([spread([("left ", "text")], [("right", "dim")], 10)]) == "left right"


@settings(deadline=None, max_examples=50)
@given(cells=st.integers(8, 200), text=st.text(max_size=60))
def test_every_row_is_exactly_as_wide_as_asked(cells: int, text: str) -> None:
    columns = fit_columns(COLUMNS, cells)
    values = {column.key: Cell(text) for column in COLUMNS}
    assert width(header_row(columns, cells, "machine")) == width(table_row(columns, values, cells)) == cells
