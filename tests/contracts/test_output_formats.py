"""Every verb answers as CSV and as Markdown, with the status and the figures of its JSON."""

import csv
import io
import json

import pytest

from tui.cli import main

ASKED = ("--model", "meta-llama/Llama-3.1-8B", "--instance", "g6e.xlarge")
VERBS = {
    "estimate": ("estimate", *ASKED),
    "training": ("estimate", *ASKED, "--train", "lora"),
    "rank": ("rank", "--limit", "2"),
    "recommend": ("recommend", "--model", "meta-llama/Llama-3.1-8B"),
    "model": ("model", "openai/gpt-oss-20b", "7B"),
    "command": ("command", *ASKED),
    "recipe": ("command", *ASKED, "--train", "lora"),
    "plan": ("plan", *ASKED, "--limit", "2"),
    "list": ("catalog", "list", "h100"),
    "show": ("catalog", "show", "h100-sxm"),
}


def said(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], form: str) -> tuple[int, str]:
    status = main((*argv, "--format", form))
    return status, capsys.readouterr().out


@pytest.mark.parametrize("name", VERBS)
def test_csv_is_a_table_of_one_width_with_the_status_of_the_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = said(capsys, VERBS[name], "csv")
    assert status == said(capsys, VERBS[name], "text")[0] == 0
    rows = list(csv.reader(io.StringIO(out)))
    assert len(rows) >= 2
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("name", VERBS)
def test_markdown_has_a_table_of_one_width(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = said(capsys, VERBS[name], "markdown")
    table = [line.replace("\\|", "") for line in out.splitlines() if line.startswith("|")]
    assert status == 0
    assert len(table) >= 3
    assert set(table[1]) <= set("| -")
    assert all(line.endswith("|") for line in table)


def test_the_figures_are_those_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    page = json.loads(said(capsys, VERBS["estimate"], "json")[1])
    (row,) = csv.DictReader(io.StringIO(said(capsys, VERBS["estimate"], "csv")[1]))
    assert row["instance"] == page["instance"]
    assert float(row["cost_price_usd_per_hour"]) == page["cost"]["price_usd_per_hour"]
    listed = said(capsys, VERBS["estimate"], "markdown")[1]
    assert f"| cost_price_usd_per_hour | {page['cost']['price_usd_per_hour']:.6g} |" in listed


def test_a_catalogue_without_problems_is_an_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, ("catalog", "check"), "csv") == (0, "\n")
