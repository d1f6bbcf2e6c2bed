"""The pages, in the order of their tabs; each is imported when it is first opened."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.screens.page import Page


class Tab(NamedTuple):
    """One tab: its key, its name in a session, its title, and how to make its screen."""

    key: str
    name: str
    title: str
    make: "Callable[[], Page]"


def _leaderboard() -> "Page":
    from tui.screens.leaderboard import LeaderboardScreen

    return LeaderboardScreen()


PAGES = (Tab("4", "leaderboard", "Leaderboard", _leaderboard),)
BASE = "leaderboard"
"""Always at the bottom of the stack; one other page at a time is pushed over it."""
