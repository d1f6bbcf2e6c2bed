"""`sweep`: one line of JSON for every combination, the same figures as `rank` with these options."""

import json

import pytest

from tui.cli import main

AT = ("--model", "Qwen/Qwen3-8B", "--instance", "g6e.xlarge")


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]]]:
    status = main(("sweep", *AT, *arguments))
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_combination_is_a_line_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    status, page = lines(capsys, "--over", "weights=bf16,fp8", "--over", "concurrency=1..8*2")
    assert status == 0
    assert [line["over"] for line in page] == [
        {"weights": weights, "concurrency": users} for weights in ("bf16", "fp8") for users in (1, 2, 4, 8)
    ]
    assert {line["schema"] for line in page} == {2}


def test_a_line_is_the_row_of_rank(capsys: pytest.CaptureFixture[str]) -> None:
    _, (line,) = lines(capsys, "--over", "input-tokens=4k")
    assert main(("rank", *AT, "--input-tokens", "4k", "--format", "json")) == 0
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert {key: value for key, value in line.items() if key not in ("schema", "over")} == row


def test_a_model_of_an_axis_starts_in_its_own_format(capsys: pytest.CaptureFixture[str]) -> None:
    """As `--model` does on the command line: an upload that is published quantised stays so."""
    _, (line,) = lines(capsys, "--over", "model=openai/gpt-oss-20b")
    assert main(("rank", "--model", "openai/gpt-oss-20b", *AT[2:], "--format", "json")) == 0
    assert line["memory"] == json.loads(capsys.readouterr().out)["rows"][0]["memory"]


def test_a_refused_combination_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    status, page = lines(capsys, "--over", "weights=fp99,fp8")
    assert status == 0
    assert "unknown format" in str(page[0]["refused"])
    assert page[1]["verdict"] == "fits"


def test_nothing_that_fits_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status, page = lines(capsys, "--over", "weights=fp98,fp99")
    assert (status, len(page)) == (1, 2)


@pytest.mark.parametrize(
    ("over", "complaint"),
    [
        ("weights", "is not OPTION=V,V,…"),
        ("wieghts=fp8", "did you mean weights"),
        ("concurrency=0..8*2", "never ends"),
        ("concurrency=1..8+0", "never ends"),
        ("input-tokens=1..9000000", "more than 1,000,000 values"),
    ],
)
def test_a_wrong_axis_is_one_line(capsys: pytest.CaptureFixture[str], over: str, complaint: str) -> None:
    assert main(("sweep", *AT, "--over", over)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert complaint in captured.err
    assert captured.err.count("\n") == 1


def test_an_axis_said_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("sweep", *AT, "--over", "tp=1", "--over", "tp=2")) == 2
    assert "tp is varied twice" in capsys.readouterr().err
