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
from tui.options.synonyms import meant
from tui.verbs import VERBS


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is an InputError, not a usage page."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2]
        if unknown:
            options = [name for action in self._actions for name in action.option_strings]
            word = unknown.split()[0]
            raise InputError(word, "no such option or argument", meant(word, options))
        argument, _, reason = message.removeprefix("argument ").partition(": ")
        raise InputError(argument if reason else "arguments", reason or message)


def main(argv: Sequence[str]) -> int:
    """Runs one verb. Returns 0 answered, 1 nothing asked for fits, 2 wrong input (one line on stderr)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 still gets its answer
    try:
        status = _version() if list(argv) == ["--version"] else run(argv)
        sys.stdout.flush()
        return status
    except InputError as error:
        return _complain(str(error))
    except BrokenPipeError:
        _drop_output()  # the reader left; say nothing
        return ANSWERED
    except OSError as error:
        _drop_output()
        return _complain(f"{error.filename or 'the answer'}: {error.strerror or type(error).__name__}")
    except KeyboardInterrupt:
        return _complain("interrupted")
    except Exception as error:
        return _complain(fault.describe_internal_error(error))


def _drop_output() -> None:
    """Nothing of what is still buffered is written when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version() -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        print(f"llmcalc-tui {version('llmcalc-tui')}")
    except PackageNotFoundError:
        print("llmcalc-tui, run from its source")
    return ANSWERED


def run(argv: Sequence[str]) -> int:
    """Prints what one verb answers to its arguments. Returns the exit status; raises InputError for a wrong input."""
    verb = argv[0] if argv else ""
    if verb not in VERBS:
        raise InputError(printable(verb, 40) or "llmcalc-tui", f"no such verb; one of {', '.join(VERBS)}")
    module = import_module(f"tui.cli.{verb}")
    parser = Parser(prog=f"llmcalc-tui {verb}", description=module.__doc__, allow_abbrev=False)
    module.add_arguments(parser)
    if {"-h", "--help"} & set(argv[1:]):
        print(parser.format_help(), end="")  # argparse's own printing hides that nothing could be written
        return ANSWERED
    arguments = parser.parse_args(argv[1:])
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
