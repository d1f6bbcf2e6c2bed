"""What each catalogue file holds, and its validation: the only module that imports pydantic."""

import json
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from catalog import yaml_file
from catalog.shapes import AcceleratorEntry, FabricEntry, FamilyEntry, ModelEntry, PricesEntry, is_date
from estimator.engines.profiles import EngineProfile
from estimator.engines.speed_constants import Efficiency
from estimator.engines.training_constants import TrainingConstants
from estimator.models.by_hand import DecoderShape

FILES: dict[str, Any] = {
    "accelerators.yaml": dict[str, AcceleratorEntry],
    "fabrics.yaml": dict[str, FabricEntry],
    "regions.yaml": dict[str, str],
    "instances/*.yaml": dict[str, FamilyEntry],
    "prices/*.yaml": PricesEntry,
    "models/*/*.yaml": ModelEntry,
    "engines.yaml": tuple[EngineProfile, ...],
    "efficiency.yaml": Efficiency,
    "training.yaml": TrainingConstants,
    "sizes.yaml": dict[str, DecoderShape],
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
    """The file as that type. Raises Invalid; `shown` is how messages name the file."""
    return validate(document(path, shown), shape, shown or str(path))


def document(path: Path, shown: str = "") -> yaml_file.Document:
    """The plain values of a file and their lines. Raises Invalid; `shown` is how messages name the file."""
    try:
        return yaml_file.read(path)
    except yaml_file.Refused as refused:
        raise Invalid((f"{shown or path}:{refused}",)) from refused


def validate(document: yaml_file.Document, shape: Any, name: str) -> Any:
    """The document as that type. Raises Invalid."""
    # Strict JSON mode takes mappings as dataclasses but neither "12" nor true as a number. The list lets one
    # adapter configure a dataclass it did not define.
    try:
        return _adapter(shape).validate_json(json.dumps([document.value]))[0]
    except ValidationError as error:
        raise Invalid(tuple(_lines(error, document, shape, name))) from error


def pattern_of(path: Path) -> str | None:
    """Which kind of catalogue file this is, by its name and folder or else by what it holds. Raises Invalid."""
    for pattern in FILES:
        if path.match(pattern):
            return pattern
    value = document(path).value
    likeness = {pattern: _likeness(value, shape) for pattern, shape in FILES.items()}
    best = max(likeness, key=lambda pattern: likeness[pattern])
    return best if likeness[best] >= 2 else None


def _likeness(value: Any, shape: Any) -> float:
    """How many fields of the shape's records the average record of a file has."""
    record, found = shape, [value]
    if get_origin(shape) is dict:
        record, found = get_args(shape)[1], list(value.values()) if isinstance(value, dict) else []
    elif get_origin(shape) is tuple:
        record, found = get_args(shape)[0], value if isinstance(value, list) else []
    fields = getattr(record, "__annotations__", {}).keys()
    return sum(len(fields & each.keys()) for each in found if isinstance(each, dict)) / max(1, len(found))


def problem(path: Path, name: str, field: yaml_file.Place, reason: str) -> str:
    """One line about a field of a file that is valid by itself."""
    line, held = yaml_file.read(path).place(field)
    return f"{name}:{line}: {'.'.join(map(str, held)) or 'the file'}: {reason}"


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[shape], config=_STRICT)


def _lines(error: ValidationError, document: yaml_file.Document, shape: Any, name: str) -> list[str]:
    lines: dict[yaml_file.Place, str] = {}
    for each in error.errors(include_url=False):
        path = tuple(step for step in each["loc"][1:] if step != "[key]")
        line, held = document.place(path)
        if each["type"] == "missing":
            held = (*held, path[-1])
        field = ".".join(map(str, held)) or "the file"
        # A union reports every branch: the first complaint about a place is enough.
        lines.setdefault(held, f"{name}:{line}: {field}: {_reason(each, shape)}")
    kept = [lines[held] for held in sorted(lines, key=lambda held: document.place(held)[0])]
    if len(kept) > MOST_PROBLEMS:
        kept = [*kept[:MOST_PROBLEMS], f"{name}:1: and {len(kept) - MOST_PROBLEMS} more"]
    return kept


def _reason(error: Any, shape: Any) -> str:
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        fields = _fields(shape, error["loc"][1:-1])
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


def _fields(shape: Any, path: yaml_file.Place) -> tuple[str, ...]:
    """The fields of the record at a place of a file."""
    for step in path:
        within = get_args(shape)
        element = within[:1] if get_origin(shape) is tuple else within[-1:]
        shape = element[0] if element else get_type_hints(shape)[str(step)]
        if get_origin(shape) in (Union, UnionType):
            shape = get_args(shape)[0]
    return tuple(get_type_hints(shape))


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
