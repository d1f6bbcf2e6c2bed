"""One candidate in full: the one that is named, or the best of the leaderboard."""

import argparse

from catalog.questions import Question
from estimator import documents
from estimator.results import Evaluation
from tui.cli import json_output, question, status, table_output, text_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.ranking import rank as ranking

    asked = question.ask(arguments)
    row = ranking.evaluate(*asked)
    if arguments.format == "json":
        print(json_output.document(documents.document(row)))
    elif arguments.format == "text":
        print(text_output.estimate(asked.scenario, row, _note(asked, row)))
    else:
        print(table_output.records([documents.document(row)], arguments.format))
    return status.of([row])


def _note(asked: Question, row: Evaluation) -> str | None:
    """What the weight format takes; nothing of a training run, nor where an engine stands in that stores its own."""
    from estimator.models.conversion import conversion

    weights = asked.scenario.weights
    stands_in = asked.inventory.accelerators[row.candidate.accelerator].kind != "gpu" and not weights.startswith("gguf")
    return None if asked.scenario.training or stands_in else conversion(asked.model.native_weights, weights)
