"""The page of earlier tools' claims is kept true: each figure that has a command is what the command answers."""

import json
import re
from pathlib import Path

import pytest

from tui.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
ROW = re.compile(r"^\| [^|]* \| [^|]* \| `(estimate [^`]*)` \| `([a-z0-9_.]+)` ([0-9.e+-]+) \|", re.MULTILINE)
CLAIMS = {"A": 10, "B": 19, "C": 7, "D": 26, "E": 6}
"""How many claims of each tool were open or partly kept when they were first listed."""
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))


def test_the_page_holds_claims_of_all_five_tools() -> None:
    assert {each[0] for each in named()} >= set("ABCDE")
    assert len(ROWS) >= 15


@pytest.mark.parametrize(("tool", "count"), CLAIMS.items())
def test_every_claim_of_a_tool_has_a_line(tool: str, count: int) -> None:
    assert {each for each in named() if each[0] == tool} - {tool} == {f"{tool}{number + 1}" for number in range(count)}


def named() -> set[str]:
    """Tools and claims in the first column of the page's tables."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = {cell for line in lines if line.startswith("| ") for cell in line.split("|")[1].strip().split(", ")}
    return {cell for cell in cells if re.fullmatch(r"[A-E]\d*", cell)}


@pytest.mark.parametrize(("command", "key", "figure"), ROWS, ids=[f"{at} {row[1]}" for at, row in enumerate(ROWS)])
def test_a_figure_of_the_page_is_what_its_command_answers(
    command: str, key: str, figure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command.split(), "--format", "json"])
    value = json.loads(capsys.readouterr().out)
    for name in key.split("."):
        value = value[name]
    assert value == pytest.approx(float(figure), rel=0.02)
