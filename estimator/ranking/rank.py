"""Verdicts into a leaderboard: what fits first, cheapest first, with badges."""

from collections.abc import Iterable, Sequence

from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.results import VERDICTS, CostReport, Evaluation, Leaderboard
from estimator.scenario.inventory import Inventory
from estimator.scenario.placement import machines_for
from estimator.scenario.scenario import Scenario
from estimator.serving.judge import ServingJudge


def rank(
    model: Model,
    scenario: Scenario,
    inventory: Inventory,
    prices: RegionPrices,
    machines: Iterable[Machine] | None = None,
    every_layout: bool = False,
    detail: bool = False,
) -> Leaderboard:
    """The best layout of each machine (or every layout): what fits first, cheapest first.

    `machines` defaults to what the scenario's placement names, else to every machine of its deployment.
    `detail` keeps the time of every operator. A scenario that asks for a training run is ranked as one. Raises
    InputError for a scenario that can not be asked.
    """
    if scenario.training:
        from estimator.ranking.rank_training import rank_training  # most questions are about serving

        return rank_training(model, scenario, inventory, prices, machines, detail)
    judge = ServingJudge(model, scenario, inventory, prices, detail)
    if machines is None:
        machines = machines_for(scenario, inventory, prices)
    rows = [row for machine in machines for row in judge.evaluations(machine, every_layout)]
    return Leaderboard(with_badges(sorted(rows, key=rank_key)), judge.considered)


def evaluate(model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices) -> Evaluation:
    """One candidate in full: the placement that the scenario names, else the first of the leaderboard."""
    return rank(model, scenario, inventory, prices, detail=True).rows[0]


PRICE_STATES = {"priced": 0, "capacity_block_only": 1, "no_price": 2, "not_offered": 3}


def rank_key(row: Evaluation) -> tuple[int, bool, bool, int, float, float, str]:
    """What fits, meets the service level and holds the load first; then by price per hour, then per output token."""
    bill = row.cost
    if row.verdict != "fits":
        short = row.memory.shortfall_bytes if row.memory else 0.0
        return VERDICTS.index(row.verdict), False, False, 0, short, 0.0, row.candidate.machine
    per_token = bill.usd_per_1m_output_tokens
    return (
        0,
        not row.meets_service_level,
        not row.holds_load,
        PRICE_STATES[bill.price_state],
        bill.price_usd_per_hour or 0.0,
        per_token.typical if per_token else 0.0,
        row.candidate.machine,
    )


def with_badges(rows: Sequence[Evaluation]) -> tuple[Evaluation, ...]:
    """Best Value: the lowest price per GB among what fits. A tie: the cost can not be told from the row above."""
    cheapest = min(
        (row for row in rows if row.verdict == "fits" and row.cost.usd_per_hour_per_gb is not None),
        key=lambda row: row.cost.usd_per_hour_per_gb or 0.0,
        default=None,
    )
    badged: list[Evaluation] = []
    above: CostReport | None = None
    for row in rows:
        tie = above is not None and row.verdict == "fits" and indistinguishable(above, row.cost)
        above = row.cost
        badged.append(row._replace(best_value=row is cheapest, tie=tie) if tie or row is cheapest else row)
    return tuple(badged)


def indistinguishable(one: CostReport, other: CostReport) -> bool:
    """Whether each cost per output token lies within the other's band."""
    a, b = one.usd_per_1m_output_tokens, other.usd_per_1m_output_tokens
    return a is not None and b is not None and a.low <= b.typical <= a.high and b.low <= a.typical <= b.high


def recommended(rows: Iterable[Evaluation], most: int = 5) -> tuple[tuple[Evaluation, ...], tuple[Evaluation, ...]]:
    """The classic answer: up to five single- and five multi-accelerator rows that fit, by lowest hourly cost."""
    fitting = sorted(
        (row for row in rows if row.verdict == "fits" and row.cost.price_usd_per_hour is not None),
        key=lambda row: row.cost.price_usd_per_hour or 0.0,
    )
    single = tuple(row for row in fitting if row.candidate.accelerators <= 1)[:most]
    multiple = tuple(row for row in fitting if row.candidate.accelerators > 1)[:most]
    return single, multiple
