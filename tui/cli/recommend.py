"""The classic answer: at most five machines with one accelerator and five with several, cheapest hour first."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from catalog.load import Catalog, load
from catalog.questions import Question, ask
from estimator import documents
from estimator.advice.decisions import contradiction, needed_memory_bytes
from estimator.results import Evaluation
from tui.cli import json_output, question, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS
from tui.draw import figures
from tui.options.values import number_above_0
from tui.state.columns import plain_instance

GROUPS = {"single_accelerator": "one accelerator", "several_accelerators": "several accelerators"}
SIZES_TITLES = ("size", "instance", "accelerators", "layout", "batch", "$/h EC2", "$/h SageMaker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    group = parser.add_argument_group("decision")
    group.add_argument(
        "--use-case", metavar="NAME", help="an application: its preset, and a model of the size it takes"
    )
    group.add_argument(
        "--requests-per-day", metavar="R", help="the stage: what articles advise there, and today's answer"
    )
    group.add_argument(
        "--sizes", action="store_true", help="every plain size: the cheapest instance that holds it, its batch"
    )
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    catalog = load()
    if arguments.use_case is not None:
        case = catalog.decisions.use_case(arguments.use_case)
        arguments.preset = arguments.preset or case.preset
        arguments.model = arguments.model or case.model
    asked = question.ask(arguments, catalog)
    asked = asked._replace(prices=asked.prices.for_decisions())
    if arguments.sizes:
        return _print_sizes(catalog, asked, arguments.format)
    board = ranking.rank(*asked).rows
    by_group = dict(zip(GROUPS, ranking.recommended(board), strict=True))
    first = next((row for group in by_group.values() for row in group), None)
    memory = needed_memory_bytes(first, asked.scenario.workload) if first else None
    advice = _advice(catalog, arguments, board, [row for group in by_group.values() for row in group])
    if arguments.format == "json":
        rows = {key: [_record(row, catalog) for row in group] for key, group in by_group.items()}
        page = {"scenario": json_output.scenario(asked.scenario), **rows}
        print(json_output.document({**page, "needed_memory_bytes": memory and round(memory), **advice}))
    elif arguments.format == "csv":
        groups = [(GROUPS[key], row) for key, group in by_group.items() for row in group]
        print(table_output.csv_table({"group": name, **_record(row, catalog)} for name, row in groups))
    else:
        print(text_output.scenario(asked.scenario))
        for key, group in by_group.items():
            print(f"\n{GROUPS[key]}\n")
            if not group:
                print("none holds the load")
            elif arguments.format == "markdown":
                cells = text_output.leaderboard_cells(asked.scenario, group)
                print(table_output.markdown_table(text_output.leaderboard_titles(asked.scenario), cells))
            else:
                print(text_output.board(asked.scenario, group))
        _print_advice(memory, advice, catalog, [row for group in by_group.values() for row in group])
    return ANSWERED if any(by_group.values()) else NOTHING_FITS


def _record(row: Evaluation, catalog: Catalog) -> dict[str, object]:
    """A row, with what the same machines cost on SageMaker in us-east-1."""
    hosted = {"sagemaker_usd_per_hour": _on_sagemaker(row, catalog), "sagemaker_as_of": catalog.sagemaker.as_of}
    return {**documents.document(row), **hosted}


def _on_sagemaker(row: Evaluation, catalog: Catalog) -> float | None:
    """Hosting on as many machines of the type [USD/hour]; None where SageMaker's price is not known."""
    usd = catalog.sagemaker.usd_per_hour.get(row.candidate.machine)
    return None if usd is None else usd * row.candidate.machines


def _advice(
    catalog: Catalog, arguments: argparse.Namespace, board: Sequence[Evaluation], recommended: Sequence[Evaluation]
) -> dict[str, object]:
    """What articles say of the stage and of the use that are asked for, and where today's figures differ; of the use
    the least dear of the recommended rows, one of measured kind or kin where there is any.
    """
    decisions = catalog.decisions
    page: dict[str, object] = {"tier": None, "use_case": None}
    per_day = number_above_0("--requests-per-day", arguments.requests_per_day)
    if per_day is not None:
        name, tier = decisions.tier(per_day)
        page["tier"] = {
            "name": name,
            "says": tier.says,
            "instances": list(tier.instances),
            "contradiction": contradiction(tier.instances, board) or None,
            "source": decisions.source,
            "as_of": decisions.as_of,
        }
    if arguments.use_case is not None:
        case = decisions.use_case(arguments.use_case)
        known = [row for row in recommended if row.confidence != "C"] or recommended
        first = min(known, key=lambda row: row.cost.price_usd_per_hour or inf, default=None)
        speed = first.performance if first else None
        page["use_case"] = {
            "name": arguments.use_case,
            "says": case.says,
            "why": case.why,
            "model": arguments.model,
            "instance": first.candidate.machine if first else None,
            "machines": first.candidate.machines if first else None,
            "request_latency_s": speed.request_latency_s.typical if speed else None,
            "usd_per_month": first.cost.usd_per_month if first else None,
        }
    return page


def _print_advice(memory: float | None, advice: dict[str, object], catalog: Catalog, rows: list[Evaluation]) -> None:
    """One line a fact under the tables."""
    lines = [f"accelerator memory needed in all: {figures.size(memory)}"] if memory else []
    prices = catalog.sagemaker
    hosted = {plain_instance(row): _on_sagemaker(row, catalog) for row in rows}
    dearer = [f"{name} {figures.usd(usd)}" for name, usd in hosted.items() if usd]
    if dearer:
        lines.append(f"on SageMaker, {prices.region}, {prices.as_of}: {', '.join(dearer)} an hour")
    tier, case = advice["tier"], advice["use_case"]
    if isinstance(tier, dict):
        lines.append(f"{tier['name']}, as articles of {tier['as_of'][:4]} had it: {tier['says']}")
        lines += [f"but {tier['contradiction']}"] if tier["contradiction"] else []
    if isinstance(case, dict):
        lines.append(f"{case['name']}: {case['why']} (then: {case['says']})")
        lines += [_use_case_line(case)] if case["instance"] else []
    if lines:
        print("\n" + "\n".join(lines))


def _use_case_line(case: Mapping[str, Any]) -> str:
    """What a use takes: `a-model on 2 x g6e.xlarge: 3.2s a request, $1,000 a month`."""
    number = f"{case['machines']} x " if case["machines"] > 1 else ""
    waits, month = figures.duration(case["request_latency_s"]), figures.usd(case["usd_per_month"])
    return f"{case['model']} on {number}{case['instance']}: {waits} a request, {month} a month"


def _print_sizes(catalog: Catalog, asked: Question, form: str) -> int:
    """The cheapest instance type that holds each plain size in 16 bit, and the batch that it holds there."""
    from estimator.ranking import rank as ranking

    rows = []
    names = [each.plain_size for each in asked.inventory.sizes.values() if each.plain_size]
    for name in names:
        scenario = replace(
            asked.scenario, model=name, weights="bf16", workload=replace(asked.scenario.workload, concurrency=1)
        )
        size = ask(catalog, scenario)
        board = ranking.rank(size.model, size.scenario, size.inventory, asked.prices).rows
        single, several = ranking.recommended(board, most=1)
        if best := min([*single, *several], key=lambda row: row.cost.price_usd_per_hour or 0.0, default=None):
            rows.append((name, best))
    if form == "json":
        page = [{"size": name, "batch": row.max_users, **_record(row, catalog)} for name, row in rows]
        print(json_output.document({"scenario": json_output.scenario(asked.scenario), "sizes": page}))
    elif form == "csv":
        print(table_output.csv_table({"size": name, **_record(row, catalog)} for name, row in rows))
    else:
        cells = [
            (
                name,
                plain_instance(row),
                f"{row.candidate.accelerators:g} x {row.candidate.accelerator}",
                str(row.candidate.layout),
                f"{row.max_users:,}",
                figures.usd(row.cost.price_usd_per_hour),
                figures.usd(_on_sagemaker(row, catalog)),
            )
            for name, row in rows
        ]
        table = table_output.markdown_table(SIZES_TITLES, cells)
        print(table if form == "markdown" else text_output.aligned([SIZES_TITLES, *cells], left=(0, 1, 2, 3)))
    return ANSWERED if rows else NOTHING_FITS
