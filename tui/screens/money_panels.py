"""Panels about money: the plan of a month, and when another way is cheaper."""

from collections.abc import Iterable, Sequence
from functools import cache

from estimator.planning.breakeven import against_api, against_buying, against_terms
from estimator.planning.day import DAYS, Demand
from estimator.planning.plan import Plan, plans
from estimator.results import Evaluation
from estimator.scenario.placement import machine_named
from tui.draw.runs import Row, wrap_text
from tui.pages.breakeven import chart, describe_api, sentences
from tui.pages.facts import bench_of, heading
from tui.pages.planning import describe_hours, plan_lines
from tui.screens.panel import Sheet
from tui.state.answer import Answer
from tui.state.readings import instance

DAY = "office"
"""Shape of the day in the panel; `plan --day` takes any."""
OTHERS = 3
"""Machines beside the selected one that are planned, for the runner-up."""
CHART_LINES = 16


def plan_sheet(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The scenario's load as the peak of an office day, on the selected machine: hours, ways to pay, runner-up."""
    demand = Demand(day=DAYS[DAY], spare=answer.session.scenario.placement.spare)
    title = f"plan · {heading(answer, row)}"
    if answer.session.scenario.training:
        return Sheet(title, lambda cells: _lines(["a training run is no load to carry"], cells))
    known = _planned(answer, row, demand)

    def body(cells: int) -> Sequence[Row]:
        if not known or known[0].row.candidate.machine != row.candidate.machine:
            reason = "no number of it carries the load within its level, or it has no price on these terms"
            return _lines([f"{instance(row)}: {reason}"], cells)
        return _lines([f"{DAY} hours: {describe_hours(demand)}", "", *plan_lines(known, None, cells)], cells)

    return Sheet(title, body)


def _planned(answer: Answer, row: Evaluation, demand: Demand) -> list[Plan]:
    """The selected machine's plan first, then the best of the next rows on other accelerators."""
    others = (each for each in answer.board.rows if each.candidate.accelerator != row.candidate.accelerator)
    rows = [row, *[each for each in others if each.verdict == "fits"][:OTHERS]]
    machines = [machine_named(each.candidate, answer.inventory) for each in rows]
    prices = answer.prices.for_decisions()
    known = plans(answer.model, answer.session.scenario, demand, answer.inventory, prices, machines)
    return sorted(known, key=lambda each: each.row.candidate.machine != row.candidate.machine)


def breakeven_sheet(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The selected row beside published API prices, committed terms and its purchase: a chart, and a sentence each."""
    title = f"break-even · {heading(answer, row)}"
    study = bench_of(answer, row)
    if study.scenario.training:
        return Sheet(title, lambda cells: _lines(["a training run serves no requests"], cells))
    published = answer.api_prices() if answer.api_prices else {}
    apis = {name: against_api(row, study.scenario.workload, api) for name, api in published.items()}
    named = [(name, against) for name, against in apis.items() if against]
    named.sort(key=lambda each: -each[1].api_usd_per_request)
    terms = against_terms(study.machine, study.node.device, study.scenario, answer.prices)
    buying = against_buying(row, study.machine, study.node.device, study.scenario)
    nearest = next((each for each in reversed(named) if each[1].requests is not None), named[-1] if named else None)

    @cache
    def body(cells: int) -> Sequence[Row]:
        first: list[Row] = []
        if nearest:
            name, against = nearest
            first = [*_lines([describe_api(against, name, instance(row))], cells), []]
            first += [*chart(cells, CHART_LINES, against, name), []]
        others = [each for each in named if each is not nearest]
        return [*first, *_lines(sentences(others, terms, buying, instance(row)), cells)]

    return Sheet(title, body)


def _lines(lines: Iterable[str], cells: int) -> list[Row]:
    """Lines that fit as they are, the others wrapped."""
    parts = (part for line in lines for part in ([line] if len(line) <= cells else wrap_text(line, cells)))
    return [[(part, "text")] for part in parts]
