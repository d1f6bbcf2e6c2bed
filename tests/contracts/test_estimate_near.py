"""The text of an estimate ends with what was measured nearest to it."""

import pytest

from tui.__main__ import main


def test_an_estimate_names_the_nearest_measured_case_and_our_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--model", "meta-llama/Llama-3.3-70B-Instruct", "--instance", "p5.48xlarge"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("nearest measured case: ") == 3
    assert "Llama-3.3-70B-Instruct fp8 on" in shown
    assert "predicted: " in shown
