"""Records: frozen dataclasses to the type checker, at half the cost of defining one.

A start defines forty of them before its first paint, and most of that is the text of `__setattr__`, `__delattr__` and
`__repr__` being compiled for each. mypy refuses assignments to a frozen record wherever they stand, so at run time
records go without the first two and share the third.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass, fields

    def record(*, frozen: bool, slots: bool, eq: bool = True, kw_only: bool = False) -> Any:
        """A decorator like `dataclass(frozen=True, slots=True)`; with `eq=False` records count by identity."""
        assert frozen, "a record is one"
        assert slots, "a record has slots"
        define = dataclass(slots=True, repr=False, eq=eq, unsafe_hash=eq, kw_only=kw_only)

        def decorate(cls: type) -> type:
            defined = define(cls)
            if "__repr__" not in cls.__dict__:
                defined.__repr__ = _text
            return defined

        return decorate

    def _text(self: Any) -> str:
        values = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
        return f"{type(self).__qualname__}({values})"


__all__ = ["record"]
