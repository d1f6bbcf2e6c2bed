"""Bounds of numbers as `Annotated` metadata: `Annotated[int, Ge(1)]`.

The four of `annotated_types` that are used here, without the 10 ms that its import takes from every start. pydantic
reads them through its own hook; `estimator.checks` reads them where there is no pydantic.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Schema = dict[str, Any]
Handler = Callable[[Any], Schema]


class Ge(NamedTuple):
    """Greater than or equal."""

    ge: float

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> Schema:
        return {**handler(source), "ge": self.ge}


class Gt(NamedTuple):
    """Greater than."""

    gt: float

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> Schema:
        return {**handler(source), "gt": self.gt}


class Le(NamedTuple):
    """Less than or equal."""

    le: float

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> Schema:
        return {**handler(source), "le": self.le}


class Lt(NamedTuple):
    """Less than."""

    lt: float

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> Schema:
        return {**handler(source), "lt": self.lt}
