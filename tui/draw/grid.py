"""The grid of what fits: users down, context across, with the frontier marked."""

from collections.abc import Callable, Sequence

from tui.draw.figures import tokens
from tui.draw.runs import Row, fit_row

FITS, FRONTIER, BEYOND = "●", "○", "·"


def fit_grid(
    cells: int,
    users: Sequence[int],
    contexts: Sequence[int],
    fits: Callable[[int, int], bool],
    asked: tuple[int, int] | None = None,
) -> list[Row]:
    """Rows of the grid: a header and a line for each number of users; `fits(users, context)` answers each cell.

    ● fits, ○ is the longest context of its line, · does not fit; the cell that holds the asked (users, context), the
    smallest that covers both, stands in brackets.
    """
    pitch = min(max((cells - 7) // max(len(contexts), 1), 5), 9)
    contexts = contexts[: max((cells - 7) // pitch, 1)]
    at_users = min((each for each in users if asked and each >= asked[0]), default=None)
    at_context = min((each for each in contexts if asked and each >= asked[1]), default=None)
    rows = [fit_row([(" users ", "title"), *((f"{tokens(each):^{pitch}}", "title") for each in contexts)], cells)]
    for count in users:
        answers = [fits(count, context) for context in contexts]
        longest = max((index for index, each in enumerate(answers) if each), default=-1)
        row: Row = [(f"{count:>6,} ", "axis")]
        for index, each in enumerate(answers):
            mark, style = (FITS, "good") if each else (BEYOND, "dim")
            if each and index == longest and index + 1 < len(answers):
                mark, style = FRONTIER, "warn"
            here = (count, contexts[index]) == (at_users, at_context)
            row.append((f"{f'[{mark}]' if here else mark:^{pitch}}", "accent" if here else style))
        rows.append(fit_row(row, cells))
    return rows
