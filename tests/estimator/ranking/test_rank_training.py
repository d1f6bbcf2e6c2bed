"""Badges of a board of training runs: what is the cheapest, and what can not be told from it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import load
from estimator.ranking.rank import rank
from estimator.ranking.rank_training import indistinguishable_costs
from estimator.results import Evaluation, TrainingReport
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload

CATALOG = load()
LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
RUNS = st.builds(
    Scenario,
    model=st.sampled_from([LLAMA, "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B"]),
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
    training=st.builds(
        TrainingWorkload,
        method=st.sampled_from(["full", "lora", "qlora"]),
        sequence_length=st.sampled_from([1024, 8192]),
        global_batch=st.sampled_from([8, 128]),
    ),
)
runs = settings(deadline=None, max_examples=12)


def board(scenario: Scenario) -> list[tuple[Evaluation, TrainingReport]]:
    """The runs that have a price, in rank order."""
    prices = CATALOG.prices(scenario.region)
    rows = rank(CATALOG.model(scenario.model), scenario, CATALOG.inventory, prices).rows
    return [(row, row.training) for row in rows if row.training and row.training.usd]


@runs
@given(RUNS)
def test_a_tie_is_an_alternative_to_the_cheapest_of_its_group(scenario: Scenario) -> None:
    """A chain of neighbours joined $44 to $1,472; a slower and dearer row is no tie at all."""
    group: list[TrainingReport] = []
    for row, run in board(scenario):
        if row.tie:
            assert indistinguishable_costs(group[0], run)
            assert all(run.hours.typical < each.hours.typical for each in group)
        elif not group or not indistinguishable_costs(group[0], run):
            group = []
        group.append(run)


@runs
@given(RUNS)
def test_a_dearer_copy_of_a_run_says_so(scenario: Scenario) -> None:
    seen: dict[object, str] = {}
    for row, run in board(scenario):
        layout = (row.candidate.accelerator, row.candidate.accelerators, run.setup)
        if layout in seen and not row.tie:
            assert f"the same run costs less on {seen[layout]}" in (row.reason or "")
        seen.setdefault(layout, row.candidate.machine)


@runs
@given(RUNS)
def test_one_row_is_the_cheapest_run(scenario: Scenario) -> None:
    rows = [row for row, _ in board(scenario)]
    assert [row.best_value for row in rows] == [True] * bool(rows) + [False] * (len(rows) - 1)
    assert not any(row.tie and row.best_value for row in rows)
