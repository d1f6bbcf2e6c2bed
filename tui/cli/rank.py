"""The leaderboard: the best layout of every instance, what fits first."""

import argparse

from estimator import documents
from tui.cli import json_output, question, status, table_output
from tui.options import values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=table_output.FORMS, default="text")
    parser.add_argument("--limit", type=int, metavar="N", help="show the first N rows")
    parser.add_argument("--all", action="store_true", help="every layout, and every row that does not fit")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    values.check_limit(arguments.limit)
    asked = question.ask(arguments)
    rows = ranking.rank(*asked, every_layout=arguments.all).rows
    shown = rows[: arguments.limit]
    if arguments.format == "json":
        answer = {
            "scenario": json_output.scenario(asked.scenario),
            "rows": [documents.document(row) for row in shown],
        }
        print(json_output.document(answer))
        return status.of(rows)
    if arguments.format == "csv":
        print(table_output.csv_table(map(documents.document, shown)))
        return status.of(rows)
    from tui.cli import text_output  # with all that draws a table; a twentieth of a start that prints none

    if arguments.format == "text":
        print(text_output.leaderboard(asked.scenario, shown, arguments.all))
    else:
        titles = text_output.leaderboard_titles(asked.scenario)
        print(table_output.markdown_table(titles, text_output.leaderboard_cells(asked.scenario, shown)))
    return status.of(rows)
