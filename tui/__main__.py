"""The command line: the TUI by default, a headless verb where one is named."""

import gc
import os
import sys
from collections.abc import Sequence

from tui.verbs import VERBS

INTERRUPTED = 130
CRASHED = 70
"""Exit status of an error of our own (EX_SOFTWARE of sysexits.h)."""
SELDOM = 100_000
"""New objects between two collections of a headless verb: most of its answer lives until it is printed (measured: a
twentieth of the instructions of `rank` went into looking for garbage among it)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program. Returns the exit status: 0 answered, 1 nothing fits, 2 the input is wrong, 70 an error of its
    own, 130 interrupted.
    """
    try:
        _replace_closed_streams()
        return _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # said in one line, and kept where it can be sent from
        return _crashed(error)


def _crashed(error: Exception) -> int:
    from tui.fault import is_debugged

    if is_debugged():
        raise error
    from tui.state import crash, store

    path = crash.report(error, store.default_path().parent)
    kept = f"where it happened stands in {path}, nothing of yours does" if path else "its report could not be written"
    print(f"llmcalc-tui: internal error ({type(error).__name__}); {kept}", file=sys.stderr)
    return CRASHED


def _run(arguments: list[str]) -> int:
    if arguments and (arguments[0] in VERBS or arguments == ["--version"]):
        gc.set_threshold(SELDOM)
        from tui.cli import main as headless

        status = headless(arguments)
        gc.freeze()  # what is alive ends with the process: Python need not look for garbage among it at the last
        return status
    gc.disable()  # nothing of a start is garbage; the app switches it on again after its first paint
    from tui.start import start

    return start(arguments)


def _replace_closed_streams() -> None:
    """What is written to a stream that the caller closed goes nowhere; Python itself leaves None in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - lives as long as the process


if __name__ == "__main__":
    sys.exit(main())
