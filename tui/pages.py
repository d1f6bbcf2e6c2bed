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


def _memory() -> "Page":
    from tui.screens.memory import MemoryScreen

    return MemoryScreen()


def _performance() -> "Page":
    from tui.screens.performance import PerformanceScreen

    return PerformanceScreen()


def _workload() -> "Page":
    from tui.screens.workload import WorkloadScreen

    return WorkloadScreen()


PAGES = (
    Tab("1", "workload", "Workload", _workload),
    Tab("2", "memory", "Memory", _memory),
    Tab("3", "performance", "Performance", _performance),
    Tab("4", "leaderboard", "Leaderboard", _leaderboard),
)
BASE = "leaderboard"
"""Always at the bottom of the stack; one other page at a time is pushed over it."""
