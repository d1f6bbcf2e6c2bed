"""Which tests run which lines of the estimator, and how long the tests of a file take."""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.mutation.mutants import ROOT, Mutant

if TYPE_CHECKING:
    from coverage import CoverageData

TESTS = ("tests/estimator",)
"""What judges a mutant: the estimator's own tests. Those of the catalogue run its lines as well, and read files."""
SECONDS = "seconds.json"


class Seconds:
    """A plugin of pytest that adds up the time of each file's tests."""

    def __init__(self) -> None:
        self.by_file: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.by_file[report.nodeid.partition("::")[0]] += report.duration


class Record:
    """Lines by test, measured once in a tree and kept in a folder."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self._coverage, self._seconds = folder / "coverage", folder / SECONDS
        if not (self._coverage.exists() and self._seconds.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            environment = os.environ | {"COVERAGE_FILE": str(self._coverage), "PYTHONPATH": str(tree)}
            command = [sys.executable, "-m", "scripts.mutation.record", str(self._seconds)]
            subprocess.run(command, cwd=tree, env=environment, check=True)

    @cached_property
    def lines(self) -> "CoverageData":
        """Coverage with a context for each test."""
        from coverage import CoverageData

        data = CoverageData(str(self._coverage))
        data.read()
        return data

    @cached_property
    def _measured(self) -> Mapping[str, str]:
        """Where each file of the estimator stood when it was measured, by its path in the tree."""
        return {f"estimator{file.rpartition('/estimator')[2]}": file for file in self.lines.measured_files()}

    @cached_property
    def seconds(self) -> Mapping[str, float]:
        """Seconds of all tests of a file, by its path."""
        return json.loads(self._seconds.read_text())

    def tests_of(self, mutant: Mutant) -> frozenset[str]:
        """Ids of the tests that run a mutant's line."""
        measured = self._measured.get(mutant.path.relative_to(ROOT).as_posix())
        contexts = self.lines.contexts_by_lineno(measured) if measured else {}
        return frozenset(each.partition("|")[0] for each in contexts.get(mutant.line, ()) if each)

    def quickest_first(self, files: Iterable[str]) -> list[str]:
        """Files of tests in the order of their time."""
        return sorted(files, key=lambda file: (self.seconds.get(file, 0.0), file))


def main() -> int:
    """Runs the tests of the tree with a record of their lines and times."""
    import pytest

    seconds = Seconds()
    options = ["-q", "-p", "no:cacheprovider", "--cov", "--cov-context=test", "--cov-report="]
    with contextlib.redirect_stdout(sys.stderr):
        status = pytest.main([*options, *TESTS], plugins=[seconds])
    Path(sys.argv[1]).write_text(json.dumps(seconds.by_file))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
