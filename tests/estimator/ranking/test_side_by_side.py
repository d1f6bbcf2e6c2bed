"""Figures side by side: typical values under the contract's names, ratios to the first candidate."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.ranking.rank import rank
from estimator.ranking.side_by_side import side_by_side
from estimator.scenario.scenario import Placement, Scenario


def test_every_figure_stands_beside_its_ratio_to_the_first(catalog: Catalog) -> None:
    scenario = Scenario(model="Qwen/Qwen3-32B", weights="bf16", placement=Placement(instance="g6e.12xlarge"))
    rows = [
        rank(catalog.model(asked.model), asked, catalog.inventory, catalog.prices("us-east-1")).rows[0]
        for asked in (scenario, replace(scenario, placement=Placement(instance="g6e.xlarge", machines=1)))
    ]
    assert [row.verdict for row in rows] == ["fits", "does_not_fit"]
    figures = {each.name: each for each in side_by_side(rows)}
    assert not [name for name in figures if name.endswith(("_low", "_high", "_typical"))]
    speed = figures["performance_tpot_s"]
    assert speed.values == (rows[0].performance.tpot_s.typical, None)  # type: ignore[union-attr]
    assert speed.ratios == (1, None)
    price = figures["cost_price_usd_per_hour"]
    first, second = (row.cost.price_usd_per_hour or 0.0 for row in rows)
    assert price.ratios == (1, pytest.approx(second / first))
    assert figures["memory_shortfall_bytes"].values[0] == 0
    assert figures["memory_shortfall_bytes"].ratios == (None, None)
    assert "performance_holds_load" not in figures
