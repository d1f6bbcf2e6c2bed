"""The solver's rows: the longest context for so many users, and the most users for a context, by cache format."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.draw.figures import count, tokens
from tui.draw.runs import Row, fit_row


class Capacity(NamedTuple):
    """What one cache format holds on a candidate: the longest context and the most users."""

    name: str
    longest: tuple[int, ...]
    """Longest context at each number of users; 0 where not even one token fits."""
    most_users: int
    """At the asked length."""


def capacity_rows(cells: int, users: Sequence[int], length: int, capacities: Sequence[Capacity]) -> list[Row]:
    """Rows of what each cache format holds, under a header."""
    pitch = min(max((cells - 26) // max(len(users), 1), 6), 9)
    shown = users[: max((cells - 26) // pitch, 1)]
    head = "".join(f"{count(each):>{pitch}}" for each in shown)
    rows = [
        fit_row([(" longest context", "title")], cells),
        fit_row([(f" {'users':<8}{head}", "title"), (f"{f'users at {tokens(length)}':>16}", "title")], cells),
    ]
    for capacity in capacities:
        longest = "".join(f"{tokens(each) if each else '–':>{pitch}}" for each in capacity.longest[: len(shown)])
        rows.append(
            fit_row(
                [
                    (f" {capacity.name:<8}", "accent"),
                    (longest, "text"),
                    (f"{count(capacity.most_users):>16}", "bold"),
                ],
                cells,
            )
        )
    return rows
