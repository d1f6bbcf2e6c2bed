"""Every command that the README and the pages show is run as it stands, beside the files that it names."""

import json
import os
import re
import shlex
import shutil
from itertools import islice
from pathlib import Path

import pytest

from tests.catalog.sources.test_folders import LLAMA, TENSORS, write_gguf
from tui.cli import main

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SERVERS = ("serve", "mcp")
"""They answer until they are stopped; their own tests start them."""
ADDITIONS = ("acme", "@0.99")
"""What the pages for maintainers add first: test_additions runs those commands after the addition."""


def commands() -> list[str]:
    shown = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            lines = (line.partition("  #")[0].strip() for line in block.splitlines())
            shown += [line for line in lines if line.startswith("llmcalc-tui ")]
    return list(dict.fromkeys(line for line in shown if not any(name in line for name in ADDITIONS)))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands name: two sessions, a checkpoint, a .gguf, measurements, a file of the user's catalogue."""
    config = {"architectures": ["LlamaForCausalLM"], "hidden_size": 512, "num_hidden_layers": 2, "vocab_size": 1000}
    config |= {"num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 1024}
    (tmp_path / "my-checkpoint").mkdir()
    (tmp_path / "my-checkpoint" / "config.json").write_text(json.dumps(config))
    for name, users in (("monday", 8), ("tuesday", 16)):
        (tmp_path / f"{name}.yaml").write_text(f"model: Qwen/Qwen3-8B\nweights: bf16\nconcurrency: {users}\n")
    with (ROOT / "catalog" / "data" / "evidence" / "memory.csv").open(encoding="utf-8") as rows:
        (tmp_path / "my-measurements.csv").write_text("".join(islice(rows, 4)), encoding="utf-8")
    write_gguf(tmp_path / "model.gguf", LLAMA, TENSORS)
    own = tmp_path / "home" / ".config" / "llmcalc-tui" / "catalog"
    own.mkdir(parents=True)
    for name in ("accelerators.yaml", "engines.yaml"):
        shutil.copy(ROOT / "catalog" / "data" / name, own)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_there_are_commands_to_run() -> None:
    assert len(commands()) > 12


@pytest.mark.parametrize("command", commands())
def test_a_documented_command_answers(command: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [os.path.expanduser(each) for each in shlex.split(command)[1:]]  # as a shell does
    if arguments[0] in SERVERS:
        arguments = [arguments[0], "--help"]
    status = main(arguments)
    captured = capsys.readouterr()
    assert status == 0, captured.err
    assert captured.out.strip()
    assert captured.err == ""
