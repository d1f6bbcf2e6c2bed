"""Validation of catalogue files against their types: the only module that imports pydantic."""

import json
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from catalog import yaml_file
from catalog.shapes import AcceleratorEntry, FabricEntry, FamilyEntry, ModelEntry, PriceCut, PricesEntry, is_date
from estimator.advice.decisions import Decisions
from estimator.advice.quality import QualityNote
from estimator.engines.profiles import EngineProfile
from estimator.engines.speed_constants import Efficiency
from estimator.engines.training_constants import TrainingConstants
from estimator.hardware.elsewhere import Rental
from estimator.hardware.managed import ManagedPrices
from estimator.hardware.power import PowerConstants
from estimator.models.by_hand import DecoderShape
from estimator.planning.breakeven import ApiPrice

FILES: dict[str, Any] = {
    "accelerators.yaml": dict[str, AcceleratorEntry],
    "fabrics.yaml": dict[str, FabricEntry],
    "regions.yaml": dict[str, str],
    "instances/*.yaml": dict[str, FamilyEntry],
    "prices/*.yaml": PricesEntry,
    "price_cuts.yaml": tuple[PriceCut, ...],
    "models/*/*.yaml": ModelEntry,
    "engines.yaml": tuple[EngineProfile, ...],
    "efficiency.yaml": Efficiency,
    "training.yaml": TrainingConstants,
    "sizes.yaml": dict[str, DecoderShape],
    "power.yaml": PowerConstants,
    "quality.yaml": dict[str, QualityNote],
    "decisions.yaml": Decisions,
    "sagemaker_prices.yaml": ManagedPrices,
    "api_prices.yaml": dict[str, ApiPrice],
    "elsewhere.yaml": tuple[Rental, ...],
}
"""Glob below the data folder -> the type of the whole file."""

UNRECOGNISED = f"the file: unrecognised name; expected one of {', '.join(FILES)}"
MOST_PROBLEMS = 20
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Invalid(Exception):
    """A file that does not match its type: `problems` are lines `file:line: field: what is wrong`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read(path: Path, shape: Any, shown: str = "") -> Any:
    """A catalogue file as its type. Raises Invalid; `shown` is how messages name the file."""
    return validate(document(path, shown), shape, shown or str(path))


def document(path: Path, shown: str = "") -> yaml_file.Document:
    """The plain values of a file and their lines. Raises Invalid; `shown` is how messages name the file."""
    try:
        return yaml_file.read(path)
    except yaml_file.Refused as refused:
        raise Invalid((f"{shown or path}:{refused}",)) from refused


def validate(document: yaml_file.Document, shape: Any, name: str) -> Any:
    """A document as a catalogue file's type. Raises Invalid."""
    # Strict JSON mode takes mappings as dataclasses but neither "12" nor true as a number. The list lets one
    # adapter configure a dataclass it did not define.
    try:
        return _adapter(shape).validate_json(json.dumps([document.value]))[0]
    except ValidationError as error:
        raise Invalid(tuple(_lines(error, document, shape, name))) from error


def pattern_of(path: Path) -> str | None:
    """The kind of a catalogue file, by its name and folder or else by what it holds. Raises Invalid."""
    for pattern in FILES:
        if path.match(pattern):
            return pattern
    value = document(path).value
    likeness = {pattern: _likeness(value, shape) for pattern, shape in FILES.items()}
    best = max(likeness, key=lambda pattern: likeness[pattern])
    return best if likeness[best] >= 2 else None


def _likeness(value: Any, shape: Any) -> float:
    """How many fields of the shape's records the average record of a file has."""
    record, entries = shape, [value]
    if get_origin(shape) is dict:
        record, entries = get_args(shape)[1], list(value.values()) if isinstance(value, dict) else []
    elif get_origin(shape) is tuple:
        record, entries = get_args(shape)[0], value if isinstance(value, list) else []
    fields = getattr(record, "__annotations__", {}).keys()
    return sum(len(fields & each.keys()) for each in entries if isinstance(each, dict)) / max(1, len(entries))


def problem(path: Path, name: str, field: yaml_file.Place, reason: str) -> str:
    """One line about a field of a catalogue file that is valid by itself."""
    line, known = yaml_file.read(path).place(field)
    return f"{name}:{line}: {'.'.join(map(str, known)) or 'the file'}: {reason}"


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[shape], config=_STRICT)


def _lines(error: ValidationError, document: yaml_file.Document, shape: Any, name: str) -> list[str]:
    lines: dict[yaml_file.Place, str] = {}
    for each in error.errors(include_url=False):
        problem = _located(each["loc"][1:], document.value, shape)
        if problem is None:
            continue
        line, known = document.place(problem.path)
        if problem.path != known and (each["type"] == "missing" or problem.kinds):
            known = (*known, problem.path[-1])
        field = ".".join(map(str, known)) or "the file"
        # A union reports every branch: the first complaint about a place is enough.
        lines.setdefault(known, f"{name}:{line}: {field}: {_reason(each, problem)}")
    kept = [lines[known] for known in sorted(lines, key=lambda known: document.place(known)[0])]
    if len(kept) > MOST_PROBLEMS:
        kept = [*kept[:MOST_PROBLEMS], f"{name}:1: and {len(kept) - MOST_PROBLEMS} more"]
    return kept


class _Problem(NamedTuple):
    """Where a file is wrong."""

    path: yaml_file.Place
    """The keys and positions that lead there."""
    record: Any
    """Type of the record that the last key belongs to."""
    kinds: tuple[str, ...] = ()
    """Kinds of which a tagged record names none; empty where that is not what is wrong."""
    named: str | None = None
    """What it names instead."""


def _located(steps: yaml_file.Place, value: Any, shape: Any) -> _Problem | None:
    """The place of an error without pydantic's own steps; None for a branch that the file's `kind` rules out."""
    path: list[str | int] = []
    record = shape = _bare(shape)
    for step in steps:
        if step == "[key]":
            continue
        if members := _members(shape):
            kinds = {name: get_args(get_type_hints(member)["kind"])[0] for name, member in members.items()}
            named = value.get("kind") if isinstance(value, dict) else None
            if isinstance(value, dict) and named not in kinds.values():
                return _Problem(path=(*path, "kind"), record=shape, kinds=tuple(kinds.values()), named=named)
            if named is not None and named != kinds[str(step)]:
                return None
            record = shape = members[str(step)]
            continue
        path.append(step)
        record, shape = shape, _inside(shape, step)
        value = _value_at(value, step)
    return _Problem(tuple(path), record)


def _members(shape: Any) -> dict[str, Any]:
    """The records of a tagged union by their names, by which pydantic tells its members apart."""
    arguments = get_args(shape) if get_origin(shape) in (Union, UnionType) else ()
    return {each.__name__: each for each in arguments} if arguments and all(map(is_dataclass, arguments)) else {}


def _bare(shape: Any) -> Any:
    """A type without its annotations, and without None where that is one of two."""
    if get_origin(shape) is Annotated:
        return _bare(get_args(shape)[0])
    if get_origin(shape) in (Union, UnionType):
        arguments = [each for each in get_args(shape) if each is not type(None)]
        return _bare(arguments[0]) if len(arguments) == 1 else shape
    return shape


def _inside(shape: Any, step: str | int) -> Any:
    """The type of what stands under a key or position of a value of that type; None where that is no field."""
    arguments = get_args(shape)
    if get_origin(shape) in (tuple, frozenset):
        position = step if arguments[-1] is not Ellipsis and isinstance(step, int) and step < len(arguments) else 0
        return _bare(arguments[position])
    if arguments:
        return _bare(arguments[-1])
    return _bare(get_type_hints(shape).get(str(step))) if isinstance(shape, type) else None


def _value_at(value: Any, step: str | int) -> Any:
    """What stands under a key or position; None where nothing does."""
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _reason(error: Any, problem: _Problem) -> str:
    """What is wrong with a value, in words."""
    if problem.kinds:
        expected = f"expected {', '.join(problem.kinds)}"
        return f"{_short(problem.named)} is not known, {expected}" if problem.named else f"is missing, {expected}"
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        fields = tuple(get_type_hints(problem.record))
        close = get_close_matches(str(error["loc"][-1]), fields, n=1) or fields
        return f"is not a field here, expected {' or '.join(close) if len(close) == 1 else ', '.join(close)}"
    if kind == "predicate_failed":
        return f"{_short(value)} is not a date, expected {is_date.__doc__}"
    if kind == "literal_error":
        return f"{_short(value)} is not known, expected {context['expected']}"
    if kind in _WANTED:
        return f"{_short(value)} is not {_WANTED[kind]}"
    for bound, sign in _BOUNDS.items():
        if kind == bound:
            return f"{_short(value)} is out of range, expected {sign} {next(iter(context.values())):g}"
    return f"{_short(value)}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


_WANTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
}
_BOUNDS = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}
