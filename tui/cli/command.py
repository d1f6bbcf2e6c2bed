"""The command that starts the engine with the values that the estimate assumes, each with its reason."""

import argparse

from catalog.plain import plain
from tui.cli import json_output, question, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator import ranking
    from estimator.launch import launch

    asked = question.ask(arguments)
    row = ranking.evaluate(*asked)
    if row.verdict != "fits":
        print(json_output.dumps(None) if arguments.format == "json" else text_output.estimate(asked.scenario, row))
        return NOTHING_FITS
    command = launch(asked.model, asked.scenario, row, asked.inventory)
    if arguments.format == "json":
        given = [argument._asdict() for argument in command.arguments]
        page = {"instance": row.candidate.machine, "command": command.line, "arguments": given, "notes": command.notes}
        print(json_output.dumps(page))
    else:
        reasons = text_output.aligned([("#", *argument) for argument in command.arguments], left=(0, 1, 2))
        notes = [f"# {plain(note)}" for note in (text_output.placed(row), *command.notes)]
        print("\n".join([*notes, reasons, "", command.line]))
    return ANSWERED
