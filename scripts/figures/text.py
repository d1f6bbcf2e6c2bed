"""Results as lines of text: a line for each group of figures, six digits of each number."""

from collections.abc import Iterable
from typing import Any

from estimator.results import Band, OperatorTime, Part, Percentiles


def line(group: str, items: Iterable[str]) -> Iterable[str]:
    """`group: item; item`; nothing where there are no items."""
    if text := "; ".join(filter(None, items)):
        yield f"{group}: {text}"


def items(record: Any, *leave_out: str, typical: tuple[str, ...] = ()) -> Iterable[str]:
    """`field value` of every field of a result that says something: zeros, absences and records within are left out.

    `typical` fields are bands that another one makes, of which the middle is enough.
    """
    for name in record._fields:
        value = getattr(record, name)
        if name not in leave_out:
            yield item(name, value.typical if name in typical and value else value)


def item(name: str, value: object) -> str:
    """`name value`; empty where there is none, or it is zero."""
    text = written(value)
    return f"{name.removesuffix('_bytes')} {text}" if text else ""


def written(value: object) -> str:
    """A number in six digits, a band as `low~typical~high`, percentiles and parts likewise, a word as it is."""
    match value:
        case bool() | None:
            return "yes" if value else ""
        case int() | float():
            return f"{value:.6g}" if value else ""
        case str():
            return value
        case Band() | Percentiles():
            return "~".join(f"{each:.6g}" for each in value)
        case OperatorTime():
            return f"{value.name} {value.seconds:.6g} {value.bound[0]}"
        case Part():
            return f"{value.name} {value.value:.6g}"
        case (OperatorTime() | Part(), *_):
            return ", ".join(map(written, value))
    return ""
