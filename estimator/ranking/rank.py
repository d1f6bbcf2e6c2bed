"""The leaderboard: verdicts in order (what holds the load within the service level, then the cheapest token),
badges.
"""

from collections.abc import Iterable, Sequence

from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.models.model import Model
from estimator.ranking.confirmed import confirm_first, needs_replay
from estimator.ranking.score import with_scores
from estimator.results import VERDICTS, Evaluation, Leaderboard
from estimator.scenario.inventory import Inventory
from estimator.scenario.placement import machine_named, machines_for
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
    replayed: bool = False,
    confirmed: bool = True,
) -> Leaderboard:
    """The best layout of each machine (or every layout): what fits first, cheapest first.

    `machines` defaults to what the scenario's placement names, else to every machine of its deployment.
    `detail` keeps the time of every operator, `replayed` adds what a replay of the traffic sees of a row, which takes
    as long as ranking all of them. Under a level of percentiles the first row, where `confirmed`, has as many machines
    as its replay takes to keep it; the others have those of the closed form. A scenario that asks for a training run is
    ranked as one. Raises InputError for a scenario that can not be asked.
    """
    if scenario.training:
        from estimator.ranking.rank_training import rank_training  # most questions are about serving

        return rank_training(model, scenario, inventory, prices, machines, detail)
    judge = ServingJudge(model, scenario, inventory, prices, detail, replayed)
    if machines is None:
        machines = machines_for(scenario, inventory, prices)
    rows = [row for machine in machines for row in judge.evaluations(machine, every_layout)]
    if confirmed and not every_layout and needs_replay(scenario):
        replaying = ServingJudge(model, scenario, inventory, prices, detail, replayed=True)

        def as_replayed(row: Evaluation) -> Evaluation:
            return replaying.confirmed(machine_named(row.candidate, inventory)) if row.meets_service_level else row

        rows = confirm_first(rows, rank_key, as_replayed)
    else:
        rows.sort(key=rank_key)
    return Leaderboard(with_scores(with_badges(rows), scenario), judge.considered)


def evaluate(model: Model, scenario: Scenario, inventory: Inventory, prices: RegionPrices) -> Evaluation:
    """One candidate in full: the placement that the scenario names, else the first of the leaderboard."""
    row = rank(model, scenario, inventory, prices).rows[0]
    return in_full(row, model, scenario, inventory, prices)


def in_full(
    row: Evaluation,
    model: Model,
    scenario: Scenario,
    inventory: Inventory,
    prices: RegionPrices,
    replayed: bool = True,
) -> Evaluation:
    """A leaderboard row with the time of every operator and, where `replayed`, the latencies that its requests see one
    by one.
    """
    machine = machine_named(row.candidate, inventory)
    if scenario.training:
        full = rank(model, scenario, inventory, prices, (machine,), detail=True).rows[0]
    else:
        judge = ServingJudge(model, scenario, inventory, prices, detail=True, replayed=replayed)
        full = judge.resized(machine, row.candidate)
    return row._replace(
        performance=full.performance,
        training=full.training,
        suggestion=full.suggestion,
        cost=full.cost,
        meets_service_level=full.meets_service_level,
        level_times=full.level_times,
    )


PRICE_STATES = {"priced": 0, "capacity_block_only": 1, "no_price": 2, "not_offered": 3}


def rank_key(row: Evaluation) -> tuple[int, bool, bool, int, float, float, str]:
    """Sort key of a serving leaderboard: what fits, holds the load and meets the service level, then cost per token,
    per hour.
    """
    bill = row.cost
    if row.verdict != "fits":
        short = row.memory.shortfall_bytes if row.memory else 0.0
        return VERDICTS.index(row.verdict), False, False, 0, short, 0.0, row.candidate.machine
    per_token = bill.usd_per_1m_tokens
    return (
        0,
        not row.holds_load,
        not row.meets_service_level,
        PRICE_STATES[bill.price_state],
        per_token.typical if per_token else 0.0,
        bill.price_usd_per_hour or 0.0,
        row.candidate.machine,
    )


def with_badges(rows: Sequence[Evaluation]) -> tuple[Evaluation, ...]:
    """The rows of a board with Best Value (lowest price per GB among what holds the load), ties and dominated rows.

    A row is dominated where another does the same on the same accelerators for less. The others tie with the first
    row of their group where their cost can not be told from its.
    """
    cheapest = best_value(rows)
    twins: dict[tuple[object, ...], Evaluation] = {}
    badged: list[Evaluation] = []
    leader: Evaluation | None = None
    for row in rows:
        twin = twins.setdefault(_performance_key(row), row)
        if twin is not row and _dearer(row, twin):
            badged.append(_dominated(row, twin))
        elif leader is not None and indistinguishable(leader, row):
            badged.append(row._replace(tie=True))
        else:
            leader = row
            badged.append(row)
        if row is cheapest:
            badged[-1] = badged[-1]._replace(best_value=True)
    return tuple(badged)


def best_value(rows: Iterable[Evaluation]) -> Evaluation | None:
    """The row with the lowest price per GB of accelerator memory among what holds the load, else among what fits.

    An old price recommends nothing, unless all are old.
    """
    priced = [row for row in rows if row.verdict == "fits" and row.cost.usd_per_hour_per_gb is not None]
    priced = [row for row in priced if not row.cost.price_stale] or priced
    holding = [row for row in priced if row.holds_load] or priced
    return min(holding, key=lambda row: row.cost.usd_per_hour_per_gb or 0.0, default=None)


def _performance_key(row: Evaluation) -> tuple[object, ...]:
    """Rows of one key run the same ranks on the same devices; a row that does not fit has a key of its own."""
    candidate = row.candidate
    if row.performance is None:
        return (candidate.machine, candidate.layout)
    speed = (row.performance.ttft_s, row.performance.tpot_s, row.performance.requests_per_s)
    return (candidate.accelerator, candidate.layout, candidate.replicas, row.max_users, speed)


def _dearer(row: Evaluation, twin: Evaluation) -> bool:
    """Whether a row that does the same as `twin`, which stands above it, costs more."""
    own, other = row.cost.price_usd_per_hour, twin.cost.price_usd_per_hour
    return own is not None and other is not None and own > other


def _dominated(row: Evaluation, twin: Evaluation) -> Evaluation:
    """The row with the cheaper one that does the same, and how much that saves."""
    dearer = (row.cost.price_usd_per_hour or 0.0) - (twin.cost.price_usd_per_hour or 0.0)
    why = f"same as {twin.candidate.machine} for ${dearer:,.2f} an hour more"
    return row._replace(dominated_by=twin.candidate.machine, reason="; ".join(filter(None, (row.reason, why))))


def indistinguishable(one: Evaluation, other: Evaluation) -> bool:
    """Whether two rows give the same verdict and each cost per token lies within the other's band."""
    a, b = one.cost.usd_per_1m_tokens, other.cost.usd_per_1m_tokens
    if a is None or b is None or rank_key(one)[:4] != rank_key(other)[:4]:
        return False
    return a.low <= b.typical <= a.high and b.low <= a.typical <= b.high


def recommended(rows: Iterable[Evaluation], most: int = 5) -> tuple[tuple[Evaluation, ...], tuple[Evaluation, ...]]:
    """The classic answer: up to five single- and five multi-accelerator rows by lowest hourly cost.

    Only rows that fit, hold the load and meet the service level, at a price that is not old. The Best Value row, where
    it is one of these, is always among them: it takes the last place of its group if need be.
    """
    answering = sorted(
        (
            row
            for row in rows
            if row.verdict == "fits"
            and row.holds_load
            and row.meets_service_level
            and row.cost.price_usd_per_hour is not None
            and not row.cost.price_stale
        ),
        key=lambda row: row.cost.price_usd_per_hour or 0.0,
    )
    single = [row for row in answering if row.candidate.accelerators <= 1]
    multiple = [row for row in answering if row.candidate.accelerators > 1]
    return _with_best_value(single, most), _with_best_value(multiple, most)


def _with_best_value(rows: Sequence[Evaluation], most: int) -> tuple[Evaluation, ...]:
    """The first rows, the last of which gives way to a Best Value row further down."""
    later = [row for row in rows[most:] if row.best_value]
    return (*rows[: most - len(later)], *later)
