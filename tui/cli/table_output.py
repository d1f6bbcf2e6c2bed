"""Rows as CSV or Markdown: the JSON flattened, one column a figure."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from estimator.documents import flattened
from estimator.printable import printable

FORMS = ("text", "json", "csv", "markdown")
"""What `--format` takes everywhere."""


def records(rows: Iterable[Mapping[str, Any]], form: str) -> str:
    """JSON documents as a table, `csv` or `markdown`: a line each, a single one in Markdown figure by figure."""
    listed = list(rows)
    if not listed:
        return ""
    if form == "csv":
        return csv_table(listed)
    flat = [dict(flattened(row)) for row in listed]
    if len(flat) == 1:
        return markdown_table(("figure", "value"), ((key, _plain(value)) for key, value in flat[0].items()))
    titles = list(dict.fromkeys(key for row in flat for key in row))
    return markdown_table(titles, ([_plain(row.get(key)) for key in titles] for row in flat))


def _plain(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def csv_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Documents as CSV: every figure of every row; a missing one is empty."""
    flat = [dict(flattened(row)) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in flat for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else _cell(value) for key, value in row.items()} for row in flat)
    return text.getvalue().rstrip("\n")


def plain_csv(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of texts as CSV, under its titles."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_cell(cell) for cell in row] for row in (titles, *rows))
    return text.getvalue().rstrip("\n")


def markdown_table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A pipe table; what would break it is escaped."""
    head = list(titles)
    lines = [head, ["---"] * len(head), *([printable(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    """One line that no spreadsheet takes for a formula."""
    text = printable(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(("=", "+", "-", "@")) else text
