"""Bounds of numbers as `Annotated` metadata: `Annotated[int, Ge(1)]`.

The four of `annotated_types` that are used here, without the 10 ms that its import takes from every start. pydantic
reads them through its own hook; `estimator.checks` reads them where there is no pydantic.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
Handler = Callable[[Any], Schema]


class Bound:
    """One side of a numeric range, used through `Ge`, `Gt`, `Le` and `Lt`.

    Compared by identity: Python 3.11.2 keeps one `Annotated` for metadata that is equal, and as tuples Ge(0) and Gt(0)
    were.
    """

    __slots__ = ("limit",)
    name: str
    """Name of the comparison in pydantic."""
    sign: str

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> Schema:
        return {**handler(source), self.name: self.limit}

    @abstractmethod
    def holds(self, value: float) -> bool:
        """Whether a value lies on the right side of the limit."""


class Ge(Bound):
    name, sign = "ge", ">="

    def holds(self, value: float) -> bool:
        return value >= self.limit


class Gt(Bound):
    name, sign = "gt", ">"

    def holds(self, value: float) -> bool:
        return value > self.limit


class Le(Bound):
    name, sign = "le", "<="

    def holds(self, value: float) -> bool:
        return value <= self.limit


class Lt(Bound):
    name, sign = "lt", "<"

    def holds(self, value: float) -> bool:
        return value < self.limit
