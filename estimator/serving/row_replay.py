"""One layout's replay: what the asked traffic sees of its replicas, and what its service level is judged by."""

from functools import lru_cache
from math import inf

from estimator.results import LevelTimes, PerformanceReport
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.layout_estimate import LayoutEstimate
from estimator.serving.load.replay import Limits, replay, replayed_times, with_replay
from estimator.serving.memory import compile_memory


def replay_row(
    estimate: LayoutEstimate,
    traffic: ServingWorkload,
    level: ServiceLevel,
    speed: PerformanceReport,
    times: LevelTimes | None,
) -> tuple[PerformanceReport, LevelTimes | None]:
    """Speed of a layout, and the times that the level is judged by, as the asked traffic sees them under the engine's
    own scheduler; unchanged where nothing can be replayed.

    Prefill on replicas of its own has no schedule to replay, nor has a queue that grows without end.
    """
    step, replicas = estimate.step, estimate.busy_replicas
    if step is None or traffic.encodes or traffic.prefill_replicas or (speed.overloaded and not traffic.is_finite):
        return speed, times
    memory = compile_memory(estimate.deployment, estimate.layout)
    room = estimate.memory.max_concurrency if estimate.layout.host else inf
    limits = Limits.of(memory, step, traffic.total_tokens, room)
    shown = _replayed(step, traffic, limits, replicas, level)
    speed = with_replay(speed, shown, step, traffic, replicas)
    return speed, replayed_times(speed, level) if level else None


_replayed = lru_cache(maxsize=16)(replay)
"""A row is replayed once where it is confirmed, shown and planned with."""
