"""Which requests are replayed: those that the traffic sends, or a sample of a stream that goes on for ever."""

from collections.abc import Iterator
from itertools import chain
from math import ceil
from random import Random
from typing import NamedTuple

from estimator.scenario.traffic import Request
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.lengths import SHAPES, sample_arrivals, sample_lengths

SEED = 20231116
"""Seed of the sample of lengths and gaps: equal questions get equal answers."""
STEADY_REQUESTS = 400
"""Requests of a stream without end that count, at least: percentiles up to p99 rest on four of them."""
ROUNDS = 8
"""Requests that each user of a closed loop sends then, at least."""


class Sample(NamedTuple):
    """One replica's share of a traffic, in the order in which it comes."""

    requests: tuple[Request, ...]
    before: int = 0
    """Requests at the start that only fill the replica, and do not count."""
    after: int = 0
    """Requests at the end that only keep it full."""

    @property
    def last(self) -> int:
        """Index behind the last one that counts."""
        return len(self.requests) - self.after


def sample_of(workload: ServingWorkload, replicas: int, users: int, in_flight: float) -> Sample:
    """The share of one of `replicas` replicas, or of `users` who send to it.

    What ends is replayed as it is, its opening and its end too. Of a stream without end, as many requests come before
    and after those that count as are in flight at once, so that these never see an empty replica.
    """
    if workload.kind == "trace" and workload.trace:
        rate = workload.requests_per_second
        recorded = workload.trace.scaled(workload.input_tokens, workload.output_tokens, rate)
        return Sample(recorded[: workload.requests : replicas])
    if workload.requests:
        return Sample(tuple(_drawn(workload, ceil(workload.requests / replicas), replicas, 0.0, Random(SEED))))
    around = users if workload.requests_per_second is None else ceil(in_flight)
    count = max(STEADY_REQUESTS, ROUNDS * users if workload.requests_per_second is None else 0)
    return Sample(tuple(_parts(workload, around, count, replicas)), around, around)


def _parts(workload: ServingWorkload, around: int, count: int, replicas: int) -> Iterator[Request]:
    """Samples one after the other, each of which keeps the means and the rate.

    Those that count are drawn first, so that fleets of all sizes see the same requests.
    """
    rate, random = workload.requests_per_second, Random(SEED)
    before_s, counted_s = (each * replicas / rate if rate else 0.0 for each in (around, count))
    counted = _drawn(workload, count, replicas, before_s, random)
    before = _drawn(workload, around, replicas, 0.0, random)
    return chain(before, counted, _drawn(workload, around, replicas, before_s + counted_s, random))


def _drawn(workload: ServingWorkload, count: int, replicas: int, begin_s: float, random: Random) -> Iterator[Request]:
    """So many requests with the workload's lengths, from some time on."""
    shapes, rate = SHAPES.get(workload.lengths, (None, None)), workload.requests_per_second
    given = sample_lengths(workload.input_tokens, count, shapes[0], workload.length_variation, random)
    wanted = sample_lengths(workload.output_tokens, count, shapes[1], workload.length_variation, random)
    arrivals = [0.0] * count if rate is None else sample_arrivals(count, rate / replicas, workload.burstiness, random)
    return map(Request, (begin_s + each for each in arrivals), given, wanted)
