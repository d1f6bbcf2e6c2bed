"""One candidate in full: the one that is named, or the best of the leaderboard."""

import argparse

from tui.cli import json_output, question, status, text_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator import ranking
    from estimator.conversion import conversion

    asked = question.ask(arguments)
    row = ranking.evaluate(*asked)
    print(
        json_output.dumps(json_output.evaluation(row))
        if arguments.format == "json"
        else text_output.estimate(asked.scenario, row, conversion(asked.model.native_weights, asked.scenario.weights))
    )
    return status.of([row])
