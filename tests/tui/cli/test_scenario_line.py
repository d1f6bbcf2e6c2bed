"""The line of text that says what was asked."""

from dataclasses import replace

from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from tui.cli import text_output


def test_no_input_is_hidden() -> None:
    asked = Scenario(
        workload=ServingWorkload(draft_tokens=3, accepted_tokens=2.5),
        settings=EngineSettings(memory_utilization=0.8, enforce_eager=True),
    )
    line = text_output.scenario(asked)
    assert " | vllm | draft 3 · 2.5 a step · util .8 · eager | us-east-1 on-demand" in line


def test_what_rows_or_the_load_say_is_not_said_twice() -> None:
    asked = Scenario(
        placement=Placement(instance="p5.48xlarge", tp=8),
        service_level=ServiceLevel(ttft_s=1.0),
        workload=replace(ServingWorkload(), requests=200),
    )
    line = text_output.scenario(asked)
    assert line.count("TTFT<1s") == line.count("200 requests") == 1
    assert "p5.48xlarge" not in line
    assert line.endswith("| vllm | us-east-1 on-demand")
