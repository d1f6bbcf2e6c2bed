"""Plain YAML with line numbers: no repeated keys, no control characters, nothing huge."""

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

LARGEST_BYTES = 4_000_000
DEEPEST = 32
MOST_VALUES = 200_000


class Refused(Exception):
    """The file can not be read; the message is `line: reason`."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"{line}: {reason}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The core of YAML 1.2: dates, yes, no, on and off are text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), _first)


class Document(NamedTuple):
    """A file's content as plain values, and the nodes that know their lines."""

    value: Any
    node: yaml.Node | None

    def place(self, path: tuple[str | int, ...]) -> tuple[int, tuple[str, ...]]:
        """The line of a field, and as much of its path as the file holds."""
        node, line, held = self.node, 1, []
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
            held.append(str(step))
        return line, tuple(held)


def read(path: Path) -> Document:
    """The content of a YAML file. Raises Refused."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Refused(1, f"the file is larger than {LARGEST_BYTES // 1_000_000} MB")
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(1, f"can not be read: {error.strerror if isinstance(error, OSError) else 'not UTF-8'}") from error


def parse(text: str) -> Document:
    """The content of YAML text. Raises Refused."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return Document(None if node is None else _Reader(loader).value(node, 0), node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise Refused(1, f"not YAML: {' '.join(str(error).split())}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(1, "a value can not be read as YAML") from error
    finally:
        loader.dispose()


class _Reader:
    """Nodes to plain values, counting them: a few lines of aliases can stand for billions."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._values = 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        line = node.start_mark.line + 1
        self._values += 1
        if self._values > MOST_VALUES:
            raise Refused(line, f"more than {MOST_VALUES:,} values, aliases written out")
        if depth > DEEPEST:
            raise Refused(line, f"nested deeper than {DEEPEST} levels")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, depth + 1) for each in node.value]
        value = self._loader.construct_object(node)
        if isinstance(value, str) and not value.replace("\n", " ").isprintable():
            raise Refused(line, f"{value!r} holds control characters")
        return value

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str | int, Any]:
        mapping: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.value(key_node, depth)
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise Refused(line, f"{key!r} is not a field name")
            if key in mapping:
                raise Refused(line, f"{key}: written twice")
            mapping[key] = value = self.value(value_node, depth)
            if isinstance(value, float) and not math.isfinite(value):
                raise Refused(line, f"{key}: {value} is not a finite number")
        return mapping


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        value = node.value[step]
        return value.start_mark.line + 1, value
    return None
