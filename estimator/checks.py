"""Constraints written as `Annotated` metadata, checked without pydantic.

Constructors do not enforce them: `dataclasses.replace` and `check` at every boundary do (form, command line, file).
"""

import math
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from estimator.bounds import Bound
from estimator.errors import InputError

MOST_BITS = 1000
"""Largest size of a whole number [bits]: one more doubling and it has no float, and messages could not print it."""


class Rule(NamedTuple):
    """What one field of an input record accepts: a type, whether it may be absent, and its bounds."""

    type: type
    optional: bool
    bounds: tuple[Bound, ...]

    def complaint(self, value: object) -> str | None:
        """Why a value breaks this rule, in words for a user; None where it keeps it."""
        if value is None:
            return None if self.optional else f"a value is needed, {self.wanted}"
        if self.type in (int, float):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"{value!r} is not a number, {self.wanted}"
            if isinstance(value, int) and value.bit_length() > MOST_BITS:
                return f"a number of {value.bit_length()} bits is out of range, {self.wanted}"
            if not math.isfinite(value):
                return f"{value} is not a finite number, {self.wanted}"
            if self.type is int and value != int(value):
                return f"{value} is not a whole number, {self.wanted}"
            for bound in self.bounds:
                if not bound.holds(value):
                    return f"{value} is out of range, {self.wanted}"
        elif not isinstance(value, self.type):
            return f"{value!r} is not {self.wanted}"
        return None

    @property
    def wanted(self) -> str:
        kind = _NAMES[self.type]
        bounds = " and ".join(map(str, self.bounds))
        return f"expected {kind} {bounds}".rstrip()


_kept: dict[Any, object] = {}
"""The last record of each kind that keeps its rules. Records never change, and of one question to the next most parts
are the same ones."""


def check(value: Any) -> None:
    """Raises InputError for the first field of a record that breaks its own annotation."""
    cls: Any = type(value)
    if _kept.get(cls) is value:
        return
    shortcuts = _shortcuts(cls)
    for given, default, field, rule in zip(shortcuts.values(value), *shortcuts.columns, strict=True):
        if given is not default:
            complaint = rule.complaint(given)
            if complaint:
                raise InputError(field, complaint)
    _kept[cls] = value


class Shortcuts(NamedTuple):
    """What `check` compares before it asks a rule: most fields of a question are at their default, and a default that
    keeps its rule need not be asked.
    """

    values: Callable[[Any], tuple[Any, ...]]
    """The fields that have a rule, of a record."""
    columns: tuple[tuple[object, ...], tuple[str, ...], tuple[Rule, ...]]
    """Defaults, names and rules of those fields."""


@cache
def _shortcuts(cls: Any) -> Shortcuts:
    by_field = rules(cls)
    names = tuple(by_field)
    get = attrgetter(*names)
    defaults = {field.name: field.default for field in fields(cls)}
    kept = tuple(MISSING if by_field[name].complaint(defaults[name]) else defaults[name] for name in names)
    return Shortcuts(get if len(names) > 1 else lambda value: (get(value),), (kept, names, tuple(by_field.values())))


@cache
def rules(cls: Any) -> dict[str, Rule]:
    """The rules of a record's fields by name, for every field whose annotation is a plain type, optional or bounded."""
    rules_by_field = {}
    for field, annotation in get_type_hints(cls, include_extras=True).items():
        rule = _rule(annotation)
        if rule:
            rules_by_field[field] = rule
    return rules_by_field


def _rule(annotation: Any) -> Rule | None:
    bounds: list[Bound] = []
    optional = False
    if isinstance(annotation, UnionType) or (get_origin(annotation) is not Annotated and get_args(annotation)):
        members = get_args(annotation)
        optional = type(None) in members
        members = tuple(member for member in members if member is not type(None))
        if len(members) != 1:
            return None
        annotation = members[0]
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        bounds += [each for each in metadata if isinstance(each, Bound)]
        annotation = inner
    if annotation not in (int, float, str, bool):
        return None
    return Rule(annotation, optional, tuple(bounds))


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
