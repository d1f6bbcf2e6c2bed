"""Records: frozen dataclasses to the type checker, at half the cost of defining one.

A start defines fifty of them before its first paint, and most of that is the text of methods being compiled for each.
mypy refuses assignments to a frozen record wherever they stand, so at run time records go without `__setattr__` and
`__delattr__`; they share the rest but for `__init__`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass, fields
    from operator import attrgetter

    def record(*, frozen: bool, slots: bool, eq: bool = True, kw_only: bool = False) -> Any:
        """A decorator like `dataclass(frozen=True, slots=True)`; with `eq=False` records count by identity."""
        assert frozen, "a record is one"
        assert slots, "a record has slots"
        define = dataclass(slots=True, repr=False, eq=False, kw_only=kw_only)

        def decorate(cls: type) -> type:
            defined = define(cls)
            if "__repr__" not in cls.__dict__:
                defined.__repr__ = _text
            if eq:
                _count_by_value(defined)
            return defined

        return decorate

    def _count_by_value(cls: type) -> None:
        names = [each.name for each in fields(cls)]
        values = attrgetter(*names) if names else type

        def equal(self: Any, other: object) -> Any:
            if other.__class__ is not self.__class__:
                return NotImplemented
            return self is other or values(self) == values(other)

        def hashed(self: Any) -> int:
            return hash(values(self))

        cls.__eq__, cls.__hash__ = equal, hashed

    def _text(self: Any) -> str:
        values = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
        return f"{type(self).__qualname__}({values})"


__all__ = ["record"]
