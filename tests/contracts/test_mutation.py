"""The mutants that are run by hand: each is another program, and nothing but programs is changed."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

from coverage import CoverageData

from scripts.mutation.judge import Chosen, judging_tests
from scripts.mutation.mutants import ROOT, mutants
from scripts.mutation.record import Record

SOURCE = '''\
"""1 + 1 == 2"""
from typing import Annotated

Room = Annotated[int, 7]

def rooms(count: Annotated[int, 3], full: bool = False) -> int:
    if count >= 4 and not full:
        raise ValueError(f"{count + 1} rooms")
    return count * 2 if full else count - 1
'''


def test_each_mutant_is_another_program_and_texts_and_annotations_stay(tmp_path: Path) -> None:
    path = tmp_path / "rooms.py"
    path.write_text(SOURCE)
    changes = {(mutant.before, mutant.after) for mutant in mutants(path)}
    assert changes == {
        ("False", "(True)"),
        ("count >= 4 and not full", "(count >= 4 or not full)"),
        ("count >= 4", "(count > 4)"),
        ("4", "(5)"),
        ("not full", "(full)"),
        ("count * 2 if full else count - 1", "(count - 1 if full else count * 2)"),
        ("count * 2", "(count / 2)"),
        ("2", "(3)"),
        ("count - 1", "(count + 1)"),
        ("1", "(2)"),
    }
    for mutant in mutants(path):
        assert ast.dump(ast.parse(mutant.text())) != ast.dump(ast.parse(SOURCE))


def test_every_room_of_the_estimator_has_tests_that_judge_its_mutants() -> None:
    for path in (ROOT / "estimator").rglob("*.py"):
        assert all((ROOT / tests).exists() for tests in judging_tests(path))


def test_the_tests_of_a_mutant_are_those_that_run_its_line_wherever_they_were_recorded(tmp_path: Path) -> None:
    """The record may be of a copy of the tree; what is run at import has no test."""
    lines = CoverageData(str(tmp_path / "coverage"))
    lines.set_context("tests/a.py::test_one|run")
    lines.add_lines({"/elsewhere/estimator/units.py": {1, 2}})
    lines.set_context("")
    lines.add_lines({"/elsewhere/estimator/units.py": {2, 3}})
    lines.write()
    (tmp_path / "seconds.json").write_text(json.dumps({"tests/a.py": 2.0, "tests/b.py": 1.0}))
    record = Record(tmp_path, ROOT)
    mutant = next(mutants(ROOT / "estimator" / "units.py"))
    of_lines = [record.tests_of(mutant._replace(line=line)) for line in (1, 2, 3)]
    assert of_lines == [{"tests/a.py::test_one"}, {"tests/a.py::test_one"}, frozenset()]
    assert record.quickest_first({"tests/a.py", "tests/b.py"}) == ["tests/b.py", "tests/a.py"]


def test_only_the_chosen_tests_are_kept_the_files_in_their_order() -> None:
    tests = [SimpleNamespace(nodeid=name) for name in ("a.py::one", "a.py::two", "b.py::three", "b.py::four")]
    Chosen(frozenset({"a.py::two", "b.py::three", "b.py::four"}), ["b.py", "a.py"]).pytest_collection_modifyitems(tests)
    assert [each.nodeid for each in tests] == ["b.py::three", "b.py::four", "a.py::two"]
