"""Parameters, KV cache and state of one or many models; what is not understood is refused with the reason."""

import argparse

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.errors import InputError
from estimator.models.model import Model
from tui.cli import json_output, model_text, progress, table_output
from tui.cli.status import ANSWERED, NOTHING_FITS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="catalogue id, Hub id, folder, config.json or .gguf")
    parser.add_argument("--explain", action="store_true", help="print the working, layer by layer")
    parser.add_argument("--format", choices=table_output.FORMS, default="text")


def run(arguments: argparse.Namespace) -> int:
    catalog = load()
    answers = [_answer(name, catalog) for name in arguments.models]
    if arguments.format == "json":
        print(json_output.documents(json_output.model(name, answer) for name, answer in answers))
    elif arguments.format != "text":
        print(table_output.records((json_output.model(name, answer) for name, answer in answers), arguments.format))
    else:
        pages = (model_text.page(name, answer, arguments.explain, catalog.inventory) for name, answer in answers)
        print("\n\n".join(pages))
    refused = any(isinstance(answer, InputError) for _, answer in answers)
    return NOTHING_FITS if refused else ANSWERED


def _answer(name: str, catalog: Catalog) -> tuple[str, Model | InputError]:
    try:
        with progress.shown() as watched:
            return name, resolve(name, catalog, watched)
    except InputError as error:
        return name, error
