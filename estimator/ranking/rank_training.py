"""Training runs ranked: what each machine costs and takes for the same run, with the settings that make it fit."""

from collections.abc import Iterable

from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.results import VERDICTS, Evaluation, Leaderboard
from estimator.scenario.inventory import Inventory
from estimator.scenario.placement import machines_for
from estimator.scenario.scenario import Scenario
from estimator.training.judge import TrainingJudge


def rank_training(
    model: Model,
    scenario: Scenario,
    inventory: Inventory,
    prices: RegionPrices,
    machines: Iterable[Machine] | None = None,
    detail: bool = False,
) -> Leaderboard:
    """Every machine with the settings that fit the run and lose least speed: cheapest run first.

    `detail` looks for a change of the run that fits where it does not. Raises InputError for a run that can not be
    asked.
    """
    judge = TrainingJudge(model, scenario, inventory, prices, detail)
    if machines is None:
        machines = machines_for(scenario, inventory, prices)
    rows = sorted((judge.evaluation(machine) for machine in machines), key=run_order)
    return Leaderboard(with_run_badges(rows), judge.considered)


def run_order(row: Evaluation) -> tuple[int, bool, float, float, str]:
    """Sort key of a training leaderboard: what fits first, the cheapest run, then the shortest."""
    run = row.training
    if run is None:
        return VERDICTS.index(row.verdict), True, 0.0, 0.0, row.candidate.machine
    return 0, run.usd is None, run.usd.typical if run.usd else 0.0, run.hours.typical, row.candidate.machine


def with_run_badges(rows: list[Evaluation]) -> tuple[Evaluation, ...]:
    """Rows with their badges: the cheapest run is the best value; a tie can not be told from the row above."""
    badged: list[Evaluation] = []
    for row, above in zip(rows, [None, *rows[:-1]], strict=True):
        run, run_above = row.training, above.training if above else None
        tie = bool(run and run_above and run.usd and run_above.usd and run.usd.overlaps(run_above.usd))
        badged.append(row._replace(tie=tie, best_value=above is None and bool(run and run.usd)))
    return tuple(badged)
