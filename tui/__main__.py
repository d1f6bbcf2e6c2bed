"""The command line: the TUI by default, a headless verb where one is named."""

import gc
import sys
from collections.abc import Sequence

from tui.verbs import VERBS


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 answered, 1 nothing fits, 2 the input is wrong."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in VERBS:
        from tui.cli import main as headless

        return headless(arguments)
    if arguments == ["--version"]:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"llmcalc-tui {version('llmcalc-tui')}")
        except PackageNotFoundError:
            print("llmcalc-tui, run from its source")
        return 0
    gc.disable()  # nothing of a start is garbage; the app switches it on again after its first paint
    from tui.start import start

    return start(arguments)


if __name__ == "__main__":
    sys.exit(main())
