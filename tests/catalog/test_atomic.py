"""A file is the old one or the new one."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from catalog import atomic


def test_it_replaces_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    atomic.write(path, "old")
    atomic.write(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["b.txt"]


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "real.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    atomic.write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_parts_that_killed_writes_left_are_removed_when_old(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / name for name in (".b.txt.1.part", ".b.txt.2.part", ".c.txt.1.part"))
    for path in (old, fresh, other):
        path.write_text("half")
    for path in (old, other):
        os.utime(path, (1, 1))
    atomic.write(tmp_path / "b.txt", "new")
    assert sorted(os.listdir(tmp_path)) == [".b.txt.2.part", ".c.txt.1.part", "b.txt"]


def test_text_that_utf_8_can_not_hold_is_written_as_escapes(tmp_path: Path) -> None:
    atomic.write(tmp_path / "b.txt", "a\udc80b")
    assert (tmp_path / "b.txt").read_text() == "a\\udc80b"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.txt"
    atomic.write(path, "old")

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["b.txt"]
