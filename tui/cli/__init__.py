"""The headless interface: the same core without the TUI. See docs/interface.md."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from estimator.errors import InputError
from estimator.printable import printable
from tui import fault
from tui.cli.status import ANSWERED, WRONG_INPUT
from tui.verbs import VERBS


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is an InputError, not a usage page."""

    def error(self, message: str) -> NoReturn:
        raise InputError(self.prog.rpartition(" ")[2], message)


def main(argv: Sequence[str]) -> int:
    """Runs one verb. Returns 0 answered, 1 nothing asked for fits, 2 wrong input (one line on stderr)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 still gets its answer
    try:
        return _run(argv)
    except InputError as error:
        return _complain(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; say nothing at exit
        return ANSWERED
    except KeyboardInterrupt:
        return _complain("interrupted")
    except Exception as error:
        return _complain(fault.told(error))


def _run(argv: Sequence[str]) -> int:
    verb = argv[0] if argv else ""
    if verb not in VERBS:
        raise InputError(printable(verb, 40) or "llmcalc-tui", f"no such verb; one of {', '.join(VERBS)}")
    module = import_module(f"tui.cli.{verb}")
    parser = Parser(prog=f"llmcalc-tui {verb}", description=module.__doc__, allow_abbrev=False)
    module.add_arguments(parser)
    try:
        arguments = parser.parse_args(argv[1:])
    except SystemExit as stop:  # --help
        return int(stop.code or 0)
    try:
        status: int = module.run(arguments)
    except InputError as error:
        raise error.under(_as_asked(error.field, arguments)) from None
    return status


def _as_asked(field: str, arguments: argparse.Namespace) -> str:
    """A field by the name of the option that sets it, where the verb takes that option."""
    name = field.replace("_", "-")
    return f"--{name}" if hasattr(arguments, name) else field


def _complain(message: str) -> int:
    print(f"llmcalc-tui: {printable(message)}", file=sys.stderr)
    return WRONG_INPUT
