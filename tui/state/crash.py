"""What is kept of an error of the program's own: where it happened, and nothing that the user typed or has."""

import platform
import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from catalog import atomic

FILE = "crash.txt"
OWN = ("tui", "catalog", "estimator")
"""Packages whose places are named by their path in the program; of others the file's name alone."""


def report(error: BaseException, folder: Path) -> Path | None:
    """Writes where an error happened into the folder, over an earlier report; its file, or None where none can be
    written.

    Neither the error's text nor any value stands in it: both may hold names of models and paths.
    """
    path = folder / FILE
    try:
        atomic.write(path, "\n".join(lines(error)) + "\n")
    except OSError:
        return None
    return path


def lines(error: BaseException) -> list[str]:
    """The report: programs with their versions, then the error and those it came from, with their places."""
    programs = f"llmcalc-tui {_version('llmcalc-tui')}, textual {_version('textual')}, Python {sys.version.split()[0]}"
    said = [programs, f"{platform.system()} {platform.machine()}, {time.strftime('%Y-%m-%d %H:%M')}"]
    seen: BaseException | None = error
    while seen is not None:
        said.append(type(seen).__qualname__)
        places = traceback.extract_tb(seen.__traceback__)
        said += [f"  {_place(Path(each.filename))}:{each.lineno} in {each.name}" for each in places]
        seen = seen.__cause__ or seen.__context__
    return said


def _version(program: str) -> str:
    try:
        return version(program)
    except PackageNotFoundError:
        return "from its sources"


def _place(file: Path) -> str:
    own = next((at for at, part in enumerate(file.parts) if part in OWN), None)
    return "/".join(file.parts[own:]) if own is not None else file.name
