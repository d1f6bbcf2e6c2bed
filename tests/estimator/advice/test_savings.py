"""Advice names changes that help, by how much, and what is published of the formats that they bring."""

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import resolve
from estimator.advice.quality import quality_of
from estimator.advice.savings import advice
from estimator.advice.study import Study
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def test_each_advice_is_the_difference_of_two_answers(catalog: Catalog) -> None:
    scenario = Scenario(weights="bf16", placement=Placement(instance="p5.48xlarge"))
    prices, model = catalog.prices(scenario.region), resolve(scenario.model, catalog)
    row = rank(model, scenario, catalog.inventory, prices).rows[0]
    changes = advice(Study(row.candidate, scenario, model, catalog.inventory, prices), row, catalog.quality)
    assert row.cost.usd_per_1m_tokens
    fp8 = next(each for each in changes if each.change == "weights fp8")
    again = rank(model, fp8.scenario, catalog.inventory, prices).rows[0]
    assert again.cost.usd_per_1m_tokens
    saved = again.cost.usd_per_1m_tokens.typical - row.cost.usd_per_1m_tokens.typical
    assert fp8.usd_per_1m_tokens == pytest.approx(saved)
    assert saved < 0
    assert fp8.users == again.max_users - row.max_users > 0
    assert row.performance
    assert again.performance
    waited_s = again.performance.request_latency_s.typical - row.performance.request_latency_s.typical
    assert fp8.ms == pytest.approx(1000 * waited_s)
    assert fp8.ms < 0
    assert fp8.quality
    assert "2411.02355" in fp8.quality.source
    costs = [each.usd_per_1m_tokens for each in changes if each.usd_per_1m_tokens is not None]
    assert costs == sorted(costs)


@pytest.mark.parametrize(
    ("weights", "kv", "known"),
    [("int4-awq", "bf16", "GSM8K"), ("fp8", "fp8", "scales"), ("bf16", "bf16", ""), ("gguf-q4_k_m", "bf16", "0.054")],
)
def test_what_is_published_is_found_by_the_longest_name(catalog: Catalog, weights: str, kv: str, known: str) -> None:
    now = Scenario(weights="fp8" if weights == "fp8" else "bf16", kv="bf16")
    note = quality_of(Scenario(weights=weights, kv=kv), now, catalog.quality)
    assert (known in note.text) if note else known == ""
