"""The classic answer: at most five machines with one accelerator and five with several, cheapest hour first."""

import argparse

from estimator import documents
from tui.cli import json_output, question, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS

GROUPS = {"single_accelerator": "one accelerator", "several_accelerators": "several accelerators"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    query = question.ask(arguments)
    decision = query._replace(prices=query.prices.for_decisions())
    recommended = ranking.recommended(ranking.rank(*decision).rows)
    by_group = dict(zip(GROUPS, recommended, strict=True))
    if arguments.format == "json":
        groups = {key: [documents.document(row) for row in group] for key, group in by_group.items()}
        print(json_output.document({"scenario": json_output.scenario(query.scenario), **groups}))
    elif arguments.format == "csv":
        rows = [{"group": GROUPS[key], **documents.document(row)} for key, group in by_group.items() for row in group]
        print(table_output.csv_table(rows))
    else:
        print(text_output.scenario(query.scenario))
        for key, group in by_group.items():
            print(f"\n{GROUPS[key]}\n")
            if not group:
                print("none holds the load")
            elif arguments.format == "markdown":
                cells = text_output.leaderboard_cells(query.scenario, group)
                print(table_output.markdown_table(text_output.leaderboard_titles(query.scenario), cells))
            else:
                print(text_output.board(query.scenario, group))
    return ANSWERED if any(by_group.values()) else NOTHING_FITS
