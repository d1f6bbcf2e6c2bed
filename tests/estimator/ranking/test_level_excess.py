"""How far a row is from the service level: what a search for the smallest fleet goes by."""

from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel
from estimator.serving.judge import level_excess

ASKED = Scenario(service_level=ServiceLevel(ttft_s=1.0, tpot_s=0.05))


@pytest.mark.parametrize(
    ("times", "meets", "holds", "excess"),
    [
        ((0.5, 0.04), True, True, -0.2),
        ((2.0, 0.04), False, True, 1.0),
        ((0.5, 0.06), False, True, 0.2),
        ((0.5, 0.04), False, True, 0.0),
        ((2.0, 0.04), False, False, inf),
        (None, False, True, inf),
        (None, True, True, 0.0),
        ((2.0, 0.04), True, True, 0.0),
    ],
)
def test_the_worst_bound_tells_and_a_row_that_does_not_hold_the_load_is_far_away(
    times: tuple[float, float] | None, meets: bool, holds: bool, excess: float
) -> None:
    row: Any = SimpleNamespace(meets_service_level=meets, holds_load=holds, level_times=times)
    assert level_excess(row, ASKED) == pytest.approx(excess)


def test_nothing_asked_is_kept_by_any_time() -> None:
    assert ServiceLevel().excess(100.0, 100.0, 100.0) == -1
    assert ServiceLevel(latency_s=2.0).excess(100.0, 100.0, 3.0) == 0.5
    assert ServiceLevel(tpot_s=0.05).met_by(9.0, 0.05)
