"""A figure's working as rows: the formula, the numbers put into it, where they come from."""

import re
from collections.abc import Callable, Sequence
from textwrap import wrap

from estimator.explain import Unit, Working
from tui.draw.figures import count, duration, number, size, usd
from tui.draw.runs import Row, clean

SIGNS = {"*": "×", "/": "÷", "-": "−"}
SHOWN: dict[Unit, Callable[[float], str]] = {
    "bytes": size,
    "tokens": count,
    "requests": number,
    "seconds": duration,
    "per second": lambda value: f"{number(value)}/s",
    "usd": usd,
    "fraction": lambda value: f"{value:.1%}",
    "number": lambda value: count(value) if value == int(value) else number(value),
}


def working_rows(working: Working, cells: int, chosen: bool = False) -> list[Row]:
    """Title and value, the formula in words, the same in numbers, the source."""
    value = SHOWN[working.unit](working.value)
    rows: list[Row] = [
        [("› " if chosen else "  ", "cursor"), (working.title, "title"), ("  ", "text"), (value, "bold")]
    ]
    for start, text, style in (
        ("= ", _signed(working.formula), "text"),
        ("= ", substituted(working), "accent"),
        ("  ", clean(working.source), "dim"),
    ):
        for line in wrapped(text, cells - 6):
            rows.append([(f"    {start}", "dim"), (line, style)])
            start = "  "
    return rows


def substituted(working: Working) -> str:
    """The formula with each name replaced by its number and unit."""
    text = working.formula
    names = sorted({term.name: term for term in working.terms}.values(), key=lambda term: -len(term.name))
    for index, term in enumerate(names):
        text = text.replace(term.name, f"\0{index}\0")
    text = _signed(text)
    for index, term in enumerate(names):
        text = text.replace(f"\0{index}\0", SHOWN[term.unit](term.value))
    return text


def wrapped(text: str, cells: int) -> Sequence[str]:
    """Lines of whole words."""
    return wrap(text, max(cells, 10)) or [""]


def _signed(formula: str) -> str:
    """Mathematical signs where an operator stands between blanks; names keep their hyphens."""
    return re.sub(r"(?<= )[-*/](?= )", lambda found: SIGNS[found[0]], formula)
