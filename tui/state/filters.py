"""The filter line: words that a row must have, and bounds that its figures must keep."""

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from estimator.errors import InputError
from estimator.results import Evaluation
from tui.state.columns import BOUNDS

if TYPE_CHECKING:
    from estimator.scenario.inventory import Inventory

RowTest = Callable[[Evaluation], bool]


_OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}
_BOUND = re.compile(r"([a-z$/]+)(<=|>=|<|>|=)(.*)")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([a-z%]*)")
LIMIT = 200
"""Characters of a filter."""


def parse(text: str, inventory: "Inventory", region: str) -> RowTest:
    """A filter's text as a test of rows. Raises InputError for a bound that names no figure or holds no number.

    A word is sought in the instance, accelerator, vendor, layout, region, and in what is said of the row: fits, short,
    tie, best. `-word` keeps the rows without it, `one|other` those with either. A bound that is still being typed
    (`tpot<`) keeps everything.
    """
    tests = [_test(term, inventory, region) for term in text[:LIMIT].lower().split()]
    return lambda row: all(test(row) for test in tests)


def _test(term: str, inventory: "Inventory", region: str) -> RowTest:
    bound = _BOUND.fullmatch(term)
    if bound:
        return _bound(*bound.groups())
    if term.startswith("-"):
        return lambda row: len(term) == 1 or not _any(term[1:], words(row, inventory, region))
    return lambda row: _any(term, words(row, inventory, region))


def _any(term: str, text: str) -> bool:
    """Whether one of the alternatives of a term, `g6e|p5`, stands in a text."""
    return any(word in text for word in term.split("|") if word)


def _bound(name: str, sign: str, value: str) -> RowTest:
    column = BOUNDS.get(name)
    if column is None:
        raise InputError("filter", f"{name} is no figure; one of {', '.join(BOUNDS)}")
    if not value:
        return lambda row: True
    if column.words:
        return lambda row: _OPERATORS[sign](str(column.figure(row)).lower(), value)
    number = _NUMBER.fullmatch(value)
    if number is None or number[2] not in column.units:
        units = ", ".join(unit for unit in column.units if unit)
        raise InputError("filter", f"{name}{sign}{value}: expected a number" + (f" with {units}" if units else ""))
    limit = float(number[1]) * column.units[number[2]]
    holds, figure_of = _OPERATORS[sign], column.bound_figure or column.figure
    return lambda row: isinstance(figure := figure_of(row), int | float) and holds(figure, limit)


def words(row: Evaluation, inventory: "Inventory", region: str) -> str:
    """All words that a filter may find a row by, in lower case."""
    accelerator = inventory.accelerators.get(row.candidate.accelerator)
    said = [
        row.candidate.machine,
        row.candidate.accelerator,
        f"{accelerator.name} {accelerator.vendor} {accelerator.kind} {accelerator.generation}" if accelerator else "",
        str(row.candidate.layout),
        region,
        {"fits": "fits", "does_not_fit": "short", "not_supported": "unsupported"}[row.verdict],
        row.cost.price_state.replace("_", " "),
        "tie" if row.tie else "",
        "best" if row.best_value else "",
        f"class-{row.confidence}",
    ]
    return " ".join(said).lower()
