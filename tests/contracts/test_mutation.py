"""The mutants that are run by hand: each is another program, and nothing but programs is changed."""

import ast
import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from coverage import CoverageData

from scripts.mutation import patch, record
from scripts.mutation.judge import Chosen, judging_tests
from scripts.mutation.mutants import ROOT, mutants
from scripts.mutation.record import TESTS, Record, Recording, file_of, line_then

SOURCE = '''\
"""1 + 1 == 2"""
from typing import Annotated

Room = Annotated[int, 7]

def rooms(count: Annotated[int, 3], full: bool = False) -> int:
    if count >= 4 and not full:
        raise ValueError(f"{count + 1} rooms")
    zip("a", "b", strict=True)
    count = min(count, 1e18)
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


def recording(folder: Path, text: str, lines: dict[str, set[int]], seconds: dict[str, float]) -> None:
    """A record of tests of `units.py` when it had this text."""
    (folder / "estimator").mkdir(parents=True)
    (folder / "estimator" / "units.py").write_text(text)
    data = CoverageData(str(folder / "coverage"))
    for context, ran in lines.items():
        data.set_context(context)
        data.add_lines({"/elsewhere/estimator/units.py": ran})
    data.write()
    (folder / "tests.json").write_text(
        json.dumps(({file_of(test): "" for test in seconds}, seconds, ["tests/a.py::failed"]))
    )


def test_the_tests_of_a_line_are_those_that_passed_and_ran_it_wherever_they_were_recorded(tmp_path: Path) -> None:
    """The record may be of a copy of the tree and of an older text; what is run at import has no test."""
    text = (ROOT / "estimator" / "units.py").read_text()
    seconds = {"tests/a.py::one": 2.0, "tests/a.py::failed": 1.0}
    lines = {"tests/a.py::one|run": {2, 3}, "tests/a.py::failed|run": {3}, "": {3, 4}}
    recording(tmp_path / "now", text, lines, seconds)
    recording(tmp_path / "then", f"# a line more\n{text}", lines, seconds)
    now, then = (
        [Recording(tmp_path / each).tests_of("estimator/units.py", line) for line in (1, 2, 3, 4)]
        for each in ("now", "then")
    )
    assert now == [set(), {"tests/a.py::one"}, {"tests/a.py::one"}, set()]
    assert then == [{"tests/a.py::one"}, {"tests/a.py::one"}, set(), set()]


def test_a_line_is_found_where_it_stood_and_a_new_one_where_it_was_put() -> None:
    before, now = ["a", "b", "c", "d"], ["a", "new", "b", "other", "d"]
    assert [line_then(before, now, line) for line in (1, 2, 3, 4, 5)] == [1, 1, 2, 3, 4]


def test_only_files_of_tests_that_have_changed_are_recorded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests, asked = tmp_path / "tree" / TESTS, []
    tests.mkdir(parents=True)

    def measure(folder: Path, tree: Path, files: list[str]) -> Recording:
        asked.append(files)
        recording(folder, "", {f"{file}::it|run": {1} for file in files}, {f"{file}::it": 1.0 for file in files})
        digests = {file: record.digest(record.content(tree / file, tree / record.DATA)) for file in files}
        (folder / "tests.json").write_text(json.dumps((digests, {}, [])))
        return Recording(folder)

    monkeypatch.setattr(record, "measure", measure)
    (tests / "test_a.py").write_text("a")
    (tests / "test_b.py").write_text("b")
    Record(tmp_path / "record", tmp_path / "tree")
    (tests / "test_b.py").write_text("other")
    for _ in range(2):
        Record(tmp_path / "record", tmp_path / "tree")
    assert asked == [[f"{TESTS}/test_a.py", f"{TESTS}/test_b.py"], [f"{TESTS}/test_b.py"]]


def test_the_data_that_a_file_of_tests_names_is_part_of_it(tmp_path: Path) -> None:
    """A kept question more is a test more, though no file of tests has changed."""
    table, folder, test = tmp_path / "data" / "rooms.json", tmp_path / "data" / "figures", tmp_path / "test_rooms.py"
    folder.mkdir(parents=True)
    seen = []
    for text in ("no data", 'TABLE = "rooms.json"', "from scripts.figures import kept"):
        test.write_text(text)
        for number in range(2):
            table.write_text(f"table {number}")
            (folder / "one.txt").write_text(f"kept {number}")
            seen.append(record.content(test, tmp_path / "data"))
    assert [one == other for one, other in zip(seen[::2], seen[1::2], strict=True)] == [True, False, False]
    assert (b"table" in seen[2], b"kept 0" in seen[2]) == (True, False)


def test_tests_of_a_file_s_own_name_come_first_then_those_of_its_room_and_of_the_rooms_around_it() -> None:
    tests = ("serving/load/test_lengths.py", "serving/load/test_slots.py", "serving/test_offload.py", "test_kept.py")
    tests = (*tests, "models/test_formats.py")
    distances = [record.distance("estimator/serving/load/lengths.py", f"{TESTS}/{test}::it") for test in tests]
    assert distances == [0, 1, 2, 3, 5]


def test_only_the_chosen_tests_are_kept_in_their_order() -> None:
    tests = [SimpleNamespace(nodeid=name) for name in ("a.py::one", "a.py::two", "b.py::three", "b.py::four")]
    Chosen(["b.py::four", "a.py::two"]).pytest_collection_modifyitems(tests)
    assert [each.nodeid for each in tests] == ["b.py::four", "a.py::two"]


LOADED = """\
from typing import NamedTuple

MOST = 300 + 40

class Room(NamedTuple):
    beds: int = 2

def most(rooms: int = 5) -> int:
    return rooms * MOST + Room().beds
"""


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("rooms * MOST", "(rooms / MOST)", 5 / 340 + 2),
        ("300 + 40", "(300 - 40)", 5 * 260 + 2),
        ("2", "(3)", 5 * 340 + 3),
        ("5", "(6)", 6 * 340 + 2),
    ],
)
def test_a_mutant_takes_the_place_of_the_loaded_function_value_or_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, result: float
) -> None:
    (tmp_path / "house.py").write_text(LOADED)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(patch, "ROOT", tmp_path)
    monkeypatch.delitem(sys.modules, "house", raising=False)
    importlib.invalidate_caches()
    loaded = importlib.import_module("house")
    most = loaded.most
    assert most() == 5 * 340 + 2
    (mutant,) = (each for each in mutants(tmp_path / "house.py") if (each.before, each.after) == (before, after))
    assert patch.patch_functions(mutant, tmp_path) is (before == "rooms * MOST")
    assert before == "rooms * MOST" or patch.patch_values(mutant, tmp_path)
    assert most() == result
