"""Replicas, price mix and monthly cost for a load: how many of each machine keep the service level at the peak."""

import argparse
from dataclasses import replace
from typing import Any

from estimator import documents
from estimator.checks import rules
from estimator.errors import InputError
from estimator.ranking.fleet import Demand, Fleet, fleets
from estimator.scenario.scenario import Scenario
from tui.cli import json_output, question, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS
from tui.draw import figures
from tui.options import options, values
from tui.state.columns import plain_price

DEMAND = (
    options.Option("headroom", "headroom", "F", "share of capacity kept free at the peak (0.2)"),
    options.Option("base-load", "base_load", "F", "share of the peak that never goes away (1)"),
    options.Option("peak-hours", "peak_hours", "H", "hours a day at the peak (24)"),
)
SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    group = parser.add_argument_group("load")
    for option in DEMAND:
        group.add_argument(f"--{option.name}", dest=option.field, metavar=option.metavar, help=option.help)
    parser.add_argument("--limit", type=int, default=SHOWN, metavar="N", help=f"show the N cheapest ({SHOWN})")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    asked = question.ask(arguments)
    if asked.scenario.training:
        raise InputError("plan", "a training run is no load to carry; `estimate --train …` says what it takes")
    demand = _demand(arguments)
    prices = asked.prices.for_decisions()
    plans = fleets(asked.model, asked.scenario, demand, asked.inventory, prices)[: max(arguments.limit, 1)]
    if arguments.format == "json":
        scenario = json_output.scenario(asked.scenario) | {
            name: getattr(demand, name) for name in ("headroom", "base_load", "peak_hours")
        }
        print(json_output.document({"scenario": scenario, "plans": [_json(fleet) for fleet in plans]}))
    elif arguments.format == "csv":
        print(table_output.csv_table(map(_json, plans)))
    elif arguments.format == "markdown":
        print(table_output.markdown_table(TITLES, map(_row, plans)))
    else:
        print(_text(asked.scenario, demand, plans))
    return ANSWERED if plans else NOTHING_FITS


def _demand(arguments: argparse.Namespace) -> Demand:
    demand = Demand()
    kind: Any = Demand
    for option in DEMAND:
        given = getattr(arguments, option.field)
        if given is not None:
            try:
                value: Any = values.read(option, given, rules(kind)[option.field])
                demand = replace(demand, **{option.field: value})
            except InputError as error:
                raise error.under(f"--{error.field}") from None
    return demand


def _json(fleet: Fleet) -> dict[str, object]:
    return {
        "copies": fleet.copies,
        "base_copies": fleet.base_copies,
        "machines": fleet.copies * fleet.copy.candidate.machines,
        "replicas": fleet.copies * fleet.copy.candidate.replicas,
        "usd_per_month": fleet.usd_per_month,
        "mixes": [mix._asdict() for mix in fleet.mixes],
        "copy": documents.document(fleet.copy),
    }


def _text(asked: Scenario, demand: Demand, plans: tuple[Fleet, ...]) -> str:
    head = (
        f"{text_output.scenario(asked)}\n{demand.headroom:.0%} head-room, "
        f"{demand.base_load:.0%} of the peak always there, {demand.peak_hours:g} hours a day at the peak"
    )
    if not plans:
        return f"{head}\n\nno priced machine carries this load within its service level"
    table = text_output.aligned([TITLES, *map(_row, plans)], left=(0, 1, 8))
    best = plans[0]
    mixes = [
        (
            f"{mix.base_terms} for {best.base_copies}",
            f"{mix.peak_terms} for {best.copies - best.base_copies}" if mix.peak_terms else "",
            figures.usd(mix.usd_per_month),
            "old price" if mix.stale else "",
        )
        for mix in best.mixes
    ]
    ways = text_output.aligned([("always", "at the peak", "$/month", ""), *mixes], left=(0, 1, 3))
    return f"{head}\n\n{table}\n\n{best.copies} x {text_output.candidate_text(best.copy)}\n{ways}"


TITLES = ("machines", "layout", "replicas", "TTFT", "TPOT", "req/s", "$/h list", "$/month", "paid as")


def _row(fleet: Fleet) -> tuple[str, ...]:
    at, speed, mix = fleet.copy.candidate, fleet.copy.performance, fleet.mixes[0]
    bands = (speed.ttft_s.typical, speed.tpot_s.typical, speed.requests_per_s.typical) if speed else (None,) * 3
    return (
        f"{fleet.copies * at.machines} x {at.machine}",
        str(at.layout),
        str(fleet.copies * at.replicas),
        figures.duration(bands[0]),
        figures.duration(bands[1]),
        figures.number(None if bands[2] is None else bands[2] * fleet.copies),
        plain_price(fleet.copy),
        figures.usd(mix.usd_per_month),
        " + ".join(dict.fromkeys(filter(None, (mix.base_terms, mix.peak_terms)))),
    )
