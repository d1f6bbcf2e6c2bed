"""Who waits for a place in a batch, and how long: against queues whose wait is known exactly."""

from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.arrivals import HIGHEST_LOAD, shared_slots, single_slots
from estimator.serving.load.spells import Queue

RANDOM = ServingWorkload(length_variation=1.0)
EQUAL = ServingWorkload()


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9])
def test_one_server_is_the_queue_of_pollaczek_and_khinchine(load: float) -> None:
    """M/M/1 waits for load / (1 - load) times of service on average, M/D/1 for half of that."""
    assert single_slots(RANDOM, load, 1, 10.0).mean_s == pytest.approx(10 * load / (1 - load))
    assert single_slots(EQUAL, load, 1, 10.0).mean_s == pytest.approx(5 * load / (1 - load))
    assert single_slots(EQUAL, load, 1, 10.0).share == pytest.approx(load)


def erlang_c(servers: int, load: float) -> float:
    """Probability that all servers are busy, by the recursion of Erlang B."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = servers * load * blocked / (number + servers * load * blocked)
    return blocked / (1 - load * (1 - blocked))


@pytest.mark.parametrize("servers", [2, 4, 16, 64])
def test_several_servers_are_near_to_erlangs_formula(servers: int) -> None:
    """M/M/c at a load of 0.8: who waits does so for 1 / (c (1 - load)) services."""
    queue = single_slots(RANDOM, 0.8, servers, 10.0)
    assert queue.share == pytest.approx(erlang_c(servers, 0.8), abs=0.05)
    assert queue.wait_s == pytest.approx(10 / (servers * 0.2))


def test_bursts_lengthen_the_wait_and_a_full_queue_stands_as_at_the_highest_load() -> None:
    bursty = ServingWorkload(length_variation=1.0, burstiness=0.5)
    assert single_slots(bursty, 0.5, 1, 10.0).mean_s == pytest.approx(1.5 * single_slots(RANDOM, 0.5, 1, 10.0).mean_s)
    assert single_slots(RANDOM, 1.7, 1, 10.0) == single_slots(RANDOM, HIGHEST_LOAD, 1, 10.0)


def test_nobody_waits_without_a_load_a_limit_or_a_deviation() -> None:
    point: Any = SimpleNamespace(concurrency=8.0, request_s=10.0)
    assert single_slots(RANDOM, 0.0, 4, 10.0) == single_slots(RANDOM, 0.5, inf, 10.0) == Queue()
    for load, limit, deviation in ((0.0, 16, 2.0), (0.5, inf, 2.0), (0.5, 16, 0.0)):
        assert shared_slots(RANDOM, load, limit, point, deviation) == Queue()


def test_places_of_a_batch_are_taken_as_often_as_a_normal_number_in_flight_reaches_them() -> None:
    """Seventeen with who arrives, nine in flight, deviation 4: the density two deviations out is 0.05399 / 4."""
    point: Any = SimpleNamespace(concurrency=9.0, request_s=10.0)
    queue = shared_slots(RANDOM, 0.6, 16, point, 4.0)
    assert queue.share == pytest.approx(0.05399 / 4 / 0.4, rel=1e-3)
    assert queue.wait_s == pytest.approx(10 / (16 * 0.4))
    crowded = shared_slots(RANDOM, 0.97, 16, SimpleNamespace(concurrency=17.0, request_s=10.0), 0.1)  # type: ignore[arg-type]
    assert crowded.share == 1
