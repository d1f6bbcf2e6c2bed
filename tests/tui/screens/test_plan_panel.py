"""`v`: the plan of a month, whose day, spare and budget are chosen in the panel."""

from catalog.load import load
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press
from tui.app import LlmCalc
from tui.state.calculator import Calculator
from tui.state.session import Session

SCENARIO = Scenario(
    model="meta-llama/Llama-3.1-8B-Instruct",
    workload=ServingWorkload(1000, 300, requests_per_second=40),
    service_level=ServiceLevel(ttft_s=1.0),
    placement=Placement(instance="g6e.xlarge"),
)


async def test_the_day_the_spare_and_the_budget_are_chosen_in_the_panel() -> None:
    app = LlmCalc(Calculator(load()), Session(scenario=SCENARIO))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "v")
        office = screen_text(app)
        assert "office hours" in office
        assert "d day · -/+ spare · b budget · p pools" in office
        await press(pilot, "d")
        assert "night hours" in screen_text(app)
        await press(pilot, "d", "d")
        steady = screen_text(app)
        assert "steady hours" in steady
        assert "no autoscaling" in steady
        await press(pilot, "plus")
        assert "1 spare" in screen_text(app)
        await press(pilot, "minus", "minus")
        assert screen_text(app) == steady
        await press(pilot, "b", *"100", "enter")
        assert "budget $100.00 a month: passed by all; g6e.xlarge asks $" in screen_text(app)
        await press(pilot, "b", *"9999999", "enter")
        assert "a month: kept" in screen_text(app)
        await press(pilot, "b", *"much", "enter")
        assert "'much' is not a number above 0" in screen_text(app)
        await press(pilot, "p", *"realtime=80% batch=20%", "enter")
        mixed = screen_text(app)
        assert "realtime: 80% of requests" in mixed
        assert "batch: 20% of requests" in mixed
        assert "blended: $" in mixed
        await press(pilot, "p")
        assert "pools: realtime=70% batch=30%, empty for one plan" in screen_text(app)
        await press(pilot, *"a=50%,input-tokens=2k,ttft=5s b=50%,input-tokens=3k,ttft=5s", "enter")
        assert "3,072 → 300 tokens" in screen_text(app)
        await press(pilot, "p", *"x", "enter")
        assert "'x' is no pool, expected NAME=SHARE[,OPTION=VALUE…]" in screen_text(app)
        answer = await press(pilot, "escape")
        assert answer.session.scenario == SCENARIO


async def test_a_plan_names_a_cheaper_machine_on_the_same_accelerator() -> None:
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=(120, 40)) as pilot:
        answer = await press(pilot, "j")
        while answer.selected and answer.selected.candidate.machine != "g7e.12xlarge":
            answer = await press(pilot, "j")
        await press(pilot, "v")
        assert "cheaper: 1 x g7e.2xlarge" in screen_text(app)
