"""What else to do about a row's cost and speed: one change each, with its effect and what it does to quality."""

from collections.abc import Mapping
from typing import NamedTuple

from estimator.advice.alternatives import Alternative, single_changes
from estimator.advice.quality import QualityNote, quality_of
from estimator.advice.study import Study
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario


class Advice(NamedTuple):
    """One change of the scenario, with the differences in cost, latency, users and quality to the row as it is."""

    change: str
    scenario: Scenario
    usd_per_1m_tokens: float | None
    """Less is cheaper; None where one of the two has no price."""
    ms: float | None
    """Milliseconds of a whole request."""
    users: int
    quality: QualityNote | None = None


def advice(study: Study, row: Evaluation, notes: Mapping[str, QualityNote]) -> list[Advice]:
    """Changes of the scenario after which the row's machine still fits and holds the load, the cheapest token first."""
    known = [_advice(row, each, study.scenario, notes) for each in single_changes(study) if _helps(row, each)]
    return sorted(known, key=lambda each: (each.usd_per_1m_tokens is None, each.usd_per_1m_tokens or 0.0))


def _helps(row: Evaluation, each: Alternative) -> bool:
    """Whether a changed row is an answer at a price that is not old, and better in cost, time or users."""
    after, before = each.row, row
    if after.cost.price_stale and not before.cost.price_stale:
        return False
    if after.verdict != "fits" or not after.holds_load or after.performance is None or before.performance is None:
        return False
    cost, now = after.cost.usd_per_1m_tokens, before.cost.usd_per_1m_tokens
    cheaper = cost is not None and now is not None and cost.typical < now.typical * 0.99
    faster = after.performance.request_latency_s.typical < before.performance.request_latency_s.typical * 0.99
    return cheaper or faster or after.max_users > before.max_users


def _advice(row: Evaluation, each: Alternative, now: Scenario, notes: Mapping[str, QualityNote]) -> Advice:
    before, after = row.cost.usd_per_1m_tokens, each.row.cost.usd_per_1m_tokens
    speed, changed = row.performance, each.row.performance
    waits = changed.request_latency_s.typical - speed.request_latency_s.typical if speed and changed else None
    return Advice(
        change=each.title,
        scenario=each.scenario,
        usd_per_1m_tokens=after.typical - before.typical if before and after else None,
        ms=None if waits is None else waits * 1000,
        users=each.row.max_users - row.max_users,
        quality=quality_of(each.scenario, now, notes),
    )
