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


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (("--concurrency", "4", "--requests-per-second", "2"), "--concurrency: --requests-per-second asks for open"),
        (("--train", "lora", "--ttft", "1"), "--ttft: belongs to serving"),
        (("--train", "lora", "--input-tokens", "8k"), "--input-tokens: belongs to serving"),
        (("--train", "lora", "--max-num-seqs", "8"), "--max-num-seqs: belongs to serving"),
    ],
)
def test_options_that_contradict_each_other_are_refused(argv: tuple[str, ...], complaint: str) -> None:
    answer = run("rank", *argv)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert complaint in answer.stderr


@pytest.mark.parametrize("framework", ["", "axolotl", "llama-factory", "torchtitan", "torchtune"])
def test_a_name_in_a_session_can_not_make_the_terminal_act(tmp_path: Path, framework: str) -> None:
    session = tmp_path / "evil.yaml"
    training = f'train: "lora"\nframework: "{framework}"\n' if framework else ""
    session.write_text(f'model: "a\\u001b]52;c;aGFja2Vk\\u0007/Qwen3-8B-FP8"\n{training}')
    answer = run("command", str(session), "--instance", "p5.48xlarge")
    assert not {"\x1b", "\x07"} & set(answer.stdout + answer.stderr)
    assert answer.returncode == 2
