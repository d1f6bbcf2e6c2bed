"""Which tests run which lines of the estimator, and how long each test takes."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from itertools import accumulate, chain
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.mutation.mutants import ROOT, Mutant

if TYPE_CHECKING:
    from coverage import CoverageData

TESTS = "tests/estimator"
"""What judges a mutant: the estimator's own tests. Those of the catalogue run its lines as well, and read files."""


DATA = "tests/data"


class Results:
    """A plugin of pytest that adds up the time of each test, and names those that fail."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


class Recording:
    """One run of some files of tests, at one state of the estimator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digests, seconds, failed = json.loads((folder / "tests.json").read_text())
        self.seconds: Mapping[str, float] = {test: each for test, each in seconds.items() if test not in set(failed)}
        """Of each test that passed: one that fails without a mutant would kill every one."""

    @cached_property
    def lines(self) -> "CoverageData":
        """Coverage with a context for each test."""
        from coverage import CoverageData

        data = CoverageData(str(self.folder / "coverage"))
        data.read()
        return data

    @cached_property
    def _measured(self) -> Mapping[str, str]:
        """Where each file of the estimator stood when it was measured, by its path in the tree."""
        return {f"estimator{file.rpartition('/estimator')[2]}": file for file in self.lines.measured_files()}

    def tests_of(self, file: str, line: int) -> set[str]:
        """Ids of the tests that passed and ran a line of a file as it is now."""
        measured, before = self._measured.get(file), self.folder / file
        if measured is None or not before.exists():
            return set()
        then = line_then(before.read_text().splitlines(), (ROOT / file).read_text().splitlines(), line)
        return self._passed(self.lines.contexts_by_lineno(measured).get(then, ()))

    def tests_of_file(self, file: str) -> set[str]:
        """Ids of the tests that passed and ran some function of a file."""
        measured = self._measured.get(file)
        contexts = self.lines.contexts_by_lineno(measured).values() if measured else ()
        return self._passed(chain.from_iterable(contexts))

    def _passed(self, contexts: Iterable[str]) -> set[str]:
        return {test for each in contexts if (test := each.partition("|")[0]) in self.seconds}


class Record:
    """Lines by test, measured in a tree and kept in a folder; files of tests that are new or changed since are
    measured again.
    """

    def __init__(self, folder: Path, tree: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._recordings = [Recording(each) for each in sorted(folder.iterdir())]
        known = {file: text for each in self._recordings for file, text in each.digests.items()}
        now = {
            path.relative_to(tree).as_posix(): digest(content(path, tree / DATA))
            for path in sorted((tree / TESTS).rglob("test_*.py"))
        }
        if changed := [file for file, text in now.items() if known.get(file) != text]:
            self._recordings.append(measure(folder / f"{len(self._recordings):03}", tree, changed))
        self._newest = {file: each for each in self._recordings for file in each.digests if file in now}

    def tests_of(self, mutant: Mutant, most_s: float = inf) -> list[str]:
        """Ids of the tests that run a mutant's line, its room's and then the quickest first, as many as take some
        seconds.
        """
        file = mutant.path.relative_to(ROOT).as_posix()
        return self._nearest(file, lambda each: each.tests_of(file, mutant.line), most_s)

    def tests_near(self, mutant: Mutant, folders: Iterable[str], most_s: float = inf) -> list[str]:
        """Ids of the tests that run a mutant's file, and of those of some folders and files of tests, in that order."""
        file, near = mutant.path.relative_to(ROOT).as_posix(), tuple(folders)
        return self._nearest(
            file,
            lambda each: each.tests_of_file(file) | {test for test in each.seconds if test.startswith(near)},
            most_s,
        )

    def _nearest(self, file: str, chosen: Callable[[Recording], set[str]], most_s: float) -> list[str]:
        tests = {
            test: each.seconds[test]
            for each in self._recordings
            for test in chosen(each)
            if self._newest.get(file_of(test)) is each
        }
        ordered = sorted(tests, key=lambda test: (distance(file, test), tests[test], digest(test.encode())))
        ends = accumulate(tests[test] for test in ordered)
        return [test for test, end in zip(ordered, ends, strict=True) if end <= most_s] or ordered[:1]


def file_of(test: str) -> str:
    """The file of a test, by the test's id."""
    return test.partition("::")[0]


def distance(file: str, test: str) -> int:
    """How far a test's file stands from a file of the estimator: 0 where it bears its name, 1 in the same room, 2 in
    the room around that, and so on.
    """
    path, tests = Path(file), Path(file_of(test))
    if path.stem in tests.stem:
        return 0
    rooms = [Path("tests") / room for room in path.parents]
    return rooms.index(tests.parent) + 1 if tests.parent in rooms else len(rooms) + 1


def files_of(tests: Iterable[str]) -> list[str]:
    """The files of tests, in the order in which they come first."""
    return list(dict.fromkeys(map(file_of, tests)))


def line_then(before: Sequence[str], now: Sequence[str], line: int) -> int:
    """The line of a file as it was that stands where a line of now does, counted from 1."""
    for _, start, stop, now_start, now_stop in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if now_start < line <= now_stop:
            return max(min(start + line - now_start, stop), 1)
    return line


def measure(folder: Path, tree: Path, files: Sequence[str]) -> Recording:
    """Runs files of tests in a tree with a record of their lines and times."""
    folder.mkdir()
    environment = os.environ | {"COVERAGE_FILE": str(folder / "coverage"), "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "scripts.mutation.record", str(folder / "tests.json"), *files]
    subprocess.run(command, cwd=tree, env=environment, check=True)
    shutil.copytree(tree / "estimator", folder / "estimator", ignore=shutil.ignore_patterns("__pycache__"))
    return Recording(folder)


def content(path: Path, data: Path) -> bytes:
    """A file of tests, and the data that it names, or whose package it reads: each kept question is a test."""
    text = path.read_bytes()
    kept = sorted(data.iterdir()) if data.is_dir() else []
    named = [each for each in kept if (each.name if each.is_file() else f"scripts.{each.name}").encode() in text]
    files = [file for each in named for file in ([each] if each.is_file() else sorted(each.iterdir()))]
    return b"".join((text, *(file.read_bytes() for file in files)))


def digest(content: bytes) -> str:
    """Another text for other bytes."""
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Runs the tests of some files of the tree and writes their digests, times and failures."""
    import pytest

    path, *files = sys.argv[1:]
    results = Results()
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--cov=estimator",
        "--cov-context=test",
        "--cov-report=",
        "--cov-fail-under=0",
    ]
    with contextlib.redirect_stdout(sys.stderr):
        pytest.main([*options, *files], plugins=[results])
    digests = {file: digest(content(Path(file), Path(DATA))) for file in files}
    Path(path).write_text(json.dumps((digests, results.seconds, sorted(results.failed))))


if __name__ == "__main__":
    main()
