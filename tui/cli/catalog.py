"""The catalogue: what it holds, everything about one entry, and whether a file of your own is right."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog import listing
from catalog.load import Catalog, load
from catalog.plain import plain
from estimator.errors import InputError
from tui.cli import json_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(VERBS), metavar="|".join(VERBS))
    parser.add_argument("name", nargs="?", metavar="ID|FILE", help="an id to show, or a file to check")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    return VERBS[arguments.what](load(), arguments.name, arguments.format == "json")


def list_entries(catalog: Catalog, word: str | None, as_json: bool) -> int:
    """Every entry in one line, or those that hold a word."""
    rows = [row for row in listing.rows(catalog) if not word or word.lower() in " ".join(row).lower()]
    if as_json:
        print(json_output.dumps([row._asdict() for row in rows]))
    else:
        print(text_output.aligned(rows, left=range(len(listing.Row._fields))))
    return ANSWERED if rows else NOTHING_FITS


def show(catalog: Catalog, name: str | None, as_json: bool) -> int:
    """Everything the catalogue says of one entry."""
    if not name:
        raise InputError("catalog show", "the id of an accelerator, instance, model, engine or region is needed")
    page = listing.show(catalog, name)
    print(json_output.dumps(page) if as_json else "\n".join(_lines(page)))
    return ANSWERED


def check(catalog: Catalog, name: str | None, as_json: bool) -> int:
    """The problems of a file, or of every file in use, one a line as `file:line: field: reason`."""
    problems = listing.check(catalog, Path(name) if name else None)
    if as_json:
        print(json_output.dumps({"problems": problems}))
    else:
        print("\n".join(map(plain, problems)) or "no problems")
    return NOTHING_FITS if problems else ANSWERED


VERBS: dict[str, Callable[[Catalog, str | None, bool], int]] = {"list": list_entries, "show": show, "check": check}


def _lines(value: Any, indent: str = "") -> list[str]:
    """Nested values as indented `name: value` lines."""
    lines: list[str] = []
    for name, each in value.items():
        if isinstance(each, dict) and each:
            lines += [f"{indent}{plain(name)}:", *_lines(each, indent + "  ")]
        else:
            lines.append(f"{indent}{plain(name)}: {plain(each, 2000)}")
    return lines
