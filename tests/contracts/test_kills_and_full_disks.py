"""Killed while saving, out of space, without a home, with a damaged cache, twice at once: nothing is lost."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import NoReturn

import pytest

from catalog import atomic, cache
from scripts.kill_saves import Saved, bundle, kill_once, prices, session
from tui.cli import main
from tui.state import store
from tui.state.session import Session

KILLS = 25
"""Of each kind; `python -m scripts.kill_saves` takes 500."""


@pytest.mark.parametrize("saved", [session(), prices(), bundle()], ids=lambda saved: saved.name)
def test_a_kill_while_saving_leaves_one_whole_state(saved: Saved, tmp_path: Path) -> None:
    random = Random(7)
    assert {kill_once(saved, tmp_path, random) for _ in range(KILLS)} <= {0, 1}


def test_two_instances_of_one_session_leave_a_whole_one(tmp_path: Path) -> None:
    saved, writers = session(), []
    saved.save(tmp_path, 0)
    for _ in range(2):
        process = os.fork()
        if process == 0:
            try:
                for at in range(200):
                    saved.save(tmp_path, at % 2)
            finally:
                os._exit(0)
        writers.append(process)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert saved.state(tmp_path) in (0, 1)
    for process in writers:
        assert os.waitpid(process, 0)[1] == 0
    assert saved.state(tmp_path) in (0, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["session.yaml"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_said_and_leaves_what_was_there(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "session.yaml"
    assert store.save(Session(), path) == ""
    before = path.read_bytes()

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    assert store.save(Session(sort="cost"), path) == f"session not saved: {path}: No space left on device"
    assert not cache.write(tmp_path / "catalog.cache", {"a": "1"}, "q", "c")
    with pytest.raises(OSError, match="No space left"):
        atomic.write(tmp_path / "prices.yaml", "x")
    assert [each.name for each in tmp_path.iterdir()] == ["session.yaml"]
    assert path.read_bytes() == before


ASKED = ("--instance", "g6.xlarge", "--model", "Qwen/Qwen3-0.6B")


def without_space() -> None:
    """Every file of the process ends at its first byte, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


@pytest.mark.parametrize("home", ["full", "absent"])
def test_headless_verbs_answer_without_a_byte_of_space(home: str, tmp_path: Path) -> None:
    folder = str(tmp_path) if home == "full" else "/proc/nowhere"
    environment = os.environ | {"HOME": folder} | {f"XDG_{name}_HOME": folder for name in ("CACHE", "CONFIG", "STATE")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tui",
            "estimate",
            "--instance",
            "g6.xlarge",
            "--model",
            "Qwen/Qwen3-0.6B",
            "--format",
            "json",
        ],
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=without_space if home == "full" else None,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["verdict"] == "fits"


SECTIONS = {"inventory": '{"a": 1}', "regions": '{"here": "Here"}', "problems": "[]"}


def test_whichever_bytes_of_the_cache_are_damaged_the_catalogue_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "build", lambda folders: SECTIONS)
    folders = (tmp_path / "data",)
    path, stamp = cache.own_bundle(folders), cache.Stamp(folders)
    assert cache.write(path, SECTIONS, stamp.quick(), stamp.content())
    whole = path.read_bytes()
    for start in range(len(whole)):
        for length in (1, 16):
            damaged = bytes(255 - byte for byte in whole[start : start + length])
            path.write_bytes(whole[:start] + damaged + whole[start + length :])
            assert dict(cache.open_bundle(path, folders) or SECTIONS) == SECTIONS
    for start in range(0, len(whole), 11):
        path.write_bytes(whole[:start])
        assert dict(cache.sections(folders)) == SECTIONS
        assert path.read_bytes() == whole


def test_a_session_on_a_full_disk_is_still_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("model: Qwen/Qwen3-0.6B\nweights: bf16\ninstance: g6.xlarge\n")
    assert main(["estimate", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "fits"
    assert path.read_text().startswith("model: Qwen/Qwen3-0.6B\n")
