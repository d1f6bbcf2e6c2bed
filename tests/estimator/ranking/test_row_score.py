"""A score is the sum of its parts, falls with what is worse, and is nothing where the load is not held."""

from dataclasses import replace

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.ranking.rank import rank
from estimator.ranking.score import FIT, Asked, score
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload

ASKED = Scenario(workload=ServingWorkload(concurrency=32), service_level=ServiceLevel(ttft_s=1.0, tpot_s=0.05))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, ...]:
    catalog: Catalog = load(tmp_path_factory.mktemp("user"))
    prices = catalog.prices(ASKED.region)
    return rank(resolve(ASKED.model, catalog), ASKED, catalog.inventory, prices).rows


def test_a_score_is_the_sum_of_its_parts_within_their_bounds(rows: tuple[Evaluation, ...]) -> None:
    for row in rows:
        assert row.score
        total, *parts = row.score
        assert total == pytest.approx(sum(parts))
        assert all(0 <= part <= most for part, most in zip(parts, (25, 25, 25, 15, 10), strict=True))
        assert (row.score.fit == FIT) == (row.verdict == "fits" and row.holds_load)
        assert row.score.latency == 25 or total == 0 or not row.meets_service_level
    assert max(row.score.cost for row in rows if row.score) == 25


def test_what_costs_more_or_is_trusted_less_scores_less(rows: tuple[Evaluation, ...]) -> None:
    row = next(row for row in rows if row.cost.usd_per_1m_tokens and row.confidence == "A")
    assert row.cost.usd_per_1m_tokens
    asked = Asked(ASKED, row.cost.usd_per_1m_tokens.typical)
    dear = row._replace(cost=row.cost._replace(usd_per_1m_tokens=row.cost.usd_per_1m_tokens.times(2)))
    old = row._replace(cost=row.cost._replace(price_stale=True))
    assert score(dear, asked).cost == pytest.approx(12.5)
    assert score(row._replace(confidence="C"), asked).trust == 4
    assert score(old, asked).trust == 5
    loaded = Asked(replace(ASKED, workload=replace(ASKED.workload, concurrency=row.max_users)), 1.0)
    assert score(row, loaded).headroom == 0
