"""A load over the day and the month: replicas by hour, what to rent on which terms, autoscaling, and the runner-up."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from catalog.load import Catalog, load
from catalog.questions import Question
from estimator import documents
from estimator.checks import rules
from estimator.errors import InputError
from estimator.planning.day import DAYS, Demand, at_busiest_hour, day_of, read_day
from estimator.planning.mix import Mix
from estimator.planning.plan import Plan, SecondRegion, keeps_budget, plans, second_region
from estimator.planning.pools import MixedPlan, PlannedPool, Pool, plan_pools
from estimator.scenario.scenario import Scenario
from tui.cli import json_output, question, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS
from tui.draw import figures
from tui.options import options, values
from tui.options.pools import read_pools
from tui.pages.mixed_plan import asked_lines, mixed_cells, month_lines
from tui.pages.planning import describe_hours, plan_cells, plan_lines

DEMAND = (
    options.Option("headroom", "headroom", "F", "share of capacity kept free in every hour (0)"),
    options.Option("base-load", "base_load", "F", "share of the peak that never goes away (1)"),
    options.Option("peak-hours", "peak_hours", "H", "hours a day at the peak (24)"),
)
DAY = f"shape of the day: {', '.join(DAYS)}, or 24 loads h0,…,h23"
LOADS = {
    "requests-per-hour": "peak load by the hour, in place of --requests-per-second",
    "tokens-per-day": "input and output tokens of a whole day, spread over its shape",
}
POOL = "a part of the requests on machines of its own, once for each; `batch` can wait"
SHOWN = 5
ANSWER = (
    "instance",
    "hours",
    "mix",
    "autoscaling",
    "usd_per_month",
    "utilization",
    "usd_per_1m_tokens",
    "usd_per_1m_tokens_at",
    "runner_up",
    "second_region",
    "pools",
    "usd_per_request",
)
"""Keys of the plan to take; null where there is none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    group = parser.add_argument_group("load")
    for option in DEMAND:
        if option.name not in options.OPTIONS:
            group.add_argument(f"--{option.name}", dest=option.field, metavar=option.metavar, help=option.help)
    group.add_argument("--day", metavar="SHAPE", help=DAY)
    for name, text in LOADS.items():
        group.add_argument(f"--{name}", dest=name.replace("-", "_"), metavar="R", help=text)
    group.add_argument("--budget", metavar="USD", help="most that an expected month may cost")
    group.add_argument("--pool", action="append", default=[], metavar="NAME=SHARE[,OPTION=VALUE…]", help=POOL)
    parser.add_argument("--limit", type=int, default=SHOWN, metavar="N", help=f"show the N first ({SHOWN})")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    values.check_limit(arguments.limit)
    catalog = load()
    asked = question.ask(arguments, catalog)
    if asked.scenario.training:
        raise InputError("plan", "a training run is no load to carry; `estimate --train …` says what it takes")
    demand = _demand(arguments, asked.scenario.placement.spare)
    scenario, demand = _with_recorded_day(asked.scenario, demand, arguments)
    scenario = _with_load(scenario, demand, arguments)
    budget = values.number_above_0("--budget", arguments.budget)
    pools = read_pools(arguments.pool, scenario)
    if pools:
        return _run_pools(arguments, asked, scenario, demand, pools, budget)
    known = plans(asked.model, scenario, demand, asked.inventory, asked.prices.for_decisions())
    within = [each for each in known if keeps_budget(each.usd_per_month, budget)]
    other = _second_region(within[0], scenario, asked, catalog) if within else None
    shown = within[: arguments.limit]
    if arguments.format == "json":
        print(json_output.document(_document(scenario, demand, budget, shown, other)))
    elif arguments.format == "csv":
        print(table_output.csv_table(map(_plan, shown)))
    elif arguments.format == "markdown":
        titles, *rows = plan_cells(shown)
        print(table_output.markdown_table(titles, rows))
    else:
        print(_text(scenario, demand, shown, other, _none_why(known, budget)))
    return ANSWERED if shown else NOTHING_FITS


def _run_pools(
    arguments: argparse.Namespace,
    asked: Question,
    scenario: Scenario,
    demand: Demand,
    pools: Sequence[Pool],
    budget: float | None,
) -> int:
    """Plans of several pools in place of one; `--limit` does not hold for them."""
    mixed, short = plan_pools(asked.model, demand, pools, asked.inventory, asked.prices.for_decisions())
    dear = short is None and not keeps_budget(mixed.usd_per_month, budget)
    if arguments.format == "json":
        page = _document(scenario, demand, budget, [], None)
        if short is None and not dear:
            page |= {
                "pools": [_pool(mixed, each) for each in mixed.pools],
                "usd_per_month": mixed.usd_per_month._asdict(),
                "usd_per_1m_tokens": mixed.usd_per_1m_tokens,
                "usd_per_request": mixed.usd_per_request,
            }
        print(json_output.document(page))
    elif short or dear:
        asks = figures.usd(mixed.usd_per_month.typical) if dear else ""
        why = f"the pools ask {asks} a month" if dear else f"no priced machine carries the pool {short and short.name}"
        print(f"{text_output.scenario(scenario)}\n{describe_hours(demand)}\n\n{why}")
    elif arguments.format == "csv":
        print(table_output.csv_table(_pool(mixed, each) for each in mixed.pools))
    elif arguments.format == "markdown":
        titles, *rows = mixed_cells(mixed)
        print(table_output.markdown_table(titles, rows))
    else:
        table = text_output.aligned(mixed_cells(mixed), left=(0, 3, 4, 8))
        lines = "\n".join((*asked_lines(mixed), *month_lines(mixed)))
        print(f"{text_output.scenario(scenario)}\n{describe_hours(demand)}\n\n{table}\n\n{lines}")
    return NOTHING_FITS if short or dear else ANSWERED


def _pool(mixed: MixedPlan, part: PlannedPool) -> dict[str, object]:
    return {
        "pool": part.pool.name,
        "share": part.pool.share,
        "share_of_cost": mixed.share_of_cost(part),
        "can_wait": part.pool.can_wait,
        "input_tokens": part.pool.scenario.workload.input_tokens,
        "output_tokens": part.pool.scenario.workload.output_tokens,
        **_first(part.plan),
        "plan": _plan(part.plan),
    }


def _demand(arguments: argparse.Namespace, spare: int) -> Demand:
    demand = Demand(spare=spare)
    kind: Any = Demand
    for option in DEMAND:
        given = getattr(arguments, option.field, None)
        if given is not None:
            try:
                value: Any = values.read(option, given, rules(kind)[option.field])
                demand = replace(demand, **{option.field: value})
            except InputError as error:
                raise error.under(f"--{error.field}") from None
    if arguments.day is not None:
        if {"base_load", "peak_hours"} & {name for name, value in vars(arguments).items() if value is not None}:
            raise InputError("--day", "says the whole day: leave --base-load and --peak-hours out")
        demand = replace(demand, day=read_day(arguments.day))
    return demand


def _with_recorded_day(scenario: Scenario, demand: Demand, arguments: argparse.Namespace) -> tuple[Scenario, Demand]:
    """The hours of a trace of a day, at the rate of its busiest one, where no other day is said."""
    trace = scenario.workload.trace if scenario.workload.kind == "trace" else None
    said = (arguments.day, arguments.base_load, arguments.peak_hours)
    day = day_of(trace) if trace and said == (None, None, None) else ()
    if not day:
        return scenario, demand
    return replace(scenario, workload=at_busiest_hour(scenario.workload, day)), replace(demand, day=day)


def _with_load(scenario: Scenario, demand: Demand, arguments: argparse.Namespace) -> Scenario:
    """The scenario under a load that is told by the hour or by the day. Raises InputError for two loads."""
    by_hour = values.number_above_0("--requests-per-hour", arguments.requests_per_hour)
    by_day = values.number_above_0("--tokens-per-day", arguments.tokens_per_day)
    if by_hour is None and by_day is None:
        return scenario
    if by_hour is not None and by_day is not None:
        raise InputError("--tokens-per-day", "--requests-per-hour says the load already: give one of the two")
    work = scenario.workload
    rate = by_hour / 3600 if by_hour is not None else (by_day or 0) / work.total_tokens / 86_400 / demand.mean
    return replace(scenario, workload=replace(work, requests_per_second=rate))


def _second_region(first: Plan, scenario: Scenario, asked: Question, catalog: Catalog) -> SecondRegion | None:
    return second_region(first, scenario, asked.inventory, (catalog.prices(region) for region in catalog.regions))


def _none_why(known: tuple[Plan, ...], budget: float | None) -> str:
    if known and budget is not None:
        least = min(known, key=lambda each: each.usd_per_month.typical)
        asks = f"{least.row.candidate.machine} asks ${least.usd_per_month.typical:,.0f}"
        return f"nothing carries this load for ${budget:,.0f} a month; {asks}"
    return "no priced machine carries this load within its service level"


def _document(
    scenario: Scenario, demand: Demand, budget: float | None, shown: list[Plan], other: SecondRegion | None
) -> dict[str, object]:
    question_asked = json_output.scenario(scenario) | {
        "headroom": demand.headroom,
        "base_load": demand.base_load,
        "peak_hours": demand.peak_hours,
        "spare": demand.spare,
        "day": list(demand.hours),
        "budget_usd_per_month": budget,
    }
    page: dict[str, object] = {"scenario": question_asked, "plans": [_plan(each) for each in shown]}
    if not shown:
        return page | dict.fromkeys(ANSWER)
    first, runner_up = shown[0], shown[1] if len(shown) > 1 else None
    return (
        page
        | dict.fromkeys(ANSWER)
        | _first(first)
        | {
            "runner_up": runner_up
            and {
                "instance": runner_up.row.candidate.machine,
                "machines": max(hour.machines for hour in runner_up.hours),
                "replicas": max(hour.replicas for hour in runner_up.hours),
                "mix": _lines(runner_up.mix),
                "usd_per_month": runner_up.usd_per_month._asdict(),
            },
            "second_region": other and other._asdict(),
        }
    )


def _first(first: Plan) -> dict[str, object]:
    """The plan to take: what runs at each hour, on which terms, and what that costs."""
    policy = first.autoscaling
    return {
        "instance": first.row.candidate.machine,
        "hours": [{"hour": at, **hour._asdict()} for at, hour in enumerate(first.hours)],
        "mix": _lines(first.mix),
        "autoscaling": policy._asdict()
        | {"cold_start": policy.cold_start._asdict(), "cold_start_s": policy.cold_start.total_s},
        "usd_per_month": first.usd_per_month._asdict(),
        "utilization": first.utilization,
        "usd_per_1m_tokens": first.usd_per_1m_tokens,
        "usd_per_1m_tokens_at": [
            {"utilization": share, "usd_per_1m_tokens": documents.figure(band, whole=False)}
            for share, band in first.usd_per_1m_tokens_at
        ],
    }


def _lines(mix: Mix) -> list[dict[str, object]]:
    return [
        {
            "terms": line.terms,
            "machines": line.machines,
            "machine_hours_per_day": line.hours_per_day,
            "usd": line.usd_per_month,
            "price_kind": line.kind,
            "price_stale": line.stale,
            "why": line.why,
        }
        for line in mix.lines
    ]


def _plan(each: Plan) -> dict[str, object]:
    copies = [hour.copies for hour in each.hours]
    at = each.row.candidate
    return {
        "copies": max(copies),
        "base_copies": min(copies),
        "machines": max(copies) * at.machines,
        "replicas": max(copies) * at.replicas,
        "usd_per_month": each.usd_per_month.typical,
        "mixes": [
            {
                "base_terms": mix.base_terms,
                "peak_terms": mix.peak_terms,
                "usd_per_month": mix.usd_per_month.typical,
                "usd_per_worst_month": mix.usd_per_month.high,
                "kinds": list(mix.kinds),
                "stale": mix.stale,
                "lines": _lines(mix),
            }
            for mix in each.mixes
        ],
        "copy": documents.document(each.row),
    }


def _text(scenario: Scenario, demand: Demand, shown: list[Plan], other: SecondRegion | None, none_why: str) -> str:
    head = f"{text_output.scenario(scenario)}\n{describe_hours(demand)}"
    if not shown:
        return f"{head}\n\n{none_why}"
    table = text_output.aligned(plan_cells(shown), left=(0, 1, 8))
    return f"{head}\n\n{table}\n\n" + "\n".join(plan_lines(shown, other, 110))
