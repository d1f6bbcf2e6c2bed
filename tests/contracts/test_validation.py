"""The page of earlier tools' claims is kept true: each figure that has a command is what the command answers."""

import json
import re
from pathlib import Path

import pytest

from tui.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
ROW = re.compile(r"^\| [^|]* \| [^|]* \| `(estimate [^`]*)` \| `([a-z0-9_.]+)` ([0-9.e+-]+) \|", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))


def test_the_page_holds_claims_of_all_five_tools() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    named = {tool for line in lines if line.startswith("| ") for tool in line.split("|")[1].strip().split(", ")}
    assert set("ABCDE") <= named
    assert len(ROWS) >= 15


@pytest.mark.parametrize(("command", "key", "figure"), ROWS, ids=[f"{at} {row[1]}" for at, row in enumerate(ROWS)])
def test_a_figure_of_the_page_is_what_its_command_answers(
    command: str, key: str, figure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command.split(), "--format", "json"])
    value = json.loads(capsys.readouterr().out)
    for name in key.split("."):
        value = value[name]
    assert value == pytest.approx(float(figure), rel=0.02)
