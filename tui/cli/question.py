"""From arguments to a question that can be answered: the scenario, its model, the hardware and the prices."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from catalog.load import load
from catalog.sources.resolve import resolve
from estimator.errors import InputError
from estimator.hardware.prices import RegionPrices
from estimator.models.format_choice import starting_weights
from estimator.models.model import Model
from estimator.printable import printable
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Placement, Scenario
from tui.cli import progress
from tui.options import options


class Question(NamedTuple):
    """What `ranking` takes."""

    model: Model
    scenario: Scenario
    inventory: Inventory
    prices: RegionPrices


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A session file and every scenario option."""
    parser.add_argument("session", nargs="?", metavar="SESSION.yaml", help="a saved session; its keys are the options")
    options.add_to(parser)


def ask(arguments: argparse.Namespace) -> Question:
    """Everything a ranking takes. Raises InputError for whatever does not exist."""
    asked = scenario(arguments)
    catalog = load()
    prices = catalog.prices(asked.region)
    asked = replace(asked, placement=_named(asked.placement, catalog.inventory))
    with progress.shown() as watched:
        model = resolve(asked.model, catalog, watched)
    if arguments.model is not None and arguments.weights is None:
        asked = replace(asked, weights=starting_weights(model, asked.weights))
    if asked.weights == "native" and model.unknown_weights is None:
        asked = replace(asked, weights=model.native_weights)
    for problem in catalog.problems:
        print(f"llmcalc-tui: left out: {printable(problem)}", file=sys.stderr)
    return Question(model=model, scenario=replace(asked, model=model.id), inventory=catalog.inventory, prices=prices)


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


def _named(placement: Placement, inventory: Inventory) -> Placement:
    """The placement in the catalogue's own names. Raises InputError with close matches."""
    if placement.instance:
        return replace(placement, instance=inventory.machine(placement.instance).id)
    if placement.accelerator:
        return replace(placement, accelerator=inventory.accelerator(placement.accelerator).id)
    return placement
