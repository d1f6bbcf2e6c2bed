"""The mutants that are run by hand: each is another program, and nothing but programs is changed."""

import ast
from pathlib import Path

from scripts.mutation import ROOT, judging_tests, mutants

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
        text = SOURCE.encode()
        changed = text[: mutant.start] + mutant.after.encode() + text[mutant.stop :]
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))


def test_every_room_of_the_estimator_has_tests_that_judge_its_mutants() -> None:
    for path in (ROOT / "estimator").rglob("*.py"):
        assert all((ROOT / folder).is_dir() for folder in judging_tests(path))
