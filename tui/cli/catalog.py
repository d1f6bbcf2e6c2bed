"""The catalogue: what it holds, everything about one entry, and whether a file of your own is right."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from catalog import listing
from catalog.load import Catalog, load
from estimator.errors import InputError
from estimator.printable import printable
from estimator.scenario.scenario import Scenario
from tui.cli import json_output, progress, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS

DEFAULT_REGION = Scenario().region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(VERBS), metavar="|".join(VERBS))
    parser.add_argument("names", nargs="*", metavar="NAME", help="a word, an id, a file; prices [REGION …] or models")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    return VERBS[arguments.what](load(), arguments.names, arguments.format)


def list_entries(catalog: Catalog, words: Sequence[str], form: str) -> int:
    """Every entry of the catalogue in one line, or those that hold every given word."""
    rows = [row for row in listing.rows(catalog) if all(word.lower() in " ".join(row).lower() for word in words)]
    if form == "json":
        print(json_output.documents(row._asdict() for row in rows))
    elif form != "text":
        print(table_output.records((row._asdict() for row in rows), form))
    else:
        print(text_output.aligned(rows, left=range(len(listing.Row._fields))))
    return ANSWERED if rows else NOTHING_FITS


def show(catalog: Catalog, names: Sequence[str], form: str) -> int:
    """Everything the catalogue says of one entry."""
    if len(names) != 1:
        raise InputError("catalog show", "one id of an accelerator, instance, model, engine or region is needed")
    page = listing.show(catalog, names[0])
    if form in ("csv", "markdown"):
        print(table_output.records([page], form))
    else:
        print(json_output.document(page) if form == "json" else "\n".join(_lines(page)))
    return ANSWERED


def check(catalog: Catalog, names: Sequence[str], form: str) -> int:
    """The problems of files, or of every file in use, one a line as `file:line: field: reason`."""
    files: list[Path | None] = [Path(name) for name in names] or [None]
    problems = [problem for file in files for problem in listing.check(catalog, file)]
    if form in ("csv", "markdown"):
        print(table_output.records(({"problem": problem} for problem in problems), form))
    elif form == "json":
        print(json_output.document({"problems": problems}))
    else:
        print("\n".join(map(printable, problems)) or "no problems")
    return NOTHING_FITS if problems else ANSWERED


def refresh(catalog: Catalog, names: Sequence[str], form: str) -> int:
    """Current prices from AWS, or the kept models from the Hub again, into the user's catalogue."""
    what, *rest = names or [""]
    if what == "prices":
        done, problems = _refresh_prices(catalog, rest or [DEFAULT_REGION])
    elif what == "prices-dry-run":
        done, problems = _refresh_prices(catalog, rest or [DEFAULT_REGION], write=False)
    elif what == "models":
        done, problems = _refresh_models()
    else:
        raise InputError("catalog refresh", "what? prices [REGION …|all], prices-dry-run or models")
    if form in ("csv", "markdown"):
        lines = [*(("refreshed", each) for each in done), *(("problem", each) for each in problems)]
        print(table_output.records(({"kind": kind, "text": text} for kind, text in lines), form))
    elif form == "json":
        print(json_output.document({"refreshed": done, "problems": problems}))
    else:
        print("\n".join(map(printable, (*done, *problems))) or "nothing to refresh")
    return NOTHING_FITS if problems else ANSWERED


VERBS: dict[str, Callable[[Catalog, Sequence[str], str], int]] = {
    "list": list_entries,
    "show": show,
    "check": check,
    "refresh": refresh,
}


def _refresh_prices(catalog: Catalog, regions: Sequence[str], write: bool = True) -> tuple[list[str], list[str]]:
    """What was written (nothing where `write` is false), each price that differs, jumps first; and what went wrong."""
    from catalog.sources import aws
    from catalog.sources.price_refresh import refresh_all

    names = list(catalog.regions) if list(regions) == ["all"] else list(dict.fromkeys(regions))
    with progress.shown() as watched:
        fresh = refresh_all(catalog, names, aws.clients(), watched)
    try:
        kept = list(fresh.keep()) if write else []
    except OSError as error:
        raise InputError("catalog refresh", f"{error.filename}: {error.strerror}") from None
    return [*kept, *map(str, fresh.changes)], list(fresh.problems)


def _refresh_models() -> tuple[list[str], list[str]]:
    from catalog.sources import hub, kept
    from catalog.sources.resolve import entry

    done, problems = [], []
    for model_id in kept.kept():
        asked = hub.repository(model_id)
        if asked is None:
            continue
        try:
            with progress.shown() as watched:
                kept.keep(model_id, entry(hub.fetch(asked, watched)))
            done.append(model_id)
        except InputError as error:
            problems.append(str(error))
    return done, problems


def _lines(value: Any, indent: str = "") -> list[str]:
    """Nested values as indented `name: value` lines."""
    lines: list[str] = []
    for name, each in value.items():
        if isinstance(each, dict) and each:
            lines += [f"{indent}{printable(name)}:", *_lines(each, indent + "  ")]
        else:
            lines.append(f"{indent}{printable(name)}: {printable(each, 2000)}")
    return lines
