"""Predicted against measured: every figure of every case, and the errors by engine, accelerator, format and model."""

import argparse
import csv
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path

from catalog import regular_file
from catalog.cache import DATA
from catalog.load import Catalog, load
from catalog.sources.folder import read_config
from catalog.sources.resolve import entry
from estimator.accuracy.score import Context, Row, Score, Summary, summarise
from estimator.errors import InputError
from estimator.models.model import Model, read_model
from tui.cli import json_output, table_output, text_output
from tui.cli.status import ANSWERED, NOTHING_FITS

EVIDENCE = DATA / "evidence"
CASE_FILE_LIMIT_BYTES = 100_000_000

KINDS = {
    "speculation": ("drafted_tokens_per_s",),
    "serving": ("tpot_ms", "ttft_ms", "tokens_per_s_per_user"),
    "memory": ("weights_gib_per_gpu", "kv_tokens", "kv_available_gib_per_gpu", "activation_peak_gib"),
    "training": ("peak_memory_gib_per_device", "tokens_per_s_per_device"),
}
"""Module of `estimator.accuracy` -> columns of which any one marks its files; the first that matches decides."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", action="append", metavar="FILE.csv", help="measured cases; the shipped ones if none")
    parser.add_argument("--configs", metavar="DIR", help="config.json files named org__name.json")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    files = [Path(name) for name in arguments.cases or ()] or sorted(EVIDENCE.glob("*.csv"))
    catalog = load()
    context = Context(catalog.inventory, models(catalog, arguments.configs))
    scores = [score for file in files for score in score_file(file, context)]
    summary = summarise(scores)
    if arguments.format == "csv":
        print(table_output.csv_table({name: getattr(score, name) for name in CASE} for score in scores))
    elif arguments.format == "markdown":
        print(table_output.records((each._asdict() for each in summary), "markdown"))
    elif arguments.format == "json":
        cases = [{name: getattr(score, name) for name in CASE} for score in scores]
        print(json_output.document({"cases": cases, "summary": [each._asdict() for each in summary]}))
    else:
        print(_text(scores, summary))
    return ANSWERED if summary else NOTHING_FITS


CASE = ("case_id", "metric", "measured", "predicted", "low", "high", "status", "reason")


def score_file(file: Path, context: Context) -> Iterator[Score]:
    """Every measured figure of a case file. Raises InputError for a file that is none."""
    rows = _rows(file)
    columns = rows[0].keys() if rows else ()
    kind = next((kind for kind, marks in KINDS.items() if any(mark in columns for mark in marks)), None)
    if kind is None:
        raise InputError(str(file), f"no case file: none of the columns {', '.join(sum(KINDS.values(), ()))}")
    score: Callable[[Row, Context], list[Score]] = import_module(f"estimator.accuracy.{kind}").score
    for row in rows:
        yield from score(row, context)


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        lines = StringIO(regular_file.read_text(file, CASE_FILE_LIMIT_BYTES, "utf-8-sig"), newline="")
        return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(lines)]
    except OSError as error:
        raise InputError(str(file), error.strerror or "can not be read") from None
    except (ValueError, csv.Error) as error:
        raise InputError(str(file), f"not CSV: {error}") from None


def models(catalog: Catalog, configs: str | None = None) -> Callable[[str], Model]:
    """Names to models: the catalogue's, then the files of the folder, then the catalogue by another spelling. A name
    that is none is looked for once, since names like it take long to find.
    """
    folder = Path(configs) if configs else None
    if folder and not folder.is_dir():
        raise InputError("--configs", f"{configs} is no folder")
    files = {path.stem.lower(): path for path in folder.glob("*.json")} if folder else {}

    @cache
    def answer(name: str) -> Model | InputError:
        path = files.get(name.replace("/", "__").lower())
        try:
            if path is None or catalog.has_model(name):
                return catalog.model(name)
            return read_model(name, entry(read_config(path)))
        except InputError as refusal:
            return refusal

    def model(name: str) -> Model:
        known = answer(name)
        if isinstance(known, InputError):
            raise known.with_traceback(None)
        return known

    return model


def _text(scores: list[Score], summary: list[Summary]) -> str:
    counts = [f"{sum(score.status == status for score in scores)} {status}" for status in STATUSES]
    rows = [
        [each.metric, each.group, str(each.cases), *map(_percent, each[3:])]
        for each in summary
        if each.group == "all" or each.cases >= SHOWN_FROM
    ]
    return f"{len(scores)} measured figures: {', '.join(counts)}\n\n{text_output.aligned([TITLES, *rows], left=(0, 1))}"


SHOWN_FROM = 10
"""Cases from which a group has a line of its own; JSON holds every group."""
STATUSES = ("scored", "excluded", "unsupported", "skipped")
TITLES = ("metric", "group", "cases", "MdAPE", "MAPE", "bias", "in 20 %", "in band")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
