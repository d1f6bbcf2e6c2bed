"""The panel of single changes names each once, and an old price as one."""

from catalog.load import load
from estimator.scenario.scenario import Placement, Scenario
from tui.screens.alternative_panels import sensitivity
from tui.state.calculator import Calculator
from tui.state.session import Session


def test_each_change_stands_once_and_old_prices_say_so() -> None:
    session = Session(Scenario(placement=Placement(instance="p4d.24xlarge", machines=1)))
    answer = Calculator(load()).answer(session)
    sheet = sensitivity(answer, answer.rows[0])
    scenarios = [each.scenario for each in sheet.choices]
    assert len(scenarios) == len(set(scenarios))
    spot = next(each for each in sheet.choices if each.title.strip() == "spot")
    assert spot.effect.endswith("old price")
