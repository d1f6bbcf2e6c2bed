"""Which columns the leaderboard shows, and in which order."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size

from tui.draw.runs import Row, hang, pointer
from tui.screens.modal import Modal
from tui.screens.page import Page
from tui.screens.scrolling import scroll_bindings
from tui.state.columns import INSTANCE, BoardColumn, columns_of
from tui.widgets.drawing import Drawing


class ColumnList(Drawing):
    """Every column with a mark where it is shown, in the order of the table."""

    cursor = 0

    def __init__(self, columns: Sequence[BoardColumn], shown: Sequence[str]) -> None:
        super().__init__()
        others = [column for column in columns if column.key not in shown]
        by_key = {column.key: column for column in columns}
        self.columns = [*(by_key[key] for key in shown), *others]
        self.shown = set(shown)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return sum(len(self._block(at, width)) for at in range(len(self.columns)))

    def draw(self, width: int, height: int) -> Sequence[Row]:
        blocks = [self._block(at, width) for at in range(len(self.columns))]
        rows = [row for block in blocks for row in block]
        cursor = sum(map(len, blocks[: self.cursor]))
        top = max(0, min(cursor - height // 2, len(rows) - height))
        return rows[top : top + height]

    def _block(self, at: int, width: int) -> list[Row]:
        """A column's mark and title, and what it means in as many lines as that takes."""
        column, here = self.columns[at], at == self.cursor
        shown = column.key in self.shown
        start: Row = [pointer(here, "▌"), ("● " if shown else "○ ", "accent" if shown else "dim")]
        return hang([*start, (f"{column.cell.title:<10}", "bold" if here else "text")], column.meaning, "dim", width)


class ColumnChoice(Modal[str | None]):
    """A modal that chooses the board's columns: their keys in order, joined; empty for all, None where they stay as
    they were.
    """

    CSS_PATH = "panel.tcss"
    BINDINGS = [  # noqa: RUF012
        Binding("space", "show_or_hide", "Show or hide", show=False),
        Binding("less_than_sign", "shift(-1)", "Earlier", show=False),
        Binding("greater_than_sign", "shift(1)", "Later", show=False),
        Binding("backspace", "dismiss('')", "All", show=False),
        Binding("enter", "take", "Take", show=False),
        *scroll_bindings("step", "dismiss(None)"),  # last: the space above is the panel's own
    ]

    def __init__(self, columns: Sequence[BoardColumn], shown: Sequence[str]) -> None:
        super().__init__()
        self.columns, self.shown = columns, shown

    def compose(self) -> ComposeResult:
        listed = ColumnList(self.columns, self.shown)
        listed.border_title = "columns"
        listed.border_subtitle = "space shows · < > moves · enter takes · ⌫ all · esc"
        yield listed

    @property
    def listed(self) -> ColumnList:
        return self.query_one(ColumnList)

    def action_step(self, by: int) -> None:
        listed = self.listed
        listed.cursor = max(0, min(listed.cursor + by, len(listed.columns) - 1))
        listed.redraw()

    def action_show_or_hide(self) -> None:
        self.listed.shown ^= {self.listed.columns[self.listed.cursor].key}
        self.listed.redraw()

    def action_shift(self, by: int) -> None:
        """Moves the column under the cursor by some places, the cursor with it."""
        listed = self.listed
        to = listed.cursor + by
        if 0 <= to < len(listed.columns):
            listed.columns.insert(to, listed.columns.pop(listed.cursor))
            listed.cursor = to
            listed.redraw()

    def action_take(self) -> None:
        keys = [column.key for column in self.listed.columns if column.key in self.listed.shown]
        self.dismiss(",".join(keys))


def ask(page: Page) -> None:
    """Asks for the board's columns for the session's task and keeps them."""
    answer = page.answer
    if answer is None:
        return
    scenario = answer.session.scenario
    everything = [column for column in columns_of(scenario) if column is not INSTANCE]
    shown = [column.key for column in columns_of(scenario, answer.session.columns) if column is not INSTANCE]

    def take(keys: str | None) -> None:
        if keys is not None:
            page.edit(lambda answer: answer.session.with_columns(keys))

    page.app.push_screen(ColumnChoice(everything, shown), take)
