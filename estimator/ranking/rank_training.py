"""The leaderboard of a training run: what each machine costs and takes for it, with the settings that make it fit."""

from collections.abc import Iterable

from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.results import VERDICTS, Evaluation, Leaderboard, TrainingReport
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
    """The rows of a training board in order, with their badges.

    The cheapest run is the best value. A tie is a row whose cost can not be told from that of the cheapest row of its
    group, and which is faster than every cheaper row of the group: an alternative, not a worse copy. A run that is laid
    out on the same devices as a cheaper one says so.
    """
    badged: list[Evaluation] = []
    cheapest: TrainingReport | None = None
    fastest_hours = 0.0
    cheaper_copies: dict[tuple[object, ...], str] = {}
    for row in rows:
        run, best_value = row.training, False
        if run is None or run.usd is None:
            badged.append(row)
            continue
        if cheapest is None or not indistinguishable_costs(cheapest, run):
            best_value = cheapest is None
            cheapest, fastest_hours, tie = run, run.hours.typical, False
        else:
            tie = run.hours.typical < fastest_hours
            fastest_hours = min(fastest_hours, run.hours.typical)
        layout = (row.candidate.accelerator, row.candidate.accelerators, run.setup)
        copy = cheaper_copies.setdefault(layout, row.candidate.machine)
        if copy != row.candidate.machine and not tie:
            row = row._replace(reason="; ".join(filter(None, (f"the same run costs less on {copy}", row.reason))))
        badged.append(row._replace(tie=tie, best_value=best_value))
    return tuple(badged)


def indistinguishable_costs(one: TrainingReport, other: TrainingReport) -> bool:
    """Whether of two training runs each one's typical cost lies within the other's band."""
    a, b = one.usd, other.usd
    return a is not None and b is not None and a.low <= b.typical <= a.high and b.low <= a.typical <= b.high
