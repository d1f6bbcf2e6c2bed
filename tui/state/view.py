"""Which rows of a leaderboard a session shows, and in which order."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from estimator.errors import InputError
from estimator.models.formats import WEIGHT_FORMATS, weight_format
from estimator.results import Evaluation, Leaderboard
from tui.state.answer import Answer
from tui.state.columns import BY_KEY, columns_of
from tui.state.filters import parse
from tui.state.readings import Figure
from tui.state.session import WEIGHT_CYCLE, Session

if TYPE_CHECKING:
    from estimator.scenario.inventory import Inventory


def rows_of(session: Session, board: Leaderboard, inventory: "Inventory") -> tuple[Evaluation, ...]:
    """The rows of a board that a session shows, filtered and sorted. Raises InputError for a filter that is not
    understood.
    """
    keeps = parse(session.filter, inventory, session.scenario.region)
    rows = [row for row in in_view(session.view, board.rows) if keeps(row)]
    sort = session.sort if session.sort in sortable(session) else ""
    return tuple(sort_rows(rows, sort, session.reverse))


def in_view(view: str, rows: Iterable[Evaluation]) -> Iterable[Evaluation]:
    """The rows that a view leaves: all; the best one of each accelerator; or the recommendations."""
    if view == "accelerators":
        best: dict[str, Evaluation] = {}
        for row in rows:
            best.setdefault(row.candidate.accelerator, row)
        return best.values()
    if view != "recommended":
        return rows
    from estimator.ranking.rank import recommended

    return chain(*recommended(row for row in rows if row.holds_load and row.meets_service_level))


def sort_rows(rows: list[Evaluation], sort: str, reverse: bool) -> list[Evaluation]:
    """Rows ordered by the figures of one column, what has none last; what does not fit stays at the bottom."""
    column = BY_KEY.get(sort)
    if column is None:
        return rows
    keyed = [(column.figure(row), row) for row in rows]
    known = [(figure, row) for figure, row in keyed if figure is not None and row.verdict == "fits"]
    known.sort(key=_first, reverse=column.descending != reverse)
    unknown = [row for figure, row in keyed if figure is None and row.verdict == "fits"]
    return [row for _, row in known] + unknown + [row for row in rows if row.verdict != "fits"]


def step_rows(answer: Answer, by: int) -> Session:
    """The session with the cursor moved by some rows."""
    return select_row(answer, answer.cursor + by)


def select_row(answer: Answer, position: int) -> Session:
    """The session with the cursor on the row of that position, or on the nearest there is; the top is rank 1's."""
    if not answer.rows:
        return answer.session
    row = answer.rows[max(0, min(position, len(answer.rows) - 1))]
    return answer.session.selecting(row.candidate.machine)


def with_machines(answer: Answer, by: int) -> Session:
    """The session on so many machines more than the selected row has, with the cursor on it. Raises InputError where
    none would be left."""
    row, session = answer.selected, answer.session
    if row is None:
        return session
    number = row.candidate.machines + by
    if number < 1:
        raise InputError("machines", "a row has one machine at least")
    placement = replace(session.scenario.placement, machines=number, count=None)
    scenario = replace(session.scenario, placement=placement)
    return session.with_scenario(scenario).selecting(row.candidate.machine)


def next_weights(answer: Answer) -> Session:
    """The session with the next weight format that the model can have and the engine runs on the selected card."""
    from estimator.engines.support import refusal
    from estimator.models.format_choice import format_refusal

    row, scenario = answer.selected, answer.session.scenario
    device = answer.inventory.accelerators.get(row.candidate.accelerator) if row else None
    engine = None
    with suppress(InputError):  # of an engine that is not known there is nothing to leave out
        engine = answer.inventory.engine(scenario.engine, scenario.engine_version)
    cycle = [name for name in dict.fromkeys((*WEIGHT_CYCLE, answer.model.native_weights)) if name in WEIGHT_FORMATS]
    possible = [name for name in cycle if not format_refusal(answer.model, name)]
    runs = [name for name in possible if not (device and engine and refusal(device, engine, weight_format(name)))]
    return answer.session.next_weights(tuple(runs or possible or cycle))


def sortable(session: Session) -> tuple[str, ...]:
    """The columns that a session's rows can be ordered by."""
    return tuple(column.key for column in columns_of(session.scenario) if column.sorts)


def next_sort(session: Session, shown: Collection[str], by: int = 1) -> str:
    """The shown column after the one that orders the session; after the last, the ranking's own order."""
    order = ("", *(key for key in sortable(session) if key in shown))
    return order[(order.index(session.sort) + by) % len(order)] if session.sort in order else ""


def sorted_on(session: Session, shown: Collection[str], by: int = 1) -> Session:
    """The session ordered by its chosen column, or by rank where it already is; by the next column without one.

    Raises InputError for a column that gives no order.
    """
    if session.column not in shown:
        return session.sorted_by(next_sort(session, shown, by))
    if session.column not in sortable(session):
        raise InputError("sort", f"{BY_KEY[session.column].cell.title} gives no order")
    return session.sorted_by("" if session.sort == session.column else session.column)


def next_column(session: Session, shown: Collection[str], by: int) -> str:
    """The shown column beside the chosen one; beyond the ends none."""
    order = ("", *shown)
    at = order.index(session.column) if session.column in order else 0
    return order[(at + by) % len(order)]


def _first(pair: tuple[Figure, Evaluation]) -> tuple[bool, float, str]:
    figure = pair[0]
    return (True, 0.0, figure) if isinstance(figure, str) else (False, figure or 0.0, "")
