"""Every combination of some options, streamed as JSON lines on all cores: `--over weights=bf16,fp8 --over tp=1,2,4`."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from functools import partial

from catalog import questions
from catalog.grid import Grid, Point, rendered
from catalog.load import Catalog
from estimator.documents import document
from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.cli import question
from tui.cli.json_output import SCHEMA
from tui.cli.status import ANSWERED, NOTHING_FITS
from tui.options import options
from tui.options.synonyms import meant

RANGE = re.compile(r"(\d+)\.\.(\d+)(?:([+*])(\d+))?")
"""1..8 counts up by one, 1..64*2 doubles, 1000..9000+2000 adds."""
MOST_VALUES = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    question.add_arguments(parser)
    parser.add_argument(
        "--over",
        action="append",
        required=True,
        metavar="OPTION=V,V,…",
        help="an option and its values: a list, 1..8, 1..64*2 or 1000..9000+2000; again for another axis",
    )
    parser.add_argument("--processes", type=int, metavar="N", help="processes that work (one a core)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.processes is not None and arguments.processes < 1:
        raise InputError("--processes", f"{arguments.processes} is out of range, expected a whole number >= 1")
    axes: dict[str, Sequence[object]] = {}
    for text in arguments.over:
        name, values = _axis(text)
        if name in axes:
            raise InputError("--over", f"{name} is varied twice")
        axes[name] = values
    base = question.ask(arguments).scenario
    change = partial(by_option, starting_format=arguments.weights is None)
    answered = 0
    for line in rendered(Grid(base, axes, change), line_of, arguments.processes):
        answered += '"fits"' in line[:VERDICT_WITHIN]
        sys.stdout.write(line)
    return ANSWERED if answered else NOTHING_FITS


LINE = json.JSONEncoder(allow_nan=False, separators=(",", ":"))

VERDICT_WITHIN = 400
"""Characters of a line in which its verdict stands, where it has one."""


def _axis(text: str) -> tuple[str, list[object]]:
    """An option's name and the values to try. Raises InputError for what is none."""
    name, equals, values = text.partition("=")
    name = name.strip().removeprefix("--")
    if not equals or name not in options.OPTIONS:
        raise InputError("--over", f"{text!r} is not OPTION=V,V,…", meant(name, options.OPTIONS))
    counted = RANGE.fullmatch(values.strip())
    if not counted:
        return name, [each.strip() for each in values.split(",")]
    return name, list(_counted(*counted.groups()))


def _counted(first: str, last: str, sign: str | None, by: str | None) -> list[object]:
    """The whole numbers of a range, its last included where a step meets it. Raises InputError where it never ends."""
    at, end, step = int(first), int(last), int(by or 1)
    if (sign == "*" and (step < 2 or at < 1)) or step < 1:
        raise InputError("--over", f"{first}..{last}{sign}{by} never ends")
    values: list[object] = []
    while at <= end:
        if len(values) == MOST_VALUES:
            raise InputError("--over", f"{first}..{last} has more than {MOST_VALUES:,} values")
        values.append(at)
        at = at * step if sign == "*" else at + step
    return values


def by_option(catalog: Catalog, scenario: Scenario, name: str, value: object, starting_format: bool = True) -> Scenario:
    """A command-line option set by its name; a model starts in its own weight format, unless one was asked for."""
    changed = options.with_option(scenario, name, value)
    if name != "model" or not starting_format:
        return changed
    return questions.ask(catalog, changed, starting_format=True).scenario


def line_of(point: Point) -> str:
    """One point as a line of JSON: its values under `over`, then the keys of `estimate`, or why it is `refused`."""
    page: dict[str, object] = {"schema": SCHEMA, "over": point.values}
    page |= {"refused": point.refusal} if point.row is None else document(point.row)
    return LINE.encode(page) + "\n"
