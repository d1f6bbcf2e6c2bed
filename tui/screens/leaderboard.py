"""The leaderboard page, the base of all: every candidate in rank order, and the selected one in short."""

from textual import on
from textual.app import ComposeResult

from tui.commands.bindings import bindings
from tui.screens.page import Page
from tui.state.columns import BY_KEY
from tui.state.view import next_column, select_row, sorted_on, step_rows, with_machines
from tui.widgets.board import Board
from tui.widgets.filter_line import FilterLine


class LeaderboardScreen(Page):
    """The leaderboard page's keys: cursor, order and columns; everything else is the app's."""

    NAME = "leaderboard"
    BINDINGS = bindings(NAME)

    def body(self) -> ComposeResult:
        yield self.bound(Board())

    @property
    def figure(self) -> str:
        """The figure whose working is asked: the chosen column's, else the sorted one's, else the cost of a token."""
        session = self.answer.session if self.answer else None
        column = BY_KEY.get(session.column or session.sort) if session else None
        return (column.working if column else "") or "usd_tokens"

    def action_move(self, by: int) -> None:
        self.edit(lambda answer: step_rows(answer, by))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self.query_one(Board).half_page)

    def action_first(self) -> None:
        """Moves the cursor back to rank 1, where it stays whatever ranks first."""
        self.edit(lambda answer: answer.session.from_the_top())

    def action_last(self) -> None:
        self.edit(lambda answer: select_row(answer, len(answer.rows) - 1))

    def action_machines(self, by: int) -> None:
        """Takes as many machines as the selected row has, and so many more."""
        self.edit(lambda answer: with_machines(answer, by))

    def action_sort(self, by: int = 1) -> None:
        """Orders the rows by the chosen column, or again by rank; without one by the next of those that are shown."""
        shown = self.query_one(Board).columns_shown
        self.edit(lambda answer: sorted_on(answer.session, shown, by))

    def action_column(self, by: int) -> None:
        """Moves the column cursor to the next column that is shown; beyond the ends it leaves the table."""
        shown = self.query_one(Board).columns_shown
        self.edit(lambda answer: answer.session.at_column(next_column(answer.session, shown, by)))

    def action_columns(self) -> None:
        """Asks which columns are shown, and in which order."""
        from tui.screens.columns import ask

        ask(self)

    async def action_filter(self) -> None:
        """Opens the filter line; it is made when it is first needed."""
        if self.answer is None:
            return
        if not self.query(FilterLine):
            await self.mount(FilterLine())
        self.query_one(FilterLine).open(self.answer.session.filter)

    @on(FilterLine.Typed)
    def narrow(self, event: FilterLine.Typed) -> None:
        self.edit(lambda answer: answer.session.filtered(event.text))

    @on(FilterLine.Left)
    def leave_filter(self) -> None:
        self.set_focus(None)

    @on(Board.Chosen)
    def select_clicked(self, event: Board.Chosen) -> None:
        self.edit(lambda answer: select_row(answer, event.position))

    @on(Board.Titled)
    def sort_by_clicked(self, event: Board.Titled) -> None:
        """Orders the rows by the clicked title, or again by rank."""
        shown = self.query_one(Board).columns_shown
        self.edit(lambda answer: sorted_on(answer.session.at_column(event.column), shown))

    @on(Board.Scrolled)
    def follow_wheel(self, event: Board.Scrolled) -> None:
        self.action_move(event.rows)
