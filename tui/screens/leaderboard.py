"""The base page: every candidate in rank order, and the selected one in short."""

from textual import on
from textual.app import ComposeResult

from tui.commands.bindings import bindings
from tui.screens.page import Page
from tui.state.columns import BY_KEY
from tui.state.messages import Edited
from tui.state.view import next_sort
from tui.widgets.board import Board
from tui.widgets.filter_line import FilterLine


class LeaderboardScreen(Page):
    """Moves the selection; everything else is the app's."""

    NAME = "leaderboard"
    BINDINGS = bindings(NAME)

    def body(self) -> ComposeResult:
        yield self.bound(Board())

    @property
    def figure(self) -> str:
        """The working that belongs to the sorted column; the cost of a token where nothing else sorts."""
        column = BY_KEY.get(self.answer.session.sort) if self.answer else None
        return (column.working if column else "") or "usd_output"

    def action_move(self, by: int) -> None:
        if self.answer:
            self._select(self.answer.cursor + by)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self.query_one(Board).half_page)

    def action_jump(self, where: str) -> None:
        if self.answer:
            self._select(0 if where == "first" else len(self.answer.rows) - 1)

    def action_sort(self) -> None:
        if self.answer:
            self.post_message(Edited(self.answer.session.sorted_by(next_sort(self.answer.session))))

    async def action_filter(self) -> None:
        """Opens the filter line; it is made when it is first needed."""
        if self.answer is None:
            return
        if not self.query(FilterLine):
            await self.mount(FilterLine())
        self.query_one(FilterLine).open(self.answer.session.filter)

    @on(FilterLine.Typed)
    def narrow(self, event: FilterLine.Typed) -> None:
        if self.answer:
            self.post_message(Edited(self.answer.session.filtered(event.text)))

    @on(FilterLine.Left)
    def leave_filter(self) -> None:
        self.set_focus(None)

    @on(Board.Chosen)
    def select_clicked(self, event: Board.Chosen) -> None:
        self._select(event.position)

    @on(Board.Scrolled)
    def follow_wheel(self, event: Board.Scrolled) -> None:
        self.action_move(event.rows)

    def _select(self, position: int) -> None:
        if self.answer and self.answer.rows:
            row = self.answer.rows[max(0, min(position, len(self.answer.rows) - 1))]
            self.post_message(Edited(self.answer.session.selecting(row.candidate.machine)))
