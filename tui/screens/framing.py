"""What stands in the frame of a dialog: its title, and the keys under it, as much as there is room for."""

from collections.abc import Sequence

from tui.draw.runs import unmarked

FRAME = 10
"""Cells beside the title of a panel: its margins, its corners and a blank at each side."""


def fit_title(title: str, cells: int) -> str:
    """`why · g7e.2xlarge · 1xRTXPRO6000 · TP1`: as many of its parts, from the first on, as the frame has room for."""
    parts = title.split(" · ")
    while len(parts) > 1 and len(" · ".join(parts)) > cells - FRAME:
        parts.pop()
    return unmarked(" · ".join(parts))


def fit_keys(keys: Sequence[str], cells: int) -> str:
    """The keys under a panel and how it is closed, as fully as the frame has room for."""
    said = [each for each in keys if each]
    options = (*([*said[: len(said) - less], close] for less in (0, 1) for close in ("esc closes", "esc")), ["esc"])
    texts = [" · ".join(each) for each in options]
    return next((text for text in texts if len(text) <= cells - FRAME), texts[-1])
