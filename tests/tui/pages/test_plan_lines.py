"""A plan as lines."""

import pytest

from tui.cli import main


def test_the_load_is_drawn_by_its_hours_however_few_replicas_carry_it(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model", "Qwen/Qwen3-8B", "--instance", "g6e.xlarge", "--requests-per-second", "0.5")
    assert main(("plan", *options, "--day", "office")) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert set(lines["replicas"]) == {"1"}
    assert len(lines["load"]) == 24
    assert len(set(lines["load"])) > 1
    assert "█" in lines["load"]
