"""Sessions side by side, the first the baseline: of each file its pins, else its selected or best row."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from catalog.load import load
from catalog.questions import uploads
from catalog.sources.resolve import resolve
from estimator import documents
from estimator.errors import InputError
from estimator.printable import printable
from tui.cli import json_output, progress, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS
from tui.pages.comparison import Compared, Line, common_words, compare_line, lines_for
from tui.state import store
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.pinning import pin_of
from tui.state.pins import LETTERS, MOST_PINS, Pin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sessions", nargs="+", metavar="SESSION.yaml", help="saved sessions; the first is the baseline")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    calculator = Calculator(load())
    pins = tuple(pin for path in arguments.sessions for pin in _pins(Path(path), calculator))
    _refuse_mixed(pins)
    answers = [calculator.pinned(pin) for pin in pins]
    names = [f"{letter} {pin.label}" for letter, pin in zip(LETTERS, pins, strict=False)]
    table = [(line, compare_line(line, answers)) for line in lines_for(answers)]
    rows = [_cells(row) for row in table]
    match arguments.format:
        case "json":
            print(json_output.document({"candidates": _candidates(pins, answers), "comparison": _lines(table)}))
        case "csv":
            print(table_output.csv_table(_candidates(pins, answers)))
        case "markdown":
            print(table_output.markdown_table(("", *names), rows))
        case _:
            if alike := common_words(answers):
                print(printable(" | ".join(alike)), end="\n\n")
            print(text_output.aligned([("", *names), *rows], left=range(len(names) + 1)))
    return ANSWERED if all(answer.rows[0].verdict == "fits" for answer in answers) else NOTHING_FITS


def _pins(path: Path, calculator: Calculator) -> Iterator[Pin]:
    """What a session compares: its pins, else the row that it selects or ranks first, named by the file."""
    session = store.load(path)
    for scenario in (*(pin.scenario for pin in session.pins), session.scenario):
        with progress.shown() as watched:
            for name in uploads(scenario):
                calculator.resolved[name] = resolve(name, calculator.catalog, watched)
    if session.pins:
        yield from session.pins
        return
    pin = pin_of(calculator.answer(session))
    yield Pin(
        scenario=pin.scenario,
        machine=pin.machine,
        accelerator=pin.accelerator,
        count=pin.count,
        name=pin.machine if path.stem == pin.machine else f"{path.stem[:20]}: {pin.machine}",
    )


def _refuse_mixed(pins: Sequence[Pin]) -> None:
    """Raises InputError for pins that have no figures in common, and for more than have letters."""
    if len(pins) > MOST_PINS:
        raise InputError("compare", f"{len(pins)} are asked for, {MOST_PINS} are compared at most")
    if len({bool(pin.scenario.training) for pin in pins}) > 1:
        raise InputError("compare", "training runs and served models have different figures")


def _cells(row: tuple[Line, Sequence[Compared]]) -> tuple[str, ...]:
    """One line as text: each figure with its delta against the baseline and its mark."""
    line, compared = row
    return line.title, *(" ".join(filter(None, (each.text, each.delta, each.mark))) for each in compared)


def _candidates(pins: Sequence[Pin], answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {"name": pin.label, "scenario": json_output.scenario(pin.scenario), **documents.document(answer.rows[0])}
        for pin, answer in zip(pins, answers, strict=True)
    ]


def _lines(table: Sequence[tuple[Line, Sequence[Compared]]]) -> list[dict[str, Any]]:
    return [
        {
            "group": line.group or None,
            "title": line.title,
            "texts": [each.text for each in compared],
            "deltas": [each.delta or None for each in compared],
            "best": [{"★": "best", "☆": "tied"}.get(each.mark) for each in compared],
        }
        for line, compared in table
    ]
