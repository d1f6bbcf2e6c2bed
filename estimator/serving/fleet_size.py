"""How many machines of one type a load takes: the fewest whose replicas hold it within the service level."""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, floor, inf

from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.layout_estimate import LayoutEstimate
from estimator.serving.load.operating_point import operate
from estimator.serving.load.percentiles import best_concurrency, level_times
from estimator.serving.load.performance import load_replica

Sized = tuple[LayoutEstimate, int]
"""A layout on as few machines as one engine takes, and how many times these are needed."""


class FleetSizes:
    """Sizes fleets for one load and level; what a number of replicas keeps is worked out once for equal devices."""

    def __init__(self, workload: ServingWorkload, level: ServiceLevel, most_machines: int) -> None:
        self.workload, self.level, self.most_machines = workload, level, most_machines
        self._kept: dict[tuple[int, int], bool] = {}

    def smallest(self, fitting: Sequence[LayoutEstimate]) -> list[Sized]:
        """The layouts that are right on the fewest machines; where none is, each on as many as hold the load, up to
        the most that are tried."""
        order = sorted(((self.least(one), one) for one in fitting), key=lambda pair: pair[0] * pair[1].machines)
        fewest, right = inf, list[Sized]()
        for least, one in order:
            most = int(min(max(self.most_machines // one.machines, 1), fewest // one.machines))
            times = least_enough(least, most, partial(self.keeps, one)) if least <= most else 0
            if times:
                fewest = times * one.machines
                right.append((one, times))
        if right:
            return [(one, times) for one, times in right if times * one.machines == fewest]
        return [(one, min(least, max(self.most_machines // one.machines, 1))) for least, one in order]

    def least(self, one: LayoutEstimate) -> int:
        """How many times a layout is needed at least to hold the load; for users in a closed loop, within the level."""
        workload, step, room = self.workload, one.step, one.room
        if step is None or (workload.is_benchmark and workload.kind != "closed"):
            return 1
        if workload.requests_per_second is None:
            within = best_concurrency(step, workload, self.level, room) if self.level else None
            users = int(within.concurrency) + 1 if within else int(one.memory.max_concurrency)  # shares are no integers
            return ceil(workload.concurrency / users / one.replicas)
        limit = max(min(room, step.speed.max_batch * step.layout.dp), 1.0)
        replicas = floor(workload.requests_per_second / operate(step, workload, limit).requests_per_s) + 1
        return ceil(replicas / one.replicas)

    def keeps(self, one: LayoutEstimate, times: int) -> bool:
        """Whether a layout so many times over holds the load within the level."""
        workload, step, replicas = self.workload, one.step, times * one.replicas
        if step is None or not self.level:
            return step is not None
        key = (id(step), replicas)
        if key not in self._kept:
            busy = workload.busy_replicas(replicas)
            load = load_replica(step, workload, workload.concurrency / busy, one.room, busy)
            times_s = level_times(step, workload, load, self.level)
            self._kept[key] = not load.overloaded and self.level.met_by(*times_s)
        return self._kept[key]


def least_enough(low: int, high: int, enough: Callable[[int], bool]) -> int:
    """The least number from `low` to `high` that is enough, in growing strides and then by halves; 0 where none is."""
    stride, short = 1, low - 1
    near = low
    while not enough(near):
        if near == high:
            return 0
        short, near, stride = near, min(near + stride, high), 2 * stride
    while near - short > 1:
        middle = (short + near) // 2
        short, near = (short, middle) if enough(middle) else (middle, near)
    return near
