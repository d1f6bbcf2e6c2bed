"""The application's questions, answered for every way to place a model."""

from dataclasses import replace

import pytest

from catalog.load import load
from estimator.scenario.scenario import Placement, Scenario
from tui.state.calculator import Calculator
from tui.state.session import Session


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(),
        Scenario(deployment="local"),
        Scenario(deployment="edge"),
        Scenario(placement=Placement(accelerator="rtx4090", count=4)),
        Scenario(placement=Placement(accelerator="rtx4090", count=4, machines=2)),
    ],
    ids=["cloud", "local", "edge", "devices", "machines of devices"],
)
def test_every_row_can_be_looked_at_in_full(scenario: Scenario) -> None:
    calculator = Calculator(load())
    answer = calculator.answer(replace(Session(), scenario=scenario))
    assert answer.detail
    for row in answer.rows[::7]:
        full = calculator.detail(answer, row)
        assert full.candidate == row.candidate
        assert (full.performance is None) == (row.performance is None)


def test_the_full_row_of_several_machines_of_devices_is_that_row() -> None:
    calculator = Calculator(load())
    asked = Scenario(model="meta-llama/Llama-3.1-8B", weights="bf16")
    asked = replace(asked, placement=Placement(accelerator="rtx4090", count=2, machines=2))
    answer = calculator.answer(replace(Session(), scenario=asked))
    row, full = answer.rows[0], answer.detail
    assert row.performance
    assert full
    assert full.performance
    assert full.performance.output_tokens_per_s == row.performance.output_tokens_per_s
