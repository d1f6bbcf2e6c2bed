"""Badges of a board of training runs: what is the cheapest, and what can not be told from it."""

from estimator.ranking.rank import rank
from estimator.ranking.rank_training import indistinguishable_costs
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


def board(catalog):
    scenario = Scenario(model=LLAMA, training=TrainingWorkload("lora"))
    rows = rank(catalog.model(LLAMA), scenario, catalog.inventory, catalog.prices("us-east-1")).rows
    return [row for row in rows if row.training and row.training.usd]


def test_a_tie_is_an_alternative_to_the_cheapest_of_its_group(catalog):
    """A chain of neighbours joined $44 to $1,472; a slower and dearer row is no tie at all."""
    group = []
    for row in board(catalog):
        if row.tie:
            assert indistinguishable_costs(group[0].training, row.training)
            assert all(row.training.hours.typical < each.training.hours.typical for each in group)
        elif not group or not indistinguishable_costs(group[0].training, row.training):
            group = []
        group.append(row)


def test_a_dearer_copy_of_a_run_says_so(catalog):
    seen = {}
    for row in board(catalog):
        layout = (row.candidate.accelerator, row.candidate.accelerators, row.training.setup)
        if layout in seen and not row.tie:
            assert f"the same run costs less on {seen[layout]}" in row.reason
        seen.setdefault(layout, row.candidate.machine)


def test_one_row_is_the_cheapest_run(catalog):
    rows = board(catalog)
    assert [row.best_value for row in rows] == [True, *[False] * (len(rows) - 1)]
