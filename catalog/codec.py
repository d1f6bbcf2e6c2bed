"""Plain JSON values to the estimator's types and back, by their annotations. No pydantic: the values were validated."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from sys import intern
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

Decoder = Callable[[Any], Any]


def encode(value: Any) -> Any:
    """Dataclasses as mappings without their defaults, named tuples as lists; keys of mappings become text."""
    if is_dataclass(value):
        return {
            field.name: encode(getattr(value, field.name))
            for field in fields(value)
            if field.default is MISSING or getattr(value, field.name) != field.default
        }
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [encode(each) for each in value]
    return value


@cache
def decoder(annotation: Any) -> Decoder | None:
    """A function from JSON to values of an annotated type; None where JSON already is that type.

    Texts are interned: three of four repeat another one, a source, a day or a kind, and would take 0.6 MB.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is str or (origin is Literal and all(isinstance(each, str) for each in arguments)):
        return intern
    if origin is Annotated:
        return decoder(arguments[0])
    if origin in (Union, UnionType):
        if all(is_dataclass(each) for each in arguments):
            return _tagged(arguments)
        inner = [decode for each in arguments if each is not type(None) if (decode := decoder(each))]
        if len(inner) > 1:
            raise TypeError(f"{annotation}: JSON does not tell the members apart")
        return _optional(inner[0]) if inner else None
    if origin in (tuple, frozenset):
        return _sequence(origin, arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*arguments)
    if is_dataclass(annotation):
        return _record(annotation)
    if hasattr(annotation, "_fields"):
        return _named_tuple(annotation)
    return None


def _optional(inner: Decoder) -> Decoder:
    return lambda value: None if value is None else inner(value)


def _tagged(records: tuple[Any, ...]) -> Decoder:
    """One of several records, which the literal `kind` of each tells apart."""
    decoders = {get_args(get_type_hints(each)["kind"])[0]: _record(each) for each in records}
    return lambda row: decoders[row["kind"]](row)


def _sequence(kind: type, arguments: tuple[Any, ...]) -> Decoder:
    if kind is tuple and arguments[-1] is not Ellipsis:
        each = [decoder(argument) for argument in arguments]
        return lambda value: tuple(one(item) if one else item for one, item in zip(each, value, strict=True))
    inner = decoder(arguments[0])
    return (lambda value: kind(map(inner, value))) if inner else kind


def _mapping(key: Any, value: Any) -> Decoder:
    inner = decoder(value)
    if key is int:
        return lambda row: {int(name): inner(each) if inner else each for name, each in row.items()}
    return lambda row: {name: inner(each) for name, each in row.items()} if inner else row


def _record(cls: Any) -> Decoder:
    nested = _nested(cls)

    def decode(row: dict[str, Any]) -> Any:
        for name, inner in nested:
            if name in row:
                row[name] = inner(row[name])
        return cls(**row)

    return decode


def _named_tuple(cls: Any) -> Decoder:
    nested = [(cls._fields.index(name), inner) for name, inner in _nested(cls)]

    def decode(row: list[Any]) -> Any:
        for index, inner in nested:
            if index < len(row):
                row[index] = inner(row[index])
        return cls(*row)

    return decode


def _nested(cls: Any) -> list[tuple[str, Decoder]]:
    hints = get_type_hints(cls, include_extras=True)
    return [(name, inner) for name, annotation in hints.items() if (inner := decoder(annotation))]
