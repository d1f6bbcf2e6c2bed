"""Panels about money: the plan of a month, and when another way is cheaper."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import NamedTuple

from estimator.hardware.devices import Machine
from estimator.planning.breakeven import against_api, against_buying, against_terms
from estimator.planning.day import DAYS, Demand
from estimator.planning.plan import Plan, keeps_budget, plans
from estimator.planning.pools import Pool, plan_pools
from estimator.results import Evaluation
from estimator.scenario.placement import machine_named
from tui.draw.figures import usd
from tui.draw.runs import Row, wrap_text
from tui.options.pools import read_pools
from tui.options.values import number_above_0
from tui.pages.breakeven import chart, describe_api, sentences
from tui.pages.facts import bench_of, heading
from tui.pages.mixed_plan import describe_pool, month_lines, pool_lines
from tui.pages.planning import describe_hours, plan_lines
from tui.screens.panel import Ask, Sheet
from tui.state.answer import Answer
from tui.state.readings import instance, missing_price

OTHERS = 3
"""Machines on other accelerators that are planned beside the selected one, for the runner-up."""
CHART_LINES = 16
PLAN_KEYS = "d day · -/+ spare · b budget · p pools"


class PlanChoice(NamedTuple):
    """What the plan's panel assumes beside the scenario."""

    day: str = "office"
    """One of `DAYS`; `plan --day` takes any."""
    spare: int = 0
    budget_usd: float | None = None
    """Most that an expected month may cost."""
    pools: tuple[str, ...] = ()
    """Parts of the requests as `plan --pool` takes them; none is one plan for all."""


def plan_sheet(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The scenario's load as the peak of an office day, on the selected machine: hours, ways to pay, runner-up."""
    return _plan_sheet(answer, row, PlanChoice(spare=answer.session.scenario.placement.spare))


def _plan_sheet(answer: Answer, row: Evaluation, choice: PlanChoice) -> Sheet:
    title = f"plan · {heading(answer, row)}"
    if answer.session.scenario.training:
        return Sheet(title, lambda cells: _lines(["a training run is no load to carry"], cells))
    demand = Demand(day=DAYS[choice.day], spare=choice.spare)
    pools = read_pools(choice.pools, answer.session.scenario)
    known = [] if pools else _planned(answer, row, demand)
    hours = f"{choice.day} hours: {describe_hours(demand)}"

    @cache
    def body(cells: int) -> Sequence[Row]:
        if pools:
            return _lines([hours, "", *_mixed(answer, row, demand, pools, choice.budget_usd)], cells)
        if not known or known[0].row.candidate.machine != row.candidate.machine:
            reason = missing_price(row)[0] or "no number of it carries the load within its level"
            return _lines([f"{instance(row)}: {reason}"], cells)
        return _lines([hours, *_budget_lines(known, choice), "", *plan_lines(known, None, cells)], cells)

    def turned(other: PlanChoice) -> Sheet:
        return _plan_sheet(answer, row, other)

    days = [*DAYS]
    more, fewer = (partial(turned, choice._replace(spare=max(choice.spare + by, 0))) for by in (1, -1))
    turns: dict[str, Callable[[], Sheet] | Ask] = {
        "d": partial(turned, choice._replace(day=days[(days.index(choice.day) + 1) % len(days)])),
        "plus": more,
        "equals_sign": more,
        "minus": fewer,
        "b": Ask(
            "most USD a month, empty for none",
            f"{choice.budget_usd:g}" if choice.budget_usd else "",
            lambda text: turned(choice._replace(budget_usd=number_above_0("budget", text.strip() or None))),
        ),
    }
    turns["p"] = Ask(
        "pools: realtime=70% batch=30%, empty for one plan",
        " ".join(choice.pools),
        lambda text: turned(choice._replace(pools=tuple(text.split()))),
    )
    return Sheet(title, body, turns=turns, turning=PLAN_KEYS)


def _budget_lines(known: Sequence[Plan], choice: PlanChoice) -> list[str]:
    """Whether the first plan keeps the budget; else which does, or what the cheapest asks."""
    if choice.budget_usd is None:
        return []
    asked = f"budget {usd(choice.budget_usd)} a month"
    within = [each for each in known if keeps_budget(each.usd_per_month, choice.budget_usd)]
    if within and within[0] is known[0]:
        return [f"{asked}: kept"]
    least = within[0] if within else min(known, key=lambda each: each.usd_per_month.typical)
    names = f"{least.row.candidate.machine} asks {usd(least.usd_per_month.typical)}"
    return [f"{asked}: passed; {names}" if within else f"{asked}: passed by all; {names}"]


def _machines(answer: Answer, row: Evaluation) -> list[Machine]:
    """The selected machine, those of the best rows on other accelerators, and that of the least hourly price."""
    fits = [each for each in answer.board.rows if each.verdict == "fits"]
    others = [each for each in fits if each.candidate.accelerator != row.candidate.accelerator][:OTHERS]
    priced = [each for each in fits if each.cost.price_usd_per_hour is not None]
    least = sorted(priced, key=lambda each: each.cost.price_usd_per_hour or 0.0)[:1]
    names = {each.candidate.machine: each for each in (row, *others, *least)}
    return [machine_named(each.candidate, answer.inventory) for each in names.values()]


def _mixed(
    answer: Answer, row: Evaluation, demand: Demand, pools: Sequence[Pool], budget_usd: float | None
) -> list[str]:
    """Pools as lines, each on the best of the selected machine and the others."""
    prices = answer.prices.for_decisions()
    mixed, short = plan_pools(answer.model, demand, pools, answer.inventory, prices, _machines(answer, row))
    if short:
        return [f"none of these machines carries the pool {short.name}: {describe_pool(short)}"]
    kept = keeps_budget(mixed.usd_per_month, budget_usd)
    budget = [] if budget_usd is None else [f"budget {usd(budget_usd)} a month: {'kept' if kept else 'passed'}"]
    return [*budget, *pool_lines(mixed), "", *month_lines(mixed)]


def _planned(answer: Answer, row: Evaluation, demand: Demand) -> list[Plan]:
    """The selected machine's plan first, then the best of the next rows on other accelerators."""
    prices = answer.prices.for_decisions()
    machines = _machines(answer, row)
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
        if reason := missing_price(row)[0]:
            first = _lines([f"{instance(row)}: {reason}"], cells)
        return [*first, *_lines(sentences(others, terms, buying, instance(row)), cells)]

    return Sheet(title, body)


def _lines(lines: Iterable[str], cells: int) -> list[Row]:
    """Lines that fit as they are, the others wrapped."""
    parts = (part for line in lines for part in ([line] if len(line) <= cells else wrap_text(line, cells)))
    return [[(part, "text")] for part in parts]
