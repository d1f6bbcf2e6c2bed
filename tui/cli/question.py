"""From arguments to a question that can be answered: the scenario, its model, the hardware and the prices."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from catalog import questions
from catalog.load import Catalog, load
from catalog.questions import Question
from estimator.errors import InputError
from estimator.printable import printable
from estimator.scenario.presets import cut_to_context
from estimator.scenario.scenario import Scenario
from tui.cli import progress
from tui.options import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every verb that asks a scenario: a session file and every scenario option."""
    parser.add_argument("session", nargs="?", metavar="SESSION.yaml", help="a saved session; its keys are the options")
    options.add_to(parser)


def ask(arguments: argparse.Namespace, catalog: Catalog | None = None) -> Question:
    """Everything a ranking takes; a catalogue at hand is not read again. Raises InputError for what does not exist."""
    catalog = catalog or load()
    asked = scenario(arguments)
    other_model = arguments.model is not None and arguments.weights is None
    with progress.shown() as watched:
        question = questions.ask(catalog, asked, watched, starting_format=other_model)
    for problem in catalog.problems:
        print(f"llmcalc-tui: left out: {printable(problem)}", file=sys.stderr)
    if note := question.inventory.newer_version(question.scenario.engine, question.scenario.engine_version):
        print(f"llmcalc-tui: --engine: {note}", file=sys.stderr)
    return _with_preset_cut(question, arguments) if arguments.preset is not None else question


def _with_preset_cut(question: Question, arguments: argparse.Namespace) -> Question:
    """The question with as much of a preset's prompt as the model holds; what is cut is said on stderr."""
    given = vars(arguments)
    if given["input-tokens"] or given["output-tokens"]:
        return question
    shorter, cut = cut_to_context(question.scenario, question.model.architecture.max_context)
    if cut:
        print(f"llmcalc-tui: preset {printable(arguments.preset)}: {cut}", file=sys.stderr)
    return question._replace(scenario=shorter)


def scenario(arguments: argparse.Namespace) -> Scenario:
    """The default scenario, changed by the session file and then by the options. Raises InputError."""
    given = {name: value for name in options.OPTIONS if (value := getattr(arguments, name)) is not None}
    query = Scenario()
    if arguments.session is not None:
        from tui.state import store

        query = store.load(Path(arguments.session)).scenario
    for name, value in given.items():
        try:
            query = options.with_option(query, name, value)
        except InputError as error:
            raise error.under(f"--{error.field}") from None
    _refuse_contradictions(query, given)
    return query


def _refuse_contradictions(query: Scenario, given: Mapping[str, object]) -> None:
    """Raises InputError for an option of this command that another one makes meaningless."""
    if "concurrency" in given and "requests-per-second" in given:
        raise InputError("--concurrency", "--requests-per-second asks for open arrivals: give one of the two")
    for name in given:
        if query.training and name in options.SERVING_ONLY:
            raise InputError(f"--{name}", "belongs to serving, and a training run is asked for")
