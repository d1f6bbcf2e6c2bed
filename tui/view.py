"""Which rows of a leaderboard a session shows, and in which order."""

from collections.abc import Iterable

from estimator.evaluation import Evaluation, Leaderboard
from estimator.inventory import Inventory
from tui.columns import BY_KEY, SORTABLE, Figure
from tui.filters import parse
from tui.session import Session

RECOMMENDED = 5
"""Of each kind."""


def rows_of(session: Session, board: Leaderboard, inventory: Inventory) -> tuple[Evaluation, ...]:
    """The session's view of the board, filtered and sorted. Raises InputError for a filter that is not understood."""
    keeps = parse(session.filter, inventory, session.scenario.region)
    rows = [row for row in in_view(session.view, board.rows) if keeps(row)]
    return tuple(ordered(rows, session.sort, session.reverse))


def in_view(view: str, rows: Iterable[Evaluation]) -> Iterable[Evaluation]:
    """All rows; the best one of each accelerator; or the recommendations."""
    if view == "accelerators":
        best: dict[str, Evaluation] = {}
        for row in rows:
            best.setdefault(row.candidate.accelerator, row)
        return best.values()
    return recommended(rows) if view == "recommended" else rows


def recommended(rows: Iterable[Evaluation]) -> list[Evaluation]:
    """What fits by lowest hourly cost: at most five on a single accelerator, then at most five on several."""
    fitting = [row for row in rows if row.verdict == "fits" and row.cost.price_usd_per_hour is not None]
    fitting.sort(key=lambda row: row.cost.price_usd_per_hour or 0.0)
    single = [row for row in fitting if row.candidate.accelerators <= 1]
    several = [row for row in fitting if row.candidate.accelerators > 1]
    return single[:RECOMMENDED] + several[:RECOMMENDED]


def ordered(rows: list[Evaluation], sort: str, reverse: bool) -> list[Evaluation]:
    """By the figures of one column, what has none last; what does not fit stays at the bottom."""
    reading = BY_KEY.get(sort)
    if reading is None:
        return rows
    keyed = [(reading.figure(row), row) for row in rows]
    known = [(figure, row) for figure, row in keyed if figure is not None and row.verdict == "fits"]
    known.sort(key=_first, reverse=reading.descending != reverse)
    unknown = [row for figure, row in keyed if figure is None and row.verdict == "fits"]
    return [row for _, row in known] + unknown + [row for row in rows if row.verdict != "fits"]


def next_sort(sort: str) -> str:
    """The column after that one; after the last, the ranking's own order."""
    order = ("", *SORTABLE)
    return order[(order.index(sort) + 1) % len(order)] if sort in order else ""


def _first(pair: tuple[Figure, Evaluation]) -> tuple[bool, float, str]:
    figure = pair[0]
    return (True, 0.0, figure) if isinstance(figure, str) else (False, figure or 0.0, "")
