"""How a load is spread over the day, and what is kept free and spare."""

from dataclasses import replace
from math import ceil
from statistics import fmean, pstdev
from typing import Annotated

from estimator.bounds import Ge, Gt, Le, Lt
from estimator.errors import InputError, unknown_name
from estimator.records import record
from estimator.scenario.traffic import Trace
from estimator.scenario.workload import ServingWorkload
from estimator.units import SECONDS_PER_HOUR

HOURS_PER_DAY = 24
LEAST_DAY_S = 23 * SECONDS_PER_HOUR
"""Length of a trace from which it shows a whole day: the last request comes before the end of the last hour."""
MOST_SPREAD = 3.0
"""Largest deviation over mean of lengths that a workload takes."""

DAYS: dict[str, tuple[float, ...]] = {
    "steady": (1.0,) * 24,
    "office": (0.1,) * 7 + (0.3, 0.7, 1.0, 1.0, 1.0, 0.8, 0.9, 1.0, 1.0, 0.9, 0.6, 0.3) + (0.15,) * 3 + (0.1,) * 2,
    "night": (1.0,) * 6 + (0.1,) * 16 + (1.0,) * 2,
    "bursty": (0.15,) * 9 + (1.0,) + (0.15,) * 4 + (1.0,) + (0.15,) * 5 + (1.0,) + (0.15,) * 3,
}
"""Share of the peak by hour of the day, local time. Engineering guesses: people at work from 8 to 18, batches from 22
to 6, three busy hours."""


@record(frozen=True, slots=True)
class Demand:
    """A load for planning: the scenario's load as the peak of a day, and what is kept free for bursts and failures."""

    headroom: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of capacity that every hour leaves unused."""
    base_load: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of the peak that never goes away, where no day is given."""
    peak_hours: Annotated[float, Ge(0), Le(24)] = 24.0
    """Hours a day at the peak, where no day is given; the rest of the day is at the base."""
    day: tuple[float, ...] = ()
    """Share of the peak in each of the 24 hours; empty makes it from base and peak."""
    spare: Annotated[int, Ge(0), Le(1000)] = 0
    """Copies beyond what the load needs, in every hour: N+1 survives the loss of one."""

    @property
    def hours(self) -> tuple[float, ...]:
        """Share of the peak in each of the 24 hours; an hour that begins at the peak counts whole."""
        if self.day:
            return self.day
        peak = ceil(self.peak_hours)
        return (1.0,) * peak + (self.base_load,) * (HOURS_PER_DAY - peak)

    @property
    def mean(self) -> float:
        """Mean load of the day over its peak."""
        return sum(self.hours) / HOURS_PER_DAY

    def copies_by_hour(self, at_peak: int) -> tuple[int, ...]:
        """Copies that run in each of the 24 hours: as many as keep each one's share at or below the peak's, and the
        spare.
        """
        return tuple(max(ceil(round(at_peak * share, 9)), 1) + self.spare for share in self.hours)


def day_of(trace: Trace) -> tuple[float, ...]:
    """The shape of a recorded day: requests that came in each hour of it, as shares of the busiest one's; more days are
    laid over each other. Empty where less than 23 hours were recorded."""
    last_s = max(each.arrival_s for each in trace.requests)
    if last_s < LEAST_DAY_S:
        return ()
    counts = [0] * HOURS_PER_DAY
    for each in trace.requests:
        counts[int(each.arrival_s // SECONDS_PER_HOUR) % HOURS_PER_DAY] += 1
    return tuple(count / max(counts) for count in counts)


def at_busiest_hour(workload: ServingWorkload, day: tuple[float, ...]) -> ServingWorkload:
    """Open arrivals at the rate of a recorded day's busiest hour, with the mean and spread of its answers; the replay
    of a day at its mean rate would hide that hour."""
    trace, rate = workload.trace, workload.requests_per_second
    if trace is None or rate is None:
        return workload
    answers = [each.output_tokens for each in trace.requests]
    spread = min(pstdev(answers) / fmean(answers), MOST_SPREAD)
    busiest = rate * HOURS_PER_DAY / sum(day)
    return replace(
        workload, traffic="rate", trace=None, requests=None, requests_per_second=busiest, length_variation=spread
    )


def read_day(text: str) -> tuple[float, ...]:
    """A day's shape from text, as shares of its highest hour: a name, or 24 loads of any unit. Raises InputError."""
    if text in DAYS:
        return DAYS[text]
    words = text.split(",")
    if len(words) == 1:
        raise unknown_name("day", f"unknown {text!r}, or 24 numbers h0,…,h23", text, DAYS)
    try:
        loads = tuple(float(word) for word in words)
    except ValueError:
        raise InputError("day", f"{text!r} holds what is no number") from None
    if len(loads) != HOURS_PER_DAY:
        raise InputError("day", f"{len(loads)} hours, expected 24")
    if not all(0 <= load < float("inf") for load in loads) or max(loads) == 0:
        raise InputError("day", "loads are numbers from 0 on, at least one of them above it")
    return tuple(load / max(loads) for load in loads)
