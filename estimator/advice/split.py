"""How many of a candidate's replicas should only prefill: the split that serves most within the level."""

from dataclasses import replace

from estimator.advice.study import Study
from estimator.serving.load.percentiles import level_times
from estimator.serving.load.performance import load_replica

MOST_SPLITS = 64
"""Numbers of prefill replicas that are tried, from one on."""


def best_split(study: Study) -> int | None:
    """Replicas that only prefill, of those that hand their caches to the others, where requests per second within the
    service level are highest; None where one replica stands alone, or no split serves more than none.

    For users who wait for their answers: open arrivals have no closed form of a split.
    """
    workload, level, replicas = study.workload, study.scenario.service_level, study.replicas
    if workload.requests_per_second is not None or workload.kind != "closed" or workload.encodes:
        return None
    busy = workload.busy_replicas(replicas)
    served: list[tuple[bool, float, int]] = []
    for number in range(min(busy, MOST_SPLITS + 1)):
        asked = replace(workload, prefill_replicas=number)
        load = load_replica(study.step, asked, workload.concurrency / busy, study.room, busy)
        keeps = not level or level.met_by(*level_times(study.step, asked, load, level))
        served.append((keeps, load.requests_per_s, -number))
    best = -max(served, default=(False, 0.0, 0))[2]
    return best or None
