"""The program without a verb: one line where it can not start, and its version."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tui", *argv], capture_output=True, text=True, input="")


@pytest.mark.parametrize(
    ("argv", "said"),
    [((), "not a terminal"), (("--bogus",), "--bogus"), (("nowhere.yaml",), "nowhere.yaml: no such file")],
)
def test_what_can_not_start_is_one_line_and_status_2(argv: tuple[str, ...], said: str) -> None:
    found = run(*argv)
    assert (found.returncode, found.stdout) == (2, "")
    (line,) = found.stderr.splitlines()
    assert said in line


def test_a_broken_session_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "session.yaml"
    path.write_text("model: meta-llama/Llama-3.1-8B\ninput-tokens: -3\n")
    found = run(str(path))
    assert found.returncode == 2
    assert "session.yaml:2" in found.stderr


def test_verbs_and_version_answer() -> None:
    assert run("--version").stdout.startswith("llmcalc-tui ")
    assert run("model", "7B", "--format", "json").returncode == 0
