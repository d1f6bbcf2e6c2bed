"""One layout of a deployment under the asked load, and which of several is the best."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from estimator.layout import Layout
from estimator.results import Confidence, LevelTimes, MemoryReport
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.deployment import Deployment
from estimator.serving.load.percentiles import level_times, most_users
from estimator.serving.load.performance import ReplicaLoad
from estimator.serving.speed.step import Step
from estimator.units import quantity

SAME_COST = 0.05
"""Costs of two layouts of one machine that differ by less are taken for equal: they share device, engine and kernels,
and so nearly all of their error. Engineering guess, far inside the 80 % band."""


class LayoutEstimate(NamedTuple):
    """One layout on one kind of device: its memory, and where one request fits, its speed at its share of the load."""

    deployment: Deployment
    layout: Layout
    machines: int
    replicas: int
    memory: MemoryReport
    confidence: Confidence
    busy_replicas: int = 0
    """Replicas that have work."""
    spare: int = 0
    """Machines that the load does not need."""
    room: float = inf
    """Requests of the asked traffic that the engine runs at once in one replica."""
    step: Step | None = None
    """None where the memory does not hold one request."""
    load: ReplicaLoad | None = None
    """One replica at its share of the load; None where the memory does not hold one request, and before it is asked."""

    @property
    def requests_per_s(self) -> float:
        """Requests that all the layout's replicas complete in a second."""
        return self.load.requests_per_s * self.busy_replicas if self.load else 0.0

    @property
    def request_capacity(self) -> int:
        """Whole requests of the asked length that all the layout's replicas hold at once."""
        return int(self.memory.max_concurrency) * self.replicas

    def shortage(self, workload: ServingWorkload) -> str | None:
        """By how much the layout's cache holds too few requests, or its engines complete too few; None where they hold
        all.
        """
        asked_per_s = workload.requests_per_second
        if self.load is None:
            return None
        if asked_per_s is not None:
            overloaded = f"overloaded: {asked_per_s:g}/s asked, {self.requests_per_s:.3g}/s possible"
            return overloaded if self.load.overloaded else None
        if workload.capacity_in(self.request_capacity) >= workload.concurrency or workload.kind == "burst":
            return None
        return f"holds {self.request_capacity} of {quantity(workload.concurrency, 'request')} at once"

    def level_times(self, workload: ServingWorkload, level: ServiceLevel) -> LevelTimes | None:
        """The latencies that the service level is judged by; None where no level is asked, or no request fits."""
        if self.step is None or self.load is None or not level:
            return None
        return level_times(self.step, workload, self.load, level)

    def meets(self, workload: ServingWorkload, level: ServiceLevel) -> bool:
        """Whether the layout keeps every bound of the service level; where nothing is asked, it does.

        A queue that grows without end keeps none.
        """
        if self.load is None or self.load.overloaded:
            return False
        times = self.level_times(workload, level)
        return times is None or level.met_by(*times)

    def max_users(self, workload: ServingWorkload, level: ServiceLevel) -> int:
        """Requests in flight that all the layout's replicas carry within the level; by memory alone where none is
        asked.
        """
        if self.step is None or self.load is None:
            return 0
        if not level:
            return self.request_capacity
        return most_users(self.step, workload, level, self.room) * self.replicas


def best_layout(estimates: Iterable[LayoutEstimate], workload: ServingWorkload, level: ServiceLevel) -> LayoutEstimate:
    """The layout that holds the load, else comes closest; then meets the level; then takes the fewest machines; then
    costs least per request.

    Among those that cost the same within `SAME_COST`, the one that carries most users within the level, then the one
    with the lowest latency. A layout that does not fit comes last, the least short one first.
    """
    fitting = [each for each in estimates if each.load]
    if not fitting:
        return min(estimates, key=lambda each: each.memory.shortfall_bytes)
    holding = [each for each in fitting if not each.shortage(workload)] or _closest(fitting, workload)
    meeting = [each for each in holding if each.meets(workload, level)] or holding
    fewest = min(each.machines for each in meeting)
    meeting = [each for each in meeting if each.machines == fewest]
    lowest = min(map(_usd_per_request, meeting))
    cheapest = [each for each in meeting if _usd_per_request(each) <= lowest * (1 + SAME_COST)]
    if len(cheapest) == 1:
        return cheapest[0]
    return min(cheapest, key=lambda each: (-each.max_users(workload, level), _request_s(each)))


def _closest(short: Sequence[LayoutEstimate], workload: ServingWorkload) -> Sequence[LayoutEstimate]:
    """Of fleets that do not hold the load, those that hold most of it; on equal machines every layout is as close."""
    if len({each.machines for each in short}) == 1:
        return short
    arriving = workload.requests_per_second is not None
    most = [each.requests_per_s if arriving else each.request_capacity for each in short]
    return [each for each, amount in zip(short, most, strict=True) if amount == max(most)]


def _usd_per_request(estimate: LayoutEstimate) -> float:
    """Cost of a request in machine seconds: all layouts stand on machines of one price."""
    return estimate.machines / estimate.requests_per_s


def _request_s(estimate: LayoutEstimate) -> float:
    return estimate.load.point.request_s if estimate.load else 0.0
