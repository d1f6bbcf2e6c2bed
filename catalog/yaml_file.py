"""Plain YAML with line numbers: no repeated keys, no control characters, nothing huge, however hostile the file."""

import math
import re
from errno import EFBIG
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from catalog import regular_file

LARGEST_BYTES = 4_000_000
DEEPEST = 32
MOST_VALUES = 200_000

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """A YAML file can not be read: the `line`, and its `complaint`, which is `reason` or `field: reason`.

    The text is `line: complaint`.
    """

    def __init__(self, line: int, reason: str, place: Place = ()) -> None:
        self.line = line
        self.complaint = f"{'.'.join(map(str, place))}: {reason}" if place else reason
        super().__init__(f"{line}: {self.complaint}")


class Document(NamedTuple):
    """A YAML file's content as plain values, and the line of each."""

    value: Any
    lines: dict[Place, int]

    def place(self, path: Place) -> tuple[int, Place]:
        """The line of a field in the file, and as much of the field's path as the file holds."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1), known

    def over(self, base: "Document") -> "Document":
        """This document with what only `base` has, mapping by mapping; the lines are this one's."""
        return Document(_laid_over(base.value, self.value), self.lines)


def _laid_over(base: Any, value: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(value, dict)):
        return value
    both = base.keys() & value.keys()
    return {**base, **value, **{key: _laid_over(base[key], value[key]) for key in both}}


def read(path: Path) -> Document:
    """The content of a YAML file as plain values with their lines. Raises Refused."""
    try:
        return parse(regular_file.read_text(path, LARGEST_BYTES))
    except OSError as error:
        reason = error.strerror if error.errno == EFBIG else f"can not be read: {error.strerror}"
        raise Refused(1, str(reason)) from error
    except UnicodeDecodeError as error:
        raise Refused(1, "can not be read: not UTF-8") from error


def parse(text: str) -> Document:
    """The content of YAML text as plain values with their lines. Raises Refused."""
    reader = _Reader(text)
    try:
        return Document(reader.document(), reader.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise Refused(1, f"not YAML: {' '.join(str(error).split())}") from error
    except ValueError as error:
        raise Refused(1, "not YAML: a character that can not be encoded") from error


class _Reader:
    """Builds values from the parser's events: libyaml's own composer overflows the stack on deep nesting."""

    def __init__(self, text: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self.lines: dict[Place, int] = {}

    def document(self) -> Any:
        """The only document of the text; None where there is none."""
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._value(event, ())
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise Refused(_line(event), "a second document (---) in one file")
        return value

    def _next(self) -> Any:
        return next(self._events)

    def _value(self, event: Any, place: Place) -> Any:
        self.lines.setdefault(place, _line(event))
        before = self._values
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place)
        self._count(1, event)
        if len(place) > DEEPEST:
            raise Refused(_line(event), f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self._mapping(place)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(place)
        else:
            value = _scalar(event, place)
        if event.anchor:
            self._anchors[event.anchor] = value, self._values - before
        return value

    def _mapping(self, place: Place) -> dict[str | int, Any]:
        mapping: dict[str | int, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = _scalar(event, place) if isinstance(event, yaml.ScalarEvent) else None
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise Refused(_line(event), f"{_shown(event)} is not a field name", place)
            inside = (*place, key)
            if key in mapping:
                raise Refused(_line(event), "written twice", inside)
            self.lines[inside] = _line(event)
            mapping[key] = self._value(self._next(), inside)
        return mapping

    def _sequence(self, place: Place) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*place, len(values))))
        return values

    def _alias(self, event: Any, place: Place) -> Any:
        if event.anchor not in self._anchors:
            raise Refused(_line(event), f"no &{event.anchor} above it", place)
        value, weight = self._anchors[event.anchor]
        self._count(weight, event)
        return value

    def _count(self, values: int, event: Any) -> None:
        """A few lines of aliases can stand for billions of values."""
        self._values += values
        if self._values > MOST_VALUES:
            raise Refused(_line(event), f"more than {MOST_VALUES:,} values, aliases written out")


def _scalar(event: Any, place: Place) -> Any:
    """Text, number, true, false or null, as the core of YAML 1.2 has it: dates, yes and no are text."""
    text: str = event.value
    if event.tag:
        raise Refused(_line(event), f"tags ({event.tag}) are not read", place)
    if not text.isprintable() and not text.replace("\n", "").isprintable():
        raise Refused(_line(event), f"{text!r} holds control characters", place)
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) < 40 and _NUMBER.fullmatch(text):
        return int(text) if _WHOLE.fullmatch(text) else _finite(float(text), event, place)
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        return _finite(float(text.replace(".", "", 1)), event, place)
    return text


def _finite(number: float, event: Any, place: Place) -> float:
    if not math.isfinite(number):
        raise Refused(_line(event), f"{number} is not a finite number", place)
    return number


def _shown(event: Any) -> str:
    return repr(event.value) if isinstance(event, yaml.ScalarEvent) else "a list or mapping"


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"[-+]?\d+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
