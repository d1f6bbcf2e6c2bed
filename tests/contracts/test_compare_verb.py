"""Sessions side by side without a screen, and the classic recommendation."""

import csv
import json
from pathlib import Path

import pytest

from tui.cli import main

BASE = "instance: g7e.2xlarge\n"


@pytest.fixture
def sessions(tmp_path: Path) -> list[str]:
    """Two sessions of one machine that differ in the weight format alone."""
    for name, text in (("fp8", BASE), ("int4", BASE + "weights: int4-awq\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    return [str(tmp_path / "fp8.yaml"), str(tmp_path / "int4.yaml")]


def output(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    status = main(argv)
    return status, capsys.readouterr().out


def test_two_sessions_are_compared_with_the_first(capsys: pytest.CaptureFixture[str], sessions: list[str]) -> None:
    status, out = output(capsys, "compare", *sessions, "--format", "json")
    page = json.loads(out)
    assert (status, page["schema"]) == (0, 2)
    assert [each["name"] for each in page["candidates"]] == ["fp8: g7e.2xlarge", "int4: g7e.2xlarge"]
    assert [each["scenario"]["weights"] for each in page["candidates"]] == ["fp8", "int4-awq"]
    line = next(line for line in page["comparison"] if line["title"] == "users held")
    users = [each["performance"]["max_users"] for each in page["candidates"]]
    assert users[1] > users[0]
    assert line["deltas"] == [None, f"{users[1] / users[0]:.1f}×"]
    assert "model" not in [line["title"] for line in page["comparison"]]  # both have it: no line says so twice


def test_a_candidate_is_what_estimate_says_of_it(capsys: pytest.CaptureFixture[str], sessions: list[str]) -> None:
    page = json.loads(output(capsys, "compare", *sessions, "--format", "json")[1])
    alone = json.loads(output(capsys, "estimate", sessions[1], "--format", "json")[1])
    compared = page["candidates"][1]
    judged = {key: value for key, value in alone.items() if key not in ("schema", "advice")}
    assert {key: compared[key] for key in judged} == judged


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_every_form_for_people_holds_the_same_cells(
    capsys: pytest.CaptureFixture[str], sessions: list[str], form: str
) -> None:
    lines = json.loads(output(capsys, "compare", *sessions, "--format", "json")[1])["comparison"]
    status, out = output(capsys, "compare", *sessions, "--format", form)
    assert status == 0
    for line in lines:
        assert line["title"] in out
        assert all(text in out for text in line["texts"])


def test_text_says_first_what_all_have_in_common(
    capsys: pytest.CaptureFixture[str], sessions: list[str], tmp_path: Path
) -> None:
    """Sessions that name no format have the default one, which stands nowhere else where they share it."""
    (tmp_path / "busy.yaml").write_text(BASE + "concurrency: 32\n")
    busy = output(capsys, "compare", sessions[0], str(tmp_path / "busy.yaml"))[1].splitlines()
    assert {"fp8 kv bf16", "Llama-3.3-70B-Instruct", "vllm"} <= set(busy[0].split(" | "))
    assert busy[1] == ""
    formats = output(capsys, "compare", *sessions)[1].splitlines()
    assert "fp8 kv bf16" not in formats[0]
    assert output(capsys, "compare", sessions[0])[1].splitlines()[0].strip() == "A fp8: g7e.2xlarge"


def test_csv_is_the_figures_of_each_candidate_as_numbers(
    capsys: pytest.CaptureFixture[str], sessions: list[str]
) -> None:
    """A spreadsheet can reckon with them: no units, marks or deltas in a cell."""
    candidates = json.loads(output(capsys, "compare", *sessions, "--format", "json")[1])["candidates"]
    table = list(csv.DictReader(output(capsys, "compare", *sessions, "--format", "csv")[1].splitlines()))
    assert [row["name"] for row in table] == ["fp8: g7e.2xlarge", "int4: g7e.2xlarge"]
    assert [row["scenario_weights"] for row in table] == ["fp8", "int4-awq"]
    for row, candidate in zip(table, candidates, strict=True):
        assert float(row["performance_tpot_s_typical"]) == pytest.approx(
            candidate["performance"]["tpot_s"]["typical"], rel=1e-5
        )
        assert float(row["memory_weights_bytes"]) == candidate["memory"]["weights_bytes"]


def test_a_session_that_is_called_as_its_machine_is_named_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "g7e.2xlarge.yaml").write_text(BASE)
    out = output(capsys, "compare", str(tmp_path / "g7e.2xlarge.yaml"), "--format", "markdown")[1]
    assert out.splitlines()[0] == "|  | A g7e.2xlarge |"


def test_the_pins_of_a_session_are_its_columns(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, sessions: list[str]
) -> None:
    pins = '[{"machine": "g7e.2xlarge", "name": "small"}, {"machine": "p5.48xlarge", "concurrency": 64}]'
    (tmp_path / "pins.yaml").write_text(f"pins: {pins}\n")
    page = json.loads(output(capsys, "compare", str(tmp_path / "pins.yaml"), sessions[0], "--format", "json")[1])
    assert [each["name"] for each in page["candidates"]] == ["small", "p5.48xlarge", "fp8: g7e.2xlarge"]


def test_what_has_no_figures_in_common_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, sessions: list[str]
) -> None:
    (tmp_path / "run.yaml").write_text("model: meta-llama/Llama-3.1-8B\ntrain: lora\n")
    assert main(("compare", sessions[0], str(tmp_path / "run.yaml"))) == 2
    assert "training runs" in capsys.readouterr().err
    assert main(("compare", *sessions * 5)) == 2
    assert "8 are compared at most" in capsys.readouterr().err
    assert main(("compare", str(tmp_path / "nowhere.yaml"))) == 2


def test_the_classic_answer_is_at_most_five_of_each_by_price(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = output(capsys, "recommend", "--model", "8B", "--weights", "bf16", "--format", "json")
    page = json.loads(out)
    assert status == 0
    for key, fits in (
        ("single_accelerator", lambda count: count <= 1),
        ("several_accelerators", lambda count: count > 1),
    ):
        prices = [row["cost"]["price_usd_per_hour"] for row in page[key]]
        assert 0 < len(prices) <= 5
        assert prices == sorted(prices)
        assert all(fits(row["accelerators"]) for row in page[key])
    assert main(("recommend", "--model", "8B", "--weights", "bf16", "--format", "markdown")) == 0
    assert capsys.readouterr().out.count("\n| --- ") == 2
