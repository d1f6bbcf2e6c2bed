"""The line-drawn table: exact widths, and columns that go by priority."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.draw.runs import justify, rows_as_text, width
from tui.draw.table import Cell, Column, fit_columns, header_row, table_row
from tui.pages.leaderboard import _difference, round_band, shorter_layout, shorter_machine, shorter_setup

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


@pytest.mark.parametrize(
    ("full", "short"),
    [("11.9±29", "12±29"), ("6.4±100", "6±100"), ("0.76±50", "0.8±50"), ("12k±30", "12k±30"), ("–", "–")],
)
def test_a_figure_gives_up_its_last_digit_before_its_band(full: str, short: str) -> None:
    assert round_band(full) == short


def test_an_arrow_of_less_than_half_a_per_cent_stands_alone() -> None:
    assert _difference(100.3, 100.0) == ""
    assert _difference(101.0, 100.0) == "1%"


def test_a_layout_gives_up_its_dots_and_then_the_tensor_parallelism_that_is_none() -> None:
    assert shorter_layout("TP1·DP8·EP8") == ("TP1·DP8·EP8", "TP1DP8EP8", "DP8EP8")
    assert shorter_layout("TP1x8")[-1] == "TP1x8"
    assert shorter_layout("TP16·PP2")[-1] == "TP16PP2"


def test_names_of_machines_and_setups_shorten_in_steps() -> None:
    assert shorter_machine("p6-b200.48xlarge")[-1] == "p6-b200.48xl"
    assert shorter_machine("2xrtxpro6000-workstation")[-1] == "2xrtxpro6000-ws"
    assert shorter_setup("TP8 · FSDP x2 + host") == ("TP8 · FSDP x2 + host", "TP8·FSDP x2+host", "TP8FSDPx2+host")


def test_the_arrow_of_the_sorted_column_stands_at_its_title() -> None:
    padded = Column("price", "$/h    ", 12)
    assert rows_as_text([header_row([padded], 12, "price")]) == "    $/h▲"
    assert rows_as_text([header_row([padded], 12)]) == "     $/h"


def test_a_row_reads_like_its_columns() -> None:
    columns = fit_columns(COLUMNS, 39)
    rows = [
        header_row(columns, 39, sorted_by="price"),
        table_row(columns, {"rank": Cell("1"), "machine": Cell("g6e.12xlarge"), "price": Cell("10.49", "up")}, 39),
    ]
    assert rows_as_text(rows) == "  # instance          $/h▲   TTFT users\n  1 g6e.12xlarge     10.49"
    assert ("  10.49", "up") in rows[1]


def test_what_gives_way_keeps_a_blank_before_what_stays() -> None:
    assert (
        rows_as_text([justify([("g7e.24xlarge  4xL40S", "text")], [("class A", "dim")], 20)]) == "g7e.24xlarg… class A"
    )
    assert rows_as_text([justify([("left ", "text")], [("right", "dim")], 10)]) == "left right"


@settings(deadline=None, max_examples=50)
@given(cells=st.integers(8, 200), text=st.text(max_size=60))
def test_every_row_is_exactly_as_wide_as_asked(cells: int, text: str) -> None:
    columns = fit_columns(COLUMNS, cells)
    values = {column.key: Cell(text) for column in COLUMNS}
    assert width(header_row(columns, cells, "machine")) == width(table_row(columns, values, cells)) == cells
