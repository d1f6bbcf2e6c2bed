"""The command that starts the engine with the values that the estimate assumes, each with its reason."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from estimator.printable import printable, without_controls
from tui.cli import json_output, question, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS

if TYPE_CHECKING:
    from estimator.results import Evaluation
    from estimator.training.recipes import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    from estimator.advice.launch import launch
    from estimator.ranking import rank as ranking
    from estimator.training.recipes import recipe as recipe_of

    asked = question.ask(arguments)
    row = ranking.evaluate(*asked)
    if row.verdict != "fits":
        print(json_output.dumps(None) if arguments.format == "json" else text_output.estimate(asked.scenario, row))
        return NOTHING_FITS
    if row.training:
        _print_recipe(recipe_of(asked.model, asked.scenario, row, asked.inventory), row, arguments.format)
        return ANSWERED
    command = launch(asked.model, asked.scenario, row, asked.inventory)
    if arguments.format in ("csv", "markdown"):
        _print_table(command.line, [(each.text, each.why) for each in command.arguments], arguments.format)
    elif arguments.format == "json":
        given = [argument._asdict() for argument in command.arguments]
        page = {"instance": row.candidate.machine, "command": command.line, "arguments": given, "notes": command.notes}
        print(json_output.document(page))
    else:
        reasons = text_output.aligned([("#", *argument) for argument in command.arguments], left=(0, 1, 2, 3))
        notes = [f"# {printable(note)}" for note in (text_output.candidate_text(row), *command.notes)]
        _print_lines([*notes, reasons, "", command.line])
    return ANSWERED


def _print_recipe(recipe: "Recipe", row: "Evaluation", form: str) -> None:
    """A training stack's configuration file and the command that takes it."""
    if form in ("csv", "markdown"):
        settings = [(f"{each.key}: {each.text}", each.why) for each in recipe.settings]
        _print_table("\n\n".join(filter(None, (recipe.text, recipe.command))), settings, form)
        return
    if form == "json":
        given = [{"text": f"{each.key}: {each.text}", "why": each.why} for each in recipe.settings]
        page = {"instance": row.candidate.machine, "command": recipe.command, "arguments": given, "notes": recipe.notes}
        print(json_output.document(page | {"file": recipe.file or None, "text": recipe.text or None}))
        return
    notes = [f"# {printable(note)}" for note in (text_output.candidate_text(row), *recipe.notes)]
    file = [f"# {recipe.file}", recipe.text, ""] if recipe.file else []
    _print_lines([*notes, *file, recipe.command])


def _print_table(text: str, reasons: Iterable[tuple[str, str]], form: str) -> None:
    """Each argument with its reason as a table; in Markdown under the command."""
    if form == "csv":
        print(table_output.plain_csv(("argument", "why"), reasons))
        return
    fenced = "\n".join(map(without_controls, text.split("\n")))
    print(f"```sh\n{fenced}\n```\n\n{table_output.markdown_table(('argument', 'why'), reasons)}")


def _print_lines(texts: Iterable[str]) -> None:
    """Prints what may be pasted into a shell or a file; a name in it can not make the terminal act."""
    for line in "\n".join(texts).split("\n"):
        print(without_controls(line))
