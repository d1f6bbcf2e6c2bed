"""What Compare's chart shows: the cost of a token of each pin against what one user sees, as the load grows."""

from collections.abc import Sequence
from math import inf

from estimator.cost.bill import usd_per_1m_tokens
from estimator.results import Evaluation, PerformanceReport
from tui.draw.tradeoff import CostCurve, LoadPoint
from tui.pages.comparison import distinct_labels
from tui.pages.facts import bench_of
from tui.state.answer import Answer
from tui.state.pins import LETTERS, Pins


def cost_curves(pins: Pins, answers: Sequence[Answer | None]) -> list[CostCurve]:
    """For each pin that serves and has a price, what a million tokens cost at each load and what a user sees."""
    curves = []
    for at, (label, answer) in enumerate(zip(distinct_labels(pins, answers), answers, strict=True)):
        row = answer.rows[0] if answer else None
        if answer is None or row is None or row.performance is None or row.cost.price_usd_per_hour is None:
            curves.append(CostCurve(LETTERS[at], label, ()))
            continue
        study = bench_of(answer, row)
        within = study.most_within_level if study.scenario.service_level else inf
        asked = row.performance.concurrency * study.replicas
        points = [_load_point(row, users, report, users <= within) for users, report in study.operating_points()]
        here = _load_point(row, asked, row.performance, row.meets_service_level)._replace(asked=True)
        curves.append(CostCurve(LETTERS[at], label, tuple(sorted([*points, here]))))
    return curves


def _load_point(row: Evaluation, users: float, speed: PerformanceReport, meets: bool) -> LoadPoint:
    cost = usd_per_1m_tokens(row.cost.price_usd_per_hour or 0.0, speed).typical
    return LoadPoint(users=users, per_user=speed.tokens_per_s_per_user.typical, usd=cost, meets=meets)
