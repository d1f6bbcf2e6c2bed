"""Whether the tests notice a mutant: a child of a warm process runs those of its line, then those of its room."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scripts.mutation.mutants import ROOT, Mutant
from scripts.mutation.record import Record

COPIED = ("estimator", "catalog", "tui", "tests", "scripts", "benchmarks", "docs", "fitting", "share")
ALSO_COPIED = ("pyproject.toml", "README.md")
KEPT_FIGURES = "tests/estimator/test_kept_figures.py"
LONGEST_S = 900
"""Seconds after which a run of tests counts as failed: the mutant hangs."""
PACKAGES = ("estimator", "catalog", "tui", "tests")
"""Never loaded in the warm process: each child loads its own."""


def copy(tree: Path) -> None:
    """All that the tests read, in another folder."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ALSO_COPIED:
        shutil.copy(ROOT / name, tree)


def warm() -> None:
    """Loads what is the same for every mutant; a child of this process then starts with it."""
    import hypothesis  # noqa: F401
    import pydantic  # noqa: F401
    import pytest  # noqa: F401
    import yaml  # noqa: F401

    assert not any(name in sys.modules for name in PACKAGES)


class Chosen:
    """A plugin of pytest that keeps some tests, by id, and the order of their files."""

    def __init__(self, tests: frozenset[str], files: Iterable[str]) -> None:
        self.tests, self.order = tests, {file: at for at, file in enumerate(files)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        kept = [item for item in items if item.nodeid in self.tests]
        items[:] = sorted(kept, key=lambda item: self.order[item.nodeid.partition("::")[0]])


def judging_tests(path: Path) -> list[str]:
    """The kept figures, tests of the file's room, those of the rooms above it that stand on it, and the scoring of
    measured cases.
    """
    room = path.relative_to(ROOT / "estimator").parts[0]
    own = f"tests/estimator/{room}" if (ROOT / "tests" / "estimator" / room).is_dir() else "tests/estimator/ranking"
    return list(
        dict.fromkeys(
            (KEPT_FIGURES, own, "tests/estimator/ranking", "tests/estimator/advice", "tests/estimator/accuracy")
        )
    )


def is_killed(mutant: Mutant, tree: Path, record: Record, lines_only: bool = False) -> bool:
    """Whether a test of the copied tree fails under the mutant; the copy is whole again afterwards.

    The tests that run its line come first, the quickest of them before the others. They may miss what is read once and
    kept, such as the catalogue, so that the tests of its room follow, unless `lines_only`.
    """
    target = tree / mutant.path.relative_to(ROOT)
    target.write_bytes(mutant.text())
    try:
        return any(not _passes(tree, arguments, plugins) for arguments, plugins in _runs(mutant, record, lines_only))
    finally:
        target.write_bytes(mutant.path.read_bytes())


def _runs(mutant: Mutant, record: Record, lines_only: bool) -> Iterator[tuple[list[str], list[object]]]:
    tests = record.tests_of(mutant)
    if tests:
        files = record.quickest_first({test.partition("::")[0] for test in tests})
        yield files, [Chosen(tests, files)]
    if not (lines_only and tests):  # what runs at import is no test's
        yield judging_tests(mutant.path), []


def _passes(tree: Path, arguments: list[str], plugins: list[object]) -> bool:
    child = os.fork()
    if not child:
        _run_and_leave(tree, arguments, plugins)
    until_s = time.monotonic() + LONGEST_S
    while time.monotonic() < until_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_and_leave(tree: Path, arguments: list[str], plugins: list[object]) -> None:
    """Runs tests in this process, silently, and ends it with their status."""
    status = 1
    try:
        import pytest

        os.chdir(tree)
        sys.path.insert(0, str(tree))
        os.environ["PYTHONPATH"] = str(tree)
        for name in [name for name in sys.modules if name.partition(".")[0] == "scripts"]:
            del sys.modules[name]
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(silence, stream)
        status = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *arguments], plugins=plugins))
    finally:
        os._exit(status)
