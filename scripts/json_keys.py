"""Writes the tables of JSON keys in docs/interface.md from the results themselves: names, kinds and docstrings.

    python -m scripts.json_keys

A new key is a field of a record in `estimator/results.py`, with its docstring; nothing else has to be said anywhere.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from estimator import results
from estimator.documents import keys_of
from tui.cli.json_output import SCHEMA

PAGE = Path(__file__).parents[1] / "docs" / "interface.md"
BEGIN, END = "<!-- keys: made by `make docs`; do not edit -->", "<!-- end of keys -->"
SECTIONS = {
    "memory": results.MemoryReport,
    "performance": results.PerformanceReport,
    "cost": results.CostReport,
    "cost.power": results.PowerReport,
    "score": results.Score,
    "training": results.TrainingReport,
    "training.memory": results.TrainingMemory,
}


def tables() -> str:
    """One table a section: every key with its kind and what it says."""
    parts = [f"Contract number (`schema`): {SCHEMA}."]
    for name, record in SECTIONS.items():
        rows = "\n".join(f"| `{key}` | {kind} | {meaning} |" for key, kind, meaning in described(record))
        parts.append(f"`{name}`: {inspect.getdoc(record)}\n\n| key | kind | meaning |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts)


def described(record: Any) -> Iterator[tuple[str, str, str]]:
    """Name, kind and docstring of each key of a record."""
    kinds, meanings = get_type_hints(record), docstrings(record)
    for key in keys_of(record):
        yield key, kind_of(kinds[key]), " ".join(meanings.get(key, "").split()).replace("|", "\\|")


def kind_of(hint: Any) -> str:
    """`band`, `number`, `text`, `yes or no`, with `or null`."""
    names = {int: "whole", float: "number", str: "text", bool: "yes or no", results.Band: "band", type(None): "null"}
    members = get_args(hint) or (hint,)
    if all(isinstance(member, str) for member in members):
        return ", ".join(f"`{member}`" for member in members)
    return " or ".join(names[member] for member in members)


def docstrings(record: Any) -> dict[str, str]:
    """The string under each field of a class, by the field's name."""
    (cls,) = ast.parse(inspect.getsource(record)).body
    assert isinstance(cls, ast.ClassDef)
    return {
        field.target.id: text.value.value
        for field, text in zip(cls.body, cls.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def rewritten(page: str) -> str:
    """The page with its tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
