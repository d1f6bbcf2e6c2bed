"""When another way is cheaper: an API by the token, committed terms by the hour, hardware of one's own by the month."""

import argparse
from collections.abc import Mapping

from catalog.load import Catalog, load
from catalog.questions import Question
from estimator.errors import InputError, unknown_name
from estimator.planning.breakeven import (
    AgainstApi,
    AgainstBuying,
    AgainstTerms,
    ApiPrice,
    against_api,
    against_buying,
    against_terms,
)
from estimator.scenario.nodes import node_for
from estimator.scenario.placement import machine_named
from tui.cli import json_output, question, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS
from tui.draw.runs import rows_as_text
from tui.options.values import number_above_0
from tui.pages.breakeven import chart, sentences

TYPED = "api-usd-per-1m-input", "api-usd-per-1m-output"
CELLS, LINES = 96, 18
"""Size of the chart in text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    group = parser.add_argument_group("api")
    group.add_argument("--api", metavar="NAME", help="a published price of the catalogue, or a name for the typed one")
    for name, words in zip(TYPED, ("input", "output"), strict=True):
        group.add_argument(f"--{name}", dest=name, metavar="USD", help=f"what it asks for 1M {words} tokens")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    catalog = load()
    asked = question.ask(arguments, catalog)
    if asked.scenario.training:
        raise InputError("breakeven", "a training run serves no requests; `plan` and `breakeven` are for a load")
    apis = _apis(arguments, catalog)
    asked = asked._replace(prices=asked.prices.for_decisions())
    row = ranking.rank(*asked).rows[0]
    machine = machine_named(row.candidate, asked.inventory)
    device = node_for(machine, asked.scenario, asked.inventory).device
    compared = {
        name: against for name, api in apis.items() if (against := against_api(row, asked.scenario.workload, api))
    }
    terms = against_terms(machine, device, asked.scenario, asked.prices)
    buying = against_buying(row, machine, device, asked.scenario)
    named = sorted(compared.items(), key=lambda each: -each[1].api_usd_per_request)
    if arguments.format == "json":
        print(json_output.document(_document(asked, row.candidate.machine, apis, compared, terms, buying)))
    elif arguments.format != "text":
        print(table_output.records([_against(name, apis[name], each) for name, each in named], arguments.format))
    else:
        lines = [text_output.scenario(asked.scenario), text_output.candidate_text(row), ""]
        if len(named) == 1:
            lines += [rows_as_text(chart(CELLS, LINES, named[0][1], named[0][0])), ""]
        print("\n".join([*lines, *sentences(named, terms, buying, row.candidate.machine)]))
    return ANSWERED if compared else NOTHING_FITS


def _apis(arguments: argparse.Namespace, catalog: Catalog) -> Mapping[str, ApiPrice]:
    """The API that is asked for, typed or of the catalogue; all of the catalogue where none is. Raises InputError."""
    typed = [number_above_0(f"--{name}", getattr(arguments, name)) for name in TYPED]
    if any(each is not None for each in typed):
        if None in typed:
            raise InputError("--" + TYPED[typed.index(None)], "an API has a price of input and one of output tokens")
        return {
            arguments.api or "the API": ApiPrice(usd_per_1m_input=typed[0] or 0.0, usd_per_1m_output=typed[1] or 0.0)
        }
    known = catalog.api_prices
    if arguments.api is None:
        return known
    if arguments.api not in known:
        raise unknown_name("--api", f"unknown {arguments.api!r}; say its prices beside it, or", arguments.api, known)
    return {arguments.api: known[arguments.api]}


def _document(
    asked: Question,
    machine: str,
    apis: Mapping[str, ApiPrice],
    compared: Mapping[str, AgainstApi],
    terms: list[AgainstTerms],
    buying: AgainstBuying | None,
) -> dict[str, object]:
    return {
        "scenario": json_output.scenario(asked.scenario),
        "instance": machine,
        "api": [_against(name, apis[name], against) for name, against in compared.items()],
        "terms": [each._asdict() for each in terms],
        "buying": buying and buying._asdict() | {"months": buying.months},
    }


def _against(name: str, api: ApiPrice, against: AgainstApi) -> dict[str, object]:
    """One API beside the rent."""
    return {
        "name": name,
        "usd_per_1m_input": api.usd_per_1m_input,
        "usd_per_1m_output": api.usd_per_1m_output,
        "as_of": api.as_of or None,
        "source": api.source,
        "api_usd_per_request": against.api_usd_per_request,
        "rent_usd_per_month": against.usd_per_copy_month,
        "most_requests_per_month": against.requests_per_copy_month,
        "breakeven_requests_per_month": against.requests,
        "always_from_requests_per_month": against.always_from,
    }
