"""The share of branches that `make coverage` asks for beside coverage's own figure."""

import sys
from pathlib import Path

import pytest
from coverage import Coverage

from scripts.branches import branches, main, measured, untaken

SOURCE = """\
def size(rooms):
    if rooms > 3:
        return "large"
    return "small"
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that took one of two branches."""
    (tmp_path / "house.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    coverage = Coverage(data_file=str(tmp_path / "record"), branch=True, include=[str(tmp_path / "house.py")])
    house: dict[str, object] = {}
    coverage.start()
    exec(compile(SOURCE, str(tmp_path / "house.py"), "exec"), house)
    assert house["size"](2) == "small"  # type: ignore[operator]
    coverage.stop()
    coverage.save()
    return tmp_path / "record"


def test_branches_are_counted_without_lines_and_those_left_out_are_named(record: Path) -> None:
    report = measured(str(record))
    assert branches(report["totals"]) == (1, 2)
    assert list(untaken(report["files"])) == [("house.py", [[2, 3]])]


@pytest.mark.parametrize(("least", "status"), [("50", 0), ("51", 1)])
def test_too_small_a_share_is_a_failure(
    record: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], least: str, status: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["branches", "--record", str(record), "--least", least])
    assert main() == status
    assert capsys.readouterr().out == "house.py: 2->3\n1 of 2 branches (50.0 %)\n"
