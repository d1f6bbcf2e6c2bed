"""How many machines of one type a load takes: the fewest whose replicas hold it within the service level."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, floor, inf

from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.layout_estimate import LayoutEstimate
from estimator.serving.load.arrivals import at_most
from estimator.serving.load.percentiles import level_times, most_users
from estimator.serving.load.performance import ReplicaLoad, load_replica
from estimator.serving.speed.step import Step

Sized = tuple[LayoutEstimate, int]
"""A layout on as few machines as one engine takes, and how many times these are needed."""


class FleetSizes:
    """Sizes fleets for one load and level; what a replica does at its share is worked out once for equal devices."""

    def __init__(self, workload: ServingWorkload, level: ServiceLevel, most_machines: int) -> None:
        self.workload, self.level, self.most_machines = workload, level, most_machines
        self._loads: dict[tuple[Step, float, int], ReplicaLoad] = {}
        self._most: dict[tuple[Step, float], float] = {}
        """Requests per second that a replica with room for so many completes at most."""
        self._shares: dict[tuple[Step, float], tuple[float, float]] = {}
        """Most arrivals at which a replica is known to keep the level, and fewest at which it is known not to."""

    def load(self, step: Step, room: float, busy_replicas: int) -> ReplicaLoad:
        """One of so many replicas, each with room for as many requests, at its share of the load."""
        key = (step, room, busy_replicas)
        load = self._loads.get(key)
        if load is None:
            concurrency = self.workload.concurrency / busy_replicas
            load = self._loads[key] = load_replica(step, self.workload, concurrency, room, busy_replicas)
        return load

    def smallest(self, fitting: Sequence[LayoutEstimate]) -> list[Sized]:
        """The layouts that are right on the fewest machines; where none is, each on as many as hold the load, up to
        the most that are tried."""
        order = sorted(((self.bound(one), one) for one in fitting), key=lambda pair: pair[0] * pair[1].machines)
        fewest, right = inf, list[Sized]()
        for bound, one in order:
            most = int(min(max(self.most_machines // one.machines, 1), fewest // one.machines))
            if bound <= most and self.keeps(one, most):  # else no smaller number does
                times = least_enough(min(self.least(one), most), most, partial(self.keeps, one))
                fewest = times * one.machines
                right.append((one, times))
        if right:
            return [(one, times) for one, times in right if times * one.machines == fewest]
        return [(one, min(self.least(one), max(self.most_machines // one.machines, 1))) for one in fitting]

    def bound(self, one: LayoutEstimate) -> int:
        """How many times a layout is needed at the very least, by its memory and its highest rate alone."""
        workload, step = self.workload, one.step
        if step is None or (workload.is_benchmark and workload.kind != "closed"):
            return 1
        if workload.requests_per_second is None:
            room = max(int(one.memory.max_concurrency), 1)
            return max(ceil(workload.concurrency / workload.capacity_in(room) / one.replicas), 1)
        replicas = floor(workload.requests_per_second / self._most_requests_per_s(step, one.room)) + 1
        return ceil(replicas / one.replicas)

    def _most_requests_per_s(self, step: Step, room: float) -> float:
        most = self._most.get((step, room))
        if most is None:
            limit = max(min(room, step.speed.max_batch * step.layout.dp), 1.0)
            most = self._most[step, room] = at_most(step, self.workload, limit).requests_per_s
        return most

    def least(self, one: LayoutEstimate) -> int:
        """How many times a layout is needed at least to hold the load; for users in a closed loop, within the level."""
        workload = self.workload
        if workload.requests_per_second is not None or not self.level or one.step is None or workload.kind != "closed":
            return self.bound(one)
        within = most_users(one.step, workload, self.level, one.room)
        if not within:
            return self.bound(one)
        return ceil(workload.concurrency / (within + 1) / one.replicas)  # shares are no integers

    def keeps(self, one: LayoutEstimate, times: int) -> bool:
        """Whether a layout so many times over holds the load within the level."""
        workload, step = self.workload, one.step
        if step is None or not self.level:
            return step is not None
        replicas = workload.busy_replicas(times * one.replicas)
        if workload.requests_per_second is None or workload.is_benchmark:
            return self._replica_keeps(one, step, replicas)
        share, key = workload.requests_per_second / replicas, (step, one.room)
        kept, missed = self._shares.get(key, (0.0, inf))
        if kept < share < missed:
            keeps = self._replica_keeps(one, step, replicas)
            self._shares[key] = (share, missed) if keeps else (kept, share)
            return keeps
        return share <= kept

    def _replica_keeps(self, one: LayoutEstimate, step: Step, replicas: int) -> bool:
        load = self.load(step, one.room, replicas)
        return not load.overloaded and self.level.met_by(*level_times(step, self.workload, load, self.level))


def least_enough(low: int, high: int, enough: Callable[[int], bool]) -> int:
    """The least number from `low` to `high` that is enough, in growing strides and then by halves; 0 where none is."""
    stride, short, near = 1, low, low
    while not enough(near):
        if near == high:
            return 0
        short, near, stride = near, min(near + stride, high), 2 * stride
    while near - short > 1:
        middle = (short + near) // 2
        short, near = (short, middle) if enough(middle) else (middle, near)
    return near


STEEPNESS = 3
"""How a time that exceeds its bound falls with the machines, as a power of their number (engineering guess: at 70 to
90 % load waits fall with the third to fifth power); it only leads to the next number that is tried."""
HIGHEST_EXCESS = 1e6


def least_within(low: int, high: int, excess: Callable[[int], float]) -> int:
    """The least number from `low` to `high` at which an excess that falls with it is 0 or less; 0 where none is."""
    short, over = low, min(excess(low), HIGHEST_EXCESS)
    if over <= 0:
        return low
    enough, under = short, over
    while under > 0:
        if short == high:
            return 0
        enough = min(max(ceil(short * min(1 + over, 8) ** (1 / STEEPNESS)), short + 1), high)
        under = min(excess(enough), HIGHEST_EXCESS)
        short, over = (enough, under) if under > 0 else (short, over)
    on_line = True
    while (wide := enough - short) > 1:
        number = short + ceil(wide * over / (over - under)) if on_line else (short + enough) // 2
        number = min(number, enough - 1)
        value = min(excess(number), HIGHEST_EXCESS)
        short, over, enough, under = (number, value, enough, under) if value > 0 else (short, over, number, value)
        on_line = not on_line or 2 * (enough - short) <= wide
    return enough
