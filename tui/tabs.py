"""The pages' tabs: their keys, names and titles, in the order shown. Data only; `screens.open` makes the pages."""

from typing import NamedTuple


class Tab(NamedTuple):
    """One tab: its key, the page's name in a session and in bindings, its title, and where its screen is defined."""

    key: str
    name: str
    title: str
    short: str
    """The title where there is no room for it."""
    screen: str
    """`module:class`, imported when the page is first opened."""
    explains: bool = False
    """Whether `enter` opens the working of the selected row's figures there."""
    pins: bool = False
    """Whether `space` pins the selected row there."""


TABS = (
    Tab("1", "workload", "Workload", "Load", "tui.screens.workload:WorkloadScreen"),
    Tab("2", "memory", "Memory", "Mem", "tui.screens.memory:MemoryScreen", explains=True, pins=True),
    Tab(
        "3", "performance", "Performance", "Perf", "tui.screens.performance:PerformanceScreen", explains=True, pins=True
    ),
    Tab(
        "4",
        "leaderboard",
        "Leaderboard",
        "Board",
        "tui.screens.leaderboard:LeaderboardScreen",
        explains=True,
        pins=True,
    ),
    Tab("5", "compare", "Compare", "Cmp", "tui.screens.compare:CompareScreen", explains=True),
)
BASE = "leaderboard"
"""Always at the bottom of the stack; one other page at a time is pushed over it."""
