"""A process that has collected every test once, so that a mutant of a function costs no more than its tests."""

import os
import signal
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from scripts.mutation.mutants import Mutant
from scripts.mutation.patch import forget, patch_functions, patch_values

Verdict = Literal["survives", "killed", "loaded"]
"""What becomes of a mutant; one that was `loaded` changes what ran at import, and what others made of it then needs
another process."""
VERDICTS: tuple[Verdict, ...] = ("survives", "killed", "loaded")
LONGEST_S = 20.0
"""Seconds of processor time after which one test counts as failed: the mutant hangs."""


class Collected:
    """The process, from the side that asks it."""

    def __init__(self, tree: Path, tests: Sequence[str]) -> None:
        self._asked, theirs = Pipe()
        self.process = os.fork()
        if not self.process:
            self._asked.close()
            run_tests(tree, tests, [Judging(theirs, tree)])
        theirs.close()

    def judge(self, mutant: Mutant, tests: Sequence[str]) -> Verdict:
        """Whether one of these tests, in their order, fails under a mutant."""
        self._asked.send((mutant, tests))
        verdict: Verdict = self._asked.recv()
        return verdict

    def close(self) -> None:
        """Ends the process."""
        self._asked.close()
        os.waitpid(self.process, 0)


class Judging:
    """A plugin of pytest that runs, in place of all tests, those that it is asked for, each time in a child."""

    def __init__(self, asked: Connection, tree: Path) -> None:
        self.asked, self.tree = asked, tree

    def pytest_runtestloop(self, session: Any) -> bool:
        items = {item.nodeid: item for item in session.items}
        while True:
            try:
                mutant, tests = self.asked.recv()
            except EOFError:
                return True
            self.asked.send(self._verdict(session, mutant, [items[test] for test in tests if test in items]))

    def _verdict(self, session: Any, mutant: Mutant, items: list[Any]) -> Verdict:
        child = os.fork()
        if not child:
            status = VERDICTS.index("killed")
            try:
                status = VERDICTS.index(self._run(session, mutant, items))
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return VERDICTS[status] if 0 <= status < len(VERDICTS) else "killed"

    def _run(self, session: Any, mutant: Mutant, items: list[Any]) -> Verdict:
        whole = patch_functions(mutant, self.tree)
        if not whole and not patch_values(mutant, self.tree):
            return "loaded"
        forget(self.tree)
        for item, following in zip(items, (*items[1:], None), strict=False):
            signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_S)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return "killed"
        return "survives" if whole else "loaded"


def run_tests(tree: Path, arguments: Sequence[str], plugins: Sequence[object]) -> None:
    """Runs tests of a tree in this process, silently, and ends it with their status."""
    import sys

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
        status = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *arguments], plugins=list(plugins)))
    finally:
        os._exit(status)
