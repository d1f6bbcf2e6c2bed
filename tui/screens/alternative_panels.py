"""Panels of what else could be asked of the selected machine: the board of formats, and one change each."""

from collections.abc import Sequence

from estimator.advice.alternatives import Alternative, changes_that_halve, formats_of, single_changes, token_cost
from estimator.advice.fixes import Change
from estimator.results import Evaluation
from tui.draw.cells import count_cell, seconds_cell
from tui.draw.figures import NOTHING, usd
from tui.draw.runs import Row, fit_row, hang
from tui.pages.facts import bench_of, heading
from tui.pages.leaderboard import note
from tui.screens.panel import Sheet
from tui.state.answer import Answer
from tui.state.readings import missing_price, shortcomings, tpot, users

MOST_CHANGES = 18

HALVES = "halves $/Mtok"
HALVES_NOT = "nothing that three changes of format, layout and terms can do halves $/Mtok here at prices of today"


def formats(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The panel that compares formats: each weight format with each cache format on the row's machine, whether it fits,
    its users, speed, cost and kernels. A key takes a combination into the session."""
    board = formats_of(bench_of(answer, row))
    now = answer.session.scenario
    choices = [
        Change(
            f"{each.title}{' ‹ now' if each.scenario == now else ''}",
            f"{_figures(each.row)}  {_remark(answer, each)}",
            None if each.scenario == now else each.scenario,
        )
        for each in board
    ]
    choices, names = _aligned(choices)
    return Sheet(f"formats · {heading(answer, row)}", lambda cells: [_titles(names, cells, "")], choices)


def sensitivity(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The panel of single changes: what each does to cost, speed and users, the largest effect first; one key
    takes it.
    """
    study = bench_of(answer, row)
    known = [each for each in single_changes(study) if _says_something(row, each.row)]
    ordered = sorted(known, key=lambda each: -_effect(row, each.row))[:MOST_CHANGES]
    halving = changes_that_halve(study)
    choices = [
        Change(
            each.title,
            f"{_figures(each.row)} {_moved(row, each.row)}  "
            + (HALVES if halving and each.scenario == halving.scenario else _remark(answer, each)),
            each.scenario,
        )
        for each in ordered
    ]
    if halving and halving.scenario not in {each.scenario for each in choices}:
        choices.insert(0, Change(halving.title, f"{_figures(halving.row)}  {HALVES}", halving.scenario))
    choices, names = _aligned(choices)

    def body(cells: int) -> Sequence[Row]:
        now = [fit_row([(f"   {'now':<{names}}  {_figures(row)}", "dim")], cells)]
        words = missing_price(row)[0] or HALVES_NOT
        return [
            _titles(names, cells, f" {'Δ':>5}"),
            *now,
            *([] if halving else hang([("   ", "text")], words, "dim", cells)),
        ]

    return Sheet(f"one change each · {heading(answer, row)}", body, choices)


def _aligned(choices: Sequence[Change]) -> tuple[list[Change], int]:
    """The choices with names of one width, so that the figures after them stand in columns; and that width."""
    names = max((len(each.title) for each in choices), default=0)
    return [each._replace(title=each.title.ljust(names)) for each in choices], names


def _titles(names: int, cells: int, tail: str) -> Row:
    return fit_row([(f"   {'':<{names}}  {'users':>5} {'TPOT':>6} {'$/Mtok':>8}{tail}", "title")], cells)


def _figures(row: Evaluation) -> str:
    """Users, TPOT and cost of a token in columns; how much is short where it does not fit."""
    if row.verdict != "fits":
        return note(row)
    cost = token_cost(row)
    return f"{count_cell(users(row)):>5} {seconds_cell(tpot(row)):>6} {usd(cost) if cost is not None else NOTHING:>8}"


def _moved(before: Evaluation, after: Evaluation) -> str:
    """The relative change of a token's cost."""
    old, new = token_cost(before), token_cost(after)
    if not old or new is None or after.verdict != "fits":
        return "".ljust(5)
    ratio = new / old
    return (f"{ratio - 1:+.0%}" if ratio < 10 else f"{ratio:.0f}×").rjust(5)


def _says_something(before: Evaluation, after: Evaluation) -> bool:
    """Whether a change can be asked of the machine at all: it has the layout, and a price on those terms if any."""
    priced = token_cost(after) is not None or token_cost(before) is None
    return after.verdict != "not_supported" and (after.verdict != "fits" or priced)


def _effect(before: Evaluation, after: Evaluation) -> float:
    """How large a change is: of cost first, without a price of speed and users; what does not fit last."""
    old, new = token_cost(before), token_cost(after)
    if after.verdict != "fits":
        return -1.0
    slower = abs((tpot(after) or 0.0) / (tpot(before) or 1.0) - 1)
    if not old or new is None:
        return max(slower, abs((users(after) or 0.0) / (users(before) or 1.0) - 1))
    return abs(new / old - 1) + 1e-3 * slower


def _remark(answer: Answer, each: Alternative) -> str:
    missed = "! " + ", ".join(words) if (words := shortcomings(each.row, each.scenario)) else ""
    return missed or each.note or ("old price" if each.row.cost.price_stale else "")
