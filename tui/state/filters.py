"""The filter line: words that a row must have, and bounds that its figures must keep."""

import operator
import re
from collections.abc import Callable
from typing import NamedTuple

from estimator.errors import InputError
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from tui.state import columns

RowTest = Callable[[Evaluation], bool]


class Quantity(NamedTuple):
    """A figure that a bound may name, the units it is written in, and what a bare number means."""

    figure: Callable[[Evaluation], float | None]
    units: dict[str, float]


_TIME = {"": 1e-3, "ms": 1e-3, "s": 1.0, "us": 1e-6}
_PLAIN = {"": 1.0, "k": 1e3, "m": 1e6}
_QUANTITIES = {
    "ttft": Quantity(columns.ttft, {**_TIME, "": 1.0}),
    "tpot": Quantity(columns.tpot, _TIME),
    "$": Quantity(columns.price, _PLAIN),
    "$/h": Quantity(columns.price, _PLAIN),
    "$out": Quantity(columns.output_cost, _PLAIN),
    "$/mout": Quantity(columns.output_cost, _PLAIN),
    "users": Quantity(columns.users, _PLAIN),
    "mem": Quantity(columns.memory_share, {"": 1e-2, "%": 1e-2}),
    "tok/s": Quantity(columns.throughput, _PLAIN),
    "$run": Quantity(columns.run_cost, _PLAIN),
    "hours": Quantity(columns.run_hours, {"": 1.0, "h": 1.0, "m": 1 / 60, "d": 24.0}),
    "devices": Quantity(lambda row: row.candidate.accelerators, _PLAIN),
}
_OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}
_BOUND = re.compile(r"([a-z$/]+)(<=|>=|<|>|=)(.*)")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([a-z%]*)")
LIMIT = 200
"""Characters of a filter."""


def parse(text: str, inventory: Inventory, region: str) -> RowTest:
    """What keeps a row. Raises InputError for a bound that names no figure or holds no number.

    A word is sought in the instance, accelerator, vendor, layout, region, and in what is said of the row: fits, short,
    tie, best. `-word` keeps the rows without it. A bound that is still being typed (`tpot<`) keeps everything.
    """
    tests = [_test(term, inventory, region) for term in text[:LIMIT].lower().split()]
    return lambda row: all(test(row) for test in tests)


def _test(term: str, inventory: Inventory, region: str) -> RowTest:
    bound = _BOUND.fullmatch(term)
    if bound:
        return _bound(*bound.groups())
    if term.startswith("-"):
        return lambda row: len(term) == 1 or term[1:] not in words(row, inventory, region)
    return lambda row: term in words(row, inventory, region)


def _bound(name: str, sign: str, value: str) -> RowTest:
    quantity = _QUANTITIES.get(name)
    if quantity is None:
        raise InputError("filter", f"{name} is no figure; one of {', '.join(_QUANTITIES)}")
    if not value:
        return lambda row: True
    number = _NUMBER.fullmatch(value)
    if number is None or number[2] not in quantity.units:
        units = ", ".join(unit for unit in quantity.units if unit)
        raise InputError("filter", f"{name}{sign}{value}: expected a number" + (f" with {units}" if units else ""))
    limit = float(number[1]) * quantity.units[number[2]]
    holds = _OPERATORS[sign]
    return lambda row: (figure := quantity.figure(row)) is not None and holds(figure, limit)


def words(row: Evaluation, inventory: Inventory, region: str) -> str:
    """Everything that is said of a row, in lower case."""
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
