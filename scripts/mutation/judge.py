"""Whether the tests notice a mutant: those of its line are run, then those of its room."""

import os
import resource
import shutil
from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import Any

from scripts.mutation.collected import Collected, run_tests
from scripts.mutation.mutants import ROOT, Mutant
from scripts.mutation.record import TESTS, Record, files_of

COPIED = ("estimator", "catalog", "tui", "tests", "scripts", "benchmarks", "docs", "fitting", "share")
ALSO_COPIED = ("pyproject.toml", "README.md")
KEPT_FIGURES = "tests/estimator/test_kept_figures.py"
LONGEST_S = 1800
"""Seconds of processor time after which a run of tests counts as failed: the mutant hangs."""


def copy(tree: Path) -> None:
    """All that the tests read, in another folder."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ALSO_COPIED:
        shutil.copy(ROOT / name, tree)


class Chosen:
    """A plugin of pytest that keeps some tests, by id, in their order."""

    def __init__(self, tests: Iterable[str]) -> None:
        self.order = {test: at for at, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda each: self.order[each.nodeid]
        )


def own_tests(path: Path) -> list[str]:
    """Tests of the whole estimator, the kept figures among them, and those of the file's room."""
    room = path.relative_to(ROOT / "estimator").parts[0]
    own = f"{TESTS}/{room}" if (ROOT / TESTS / room).is_dir() else f"{TESTS}/ranking"
    whole = sorted(each.relative_to(ROOT).as_posix() for each in (ROOT / TESTS).glob("test_*.py"))
    return [*(each for each in whole if each != KEPT_FIGURES), KEPT_FIGURES, own]


def judging_tests(path: Path) -> list[str]:
    """The file's own tests, those of the rooms above it that stand on it, and the scoring of measured cases."""
    return list(dict.fromkeys((*own_tests(path), *(f"{TESTS}/{room}" for room in ("ranking", "advice", "accuracy")))))


class Judge:
    """Judges mutants in a copy of the tree."""

    def __init__(self, tree: Path, record: Record, lines_s: float | None = None) -> None:
        self._tree, self._record, self._lines_s = tree, record, lines_s
        self._collected = Collected(tree, [TESTS])

    def is_killed(self, mutant: Mutant) -> bool:
        """Whether a test fails under the mutant.

        The tests that run its line come first. They may miss what is read once and kept, such as the catalogue, so that
        the tests of its room follow, unless only some seconds of the line's are asked for. A line that ran when it was
        loaded is no test's, whichever was the first to need it; those of its file and of its room stand for them.
        """
        most_s = inf if self._lines_s is None else self._lines_s
        tests = self._record.tests_of(mutant, most_s)
        verdict = self._collected.judge(mutant, tests) if tests else "loaded"
        if verdict == "loaded":
            near = self._record.tests_near(mutant, own_tests(mutant.path), most_s)
            verdict = self._collected.judge(mutant, near)
            if verdict == "loaded":
                verdict = "survives" if self._passes(mutant, files_of(near), [Chosen(near)]) else "killed"
        if verdict == "killed" or self._lines_s is not None:
            return verdict == "killed"
        return not self._passes(mutant, judging_tests(mutant.path), [])

    def close(self) -> None:
        """Ends the process that has collected the tests."""
        self._collected.close()

    def _passes(self, mutant: Mutant, arguments: list[str], plugins: list[object]) -> bool:
        """Whether tests pass in a new process, in a tree that has the mutant and is whole again afterwards."""
        target = self._tree / mutant.path.relative_to(ROOT)
        target.write_bytes(mutant.text())
        try:
            return _status(self._tree, arguments, plugins) == 0
        finally:
            target.write_bytes(mutant.path.read_bytes())


def _status(tree: Path, arguments: list[str], plugins: list[object]) -> int:
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
        run_tests(tree, arguments, plugins)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
