"""What leads a ranking is replayed: the closed form orders many, what is taken has to be right."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from estimator.scenario.scenario import Scenario

Ranked = TypeVar("Ranked")

MOST_CONFIRMED = 8
"""Leaders that are replayed one after the other, where each falls behind the next."""


def confirm_first(
    ranked: Iterable[Ranked], order: Callable[[Ranked], Any], confirmed: Callable[[Ranked], Ranked | None]
) -> list[Ranked]:
    """In order, with a first one that stays first as its replay shows it; `confirmed` is None for what drops out."""
    ordered, sure = sorted(ranked, key=order), list[Ranked]()
    while ordered and len(sure) < MOST_CONFIRMED and not any(ordered[0] is each for each in sure):
        shown = confirmed(ordered[0])
        sure += [shown] if shown is not None else []
        ordered = sorted([*ordered[1:], *sure[-1:]] if shown is not None else ordered[1:], key=order)
    return ordered


def needs_replay(scenario: Scenario) -> bool:
    """Whether a replay knows more about the level than the closed form: percentiles, or a recorded traffic."""
    level = scenario.service_level
    return level.asks_percentiles or (bool(level) and scenario.workload.kind == "trace")
