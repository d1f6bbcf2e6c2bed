"""A row's score for the asked use: 0 to 100, from five parts that anyone can recompute."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from estimator.results import Band, Evaluation, Score
from estimator.scenario.scenario import Scenario

FIT, LATENCY, COST, HEADROOM, TRUST = 25.0, 25.0, 25.0, 15.0, 10.0
"""Points of the parts; a judgement, not a measurement."""
TRUST_OF_CLASS = {"A": 1.0, "B": 0.7, "C": 0.4}
"""Share of its points by class of evidence: the bands widen from A to C by about as much."""
ROOMY = 1.5
"""Users that a row carries over those that are asked, from which more room adds nothing."""


class Asked(NamedTuple):
    """What the rows of one board are scored against: the asked users and level, and the cheapest token."""

    scenario: Scenario
    least_usd_per_1m_tokens: float
    """Lowest of the rows that hold the load within the level at a current price; 0 where none does."""


def with_scores(rows: Sequence[Evaluation], scenario: Scenario) -> tuple[Evaluation, ...]:
    """The rows of a board with their scores; a training run has none."""
    asked = Asked(scenario, _least_cost(rows))
    return tuple(row if row.training else row._replace(score=score(row, asked)) for row in rows)


def _least_cost(rows: Iterable[Evaluation]) -> float:
    costs = [
        row.cost.usd_per_1m_tokens.typical
        for row in rows
        if row.cost.usd_per_1m_tokens and row.holds_load and row.meets_service_level and not row.cost.price_stale
    ]
    return min(costs, default=0.0)


def score(row: Evaluation, asked: Asked) -> Score:
    """The score of a row, 0 to 100, for the asked use: fit, latency, cost, head-room and trust, each recomputable.

    Fit: 25 where it holds the load, else 0 and no score. Latency: 25 times the worst of bound over time, at most 1.
    Cost: 25 times the least $/1M tokens of the board over its own, at most 1. Head-room: 15 times the users that it
    carries beyond those asked, over half of these, at most 1. Trust: 10 times 1, 0.7 or 0.4 for class A, B or C, and
    half of that at an old price.
    """
    speed = row.performance
    if speed is None or row.verdict != "fits" or not row.holds_load:
        return Score()
    level = asked.scenario.service_level
    latency = min(1.0, _within(level.ttft_s, speed.ttft_s), _within(level.tpot_s, speed.tpot_s))
    cost = row.cost.usd_per_1m_tokens
    cheap = min(asked.least_usd_per_1m_tokens / cost.typical, 1.0) if cost and cost.typical > 0 else 0.0
    trust = TRUST_OF_CLASS[row.confidence] * (0.5 if row.cost.price_stale else 1.0)
    parts = (FIT, LATENCY * latency, COST * cheap, HEADROOM * _room(row, asked.scenario), TRUST * trust)
    fit, latency, usd, room, sure = (round(part, 1) for part in parts)
    return Score(
        total=round(fit + latency + usd + room + sure, 1), fit=fit, latency=latency, cost=usd, headroom=room, trust=sure
    )


def _within(bound: float | None, time: Band) -> float:
    """An asked bound over the time that is seen; 1 where nothing is asked or nothing takes time."""
    return bound / time.typical if bound and time.typical > 0 else 1.0


def _room(row: Evaluation, scenario: Scenario) -> float:
    """Share of the room worth having: users beyond those asked, or capacity beyond the arrivals."""
    speed, work = row.performance, scenario.workload
    over = 1 / speed.utilization if speed and speed.utilization else row.max_users / work.concurrency
    return min(max((over - 1) / (ROOMY - 1), 0.0), 1.0)
