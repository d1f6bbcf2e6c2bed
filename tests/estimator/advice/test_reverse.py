"""What runs on a machine: only what fits one of it, as its own scenario answers when it is asked."""

from dataclasses import replace

import pytest

from catalog.load import load
from estimator.advice.reverse import Runnable, runs_on
from estimator.ranking.rank import evaluate
from estimator.scenario.placement import devices
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import ServingWorkload

CATALOG = load()
INVENTORY, PRICES = CATALOG.inventory, CATALOG.prices("us-east-1")


def answers(machine: str, model: str, scenario: Scenario | None = None) -> list[Runnable]:
    asked = replace(scenario or Scenario(), model=model)
    return list(runs_on(INVENTORY.machines[machine], CATALOG.model(model), asked, INVENTORY, PRICES))


def test_70b_on_one_48_gb_card_is_4_bit_alone() -> None:
    short = Scenario(workload=ServingWorkload(input_tokens=1024, output_tokens=256))
    assert [each.weights for each in answers("g6e.xlarge", "meta-llama/Llama-3.3-70B-Instruct", short)] == ["int4-awq"]


@pytest.mark.parametrize("machine", ["g6.xlarge", "p5.48xlarge", "inf2.xlarge"])
def test_what_is_listed_is_what_its_scenario_answers(machine: str) -> None:
    listed = answers(machine, "meta-llama/Llama-3.1-8B")
    assert listed
    for each in listed:
        asked = evaluate(CATALOG.model(each.name), each.scenario, INVENTORY, PRICES)
        assert asked.verdict == "fits"
        assert asked.max_users == each.row.max_users
        assert asked.memory
        assert (each.longest_tokens or 0) >= asked.memory.max_context_tokens


def test_cards_of_ones_own_are_asked_for_as_local_hardware() -> None:
    machine = devices("rtx4090", 2, INVENTORY)
    name = "Qwen/Qwen3-8B"
    listed = list(runs_on(machine, CATALOG.model(name), replace(Scenario(), model=name), INVENTORY, PRICES))
    assert {each.scenario.deployment for each in listed} == {"local"}
    assert {(each.scenario.placement.accelerator, each.scenario.placement.count) for each in listed} == {("rtx4090", 2)}


def test_a_model_with_a_shorter_context_than_is_asked_is_left_out() -> None:
    assert answers("g6.xlarge", "EleutherAI/pythia-12b") == []


def test_of_training_runs_one_answer_a_model() -> None:
    run = Scenario(training=TrainingWorkload(method="qlora"))
    (each,) = answers("g6.xlarge", "meta-llama/Llama-3.1-8B", run)
    assert each.row.training
    assert each.longest_tokens is None
