"""The base page: every candidate in rank order, and the selected one in short."""

from textual.app import ComposeResult

from tui.commands import bindings
from tui.screens.page import Page
from tui.widgets.rows import Rows


class LeaderboardScreen(Page):
    """Moves the selection; everything else is the app's."""

    NAME = "leaderboard"
    BINDINGS = bindings(NAME)
    CSS_PATH = "leaderboard.tcss"

    def body(self) -> ComposeResult:
        yield self.bound(Rows())
