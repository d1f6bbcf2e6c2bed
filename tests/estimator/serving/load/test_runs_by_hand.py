"""Runs that end, on an engine of round numbers, by hand [ms]; see tests/estimator/serving/linear_engine.py."""

from dataclasses import replace

import pytest

from estimator.engines.speed_constants import FirstToken
from estimator.serving.load.burst import burst
from estimator.serving.load.finite_run import (
    arriving_run,
    burst_run,
    closed_run,
    largest_normal,
    seen_equal,
    seen_unequal,
)
from estimator.serving.load.operating_point import operate
from estimator.serving.speed.step import Step
from tests.estimator.serving.linear_engine import MS, linear_engine, requests, with_speed

approx = pytest.approx
SLOW_FRONT_END = FirstToken(layer_ms=0.0, step_tokens=50.0, fixed_ms=2.0, network_ms=1.0, front_end_ms=4.0)


def ms(seconds: float) -> float:
    return seconds / MS


def test_a_burst_of_equal_answers_runs_in_waves_whose_prompts_ride_along() -> None:
    """Fifty requests at twenty places: two waves and a half; all prompts of a wave come in one step."""
    run = burst(linear_engine(), requests(), 20, 50)
    opening = 9 + 200  # decoding ten on average, and twenty prompts
    flowing = 8 + 0.1 * (20 + 20)  # a prompt's fifth in every step
    gap = (opening - 10) / (2 * 99)  # half of one step of 99
    assert ms(run.point.decode_step_s) == approx(10)
    assert run.point.concurrency == approx(20)
    assert ms(run.point.tpot_s) == approx(10 + (gap + 1.5 * 0.95 * (flowing - 10)) / 2.5)  # a twentieth is its own
    assert ms(run.point.ttft_s) == approx(opening + 3)
    assert ms(run.point.prompt_wait_s) == approx(opening - 18)
    assert run.point.request_s == approx(run.point.ttft_s + 99 * run.point.tpot_s)
    assert ms(run.outside_s) == approx(1200 * (20 * 1 + 10 * 2) / 50)
    assert ms(run.lasting_s) == approx(2 * 1200 + 100 * (8 + 0.1 * (10 + 10)))


def test_who_is_alone_waits_for_no_prompt_between_his_tokens() -> None:
    assert ms(burst(linear_engine(), requests(), 1, 50).point.tpot_s) == pytest.approx(8.1, rel=1e-3)


def test_a_burst_whose_prompts_come_first_waits_for_them_in_every_wave() -> None:
    run = burst(linear_engine("first"), requests(), 20, 50)
    assert ms(run.point.tpot_s) == approx(10 + 104 / 99)  # half of an opening of 8 + 200, once in an answer
    assert ms(run.point.ttft_s) == approx(208 + 3)
    assert ms(run.outside_s) == approx((208 + 1000) * 40 / 50)
    assert ms(run.lasting_s) == approx(2 * 1208 + 100 * (9 + 10 * 18 / 100))


def test_prompts_of_a_burst_that_no_single_step_carries_open_it_in_several() -> None:
    engine = linear_engine("first", chunk_tokens=500, admission_s=1 * MS)
    run = burst(engine, requests(), 20, 20)
    opening = 4 * (8 + 50 + 1)
    assert ms(run.point.ttft_s) == approx(opening * (1 + 5 / 20) / 2 + 3)
    assert ms(run.point.tpot_s) == approx(10 + opening / 2 / 99)
    assert run.outside_s == 0
    assert ms(run.lasting_s) == approx(opening + 1000)


def test_a_single_request_of_a_burst_is_alone() -> None:
    for prompts in ("first", "chunked"):
        run = burst(linear_engine(prompts), requests(), 20, 1)
        assert run.outside_s == 0
        assert run.point.concurrency == 1
        assert 18 + 3 <= ms(run.point.ttft_s) <= 18.1 + 3.001


def test_answers_that_differ_leave_places_one_by_one() -> None:
    """At the most scatter the wait for a place is that of a flow: half of what is outside, one after the other."""
    run = burst(linear_engine("first"), requests(length_variation=1.0), 20, 50)
    one_by_one = 30 * 100 * (10 + 20 * 18 / 100) / 20
    assert ms(run.outside_s) == approx(30 / 50 * (208 + one_by_one) / 2)
    assert ms(run.lasting_s) > 208 + one_by_one + 9 * 100
    half = burst(linear_engine("first"), requests(length_variation=0.5), 20, 50)
    equal = burst(linear_engine("first"), requests(), 20, 50)
    assert half.outside_s == approx((run.outside_s + equal.outside_s) / 2)


def test_all_of_a_burst_is_in_the_front_end_first() -> None:
    fast = linear_engine("first")
    slow = with_speed(fast, first_token=SLOW_FRONT_END)
    one, other = (burst_run(each, requests(), 20, 50) for each in (fast, slow))
    assert ms(other.queue_s - one.queue_s) == approx(49 * 4)
    assert ms(50 / other.requests_per_s - 50 / one.requests_per_s) == approx(49 * 4)


def test_batches_that_start_together_run_one_after_the_other() -> None:
    run = burst_run(linear_engine("static"), requests(), 20, 50)
    wave, last = 211 + 99 * 10, 8 + 100 + 3 + 99 * 9
    assert ms(run.queue_s) == approx(wave * 40 / 50)
    assert run.requests_per_s == approx(50 / (2 * wave + last) / MS)
    whole = burst_run(linear_engine("static"), requests(), 20, 40)
    assert whole.requests_per_s == approx(40 / (2 * wave) / MS)
    slow = burst_run(with_speed(linear_engine("static"), first_token=SLOW_FRONT_END), requests(), 20, 40)
    assert ms(slow.queue_s) == approx((wave + 4) * 20 / 40 + 39 * 4)


@pytest.mark.parametrize("users", [15, 30])
def test_users_begin_with_all_prompts_at_once_and_end_one_after_the_other(users: int) -> None:
    engine, work, running = linear_engine("first"), requests(), min(users, 20)
    steady, run = operate(engine, work, running), closed_run(engine, work, users, 20, 6 * users)
    opening = (8 + 10 * running) * MS
    assert run.queue_s == approx((users - running) / steady.requests_per_s)
    later = opening - steady.prompt_alone_s - steady.prompt_wait_s  # in every round: equal answers end together
    assert later > 0
    assert run.point.ttft_s == approx(steady.ttft_s + later)
    assert run.point.prompt_wait_s == approx(steady.prompt_wait_s + later)
    sooner = (steady.tpot_s - steady.decode_step_s) / 2
    assert run.point.tpot_s == approx(steady.tpot_s - sooner)
    assert run.point.request_s == approx(steady.request_s + later - 99 * sooner)
    lasting = 6 * users / steady.requests_per_s + opening - steady.prompt_wait_s
    assert run.requests_per_s == approx(6 * users / lasting)


def test_fewer_requests_than_users_are_all_there_are() -> None:
    engine, work = linear_engine("first"), requests()
    assert closed_run(engine, work, 50, 20, 8) == closed_run(engine, work, 8, 20, 8)


def test_prompts_of_users_open_in_as_many_steps_as_carry_them() -> None:
    engine, work = linear_engine("first", chunk_tokens=500), requests()
    steady, run = operate(engine, work, 20), closed_run(engine, work, 20, 20, 40)
    opening = 4 * (8 + 50) * MS
    waiting = opening * (1 + 5 / 20) / 2
    assert run.point.ttft_s == approx(steady.ttft_s + waiting - steady.prompt_alone_s - steady.prompt_wait_s)


def test_only_the_first_round_opens_where_prompts_ride_along() -> None:
    engine, work = linear_engine(), requests()
    steady, run = operate(engine, work, 15), closed_run(engine, work, 15, 20, 90)
    waiting = (8 + 10 * 15) * MS
    assert run.point.ttft_s == approx(steady.ttft_s + (waiting - steady.prompt_alone_s - steady.prompt_wait_s) / 6)
    assert run.point.tpot_s == approx(steady.tpot_s - (steady.tpot_s - steady.decode_step_s) / 12)


def test_users_of_batches_that_start_together_have_no_opening() -> None:
    engine, work = linear_engine("static"), requests()
    assert closed_run(engine, work, 20, 20, 60).point == operate(engine, work, 20)


def test_few_requests_far_apart_meet_nobody() -> None:
    engine, work = linear_engine("first"), requests()
    run, alone = arriving_run(engine, work, 0.01, 20, 5), operate(engine, work, 1.0)
    assert run.queue_s == 0
    assert run.point.ttft_s == approx(alone.ttft_s, rel=1e-3)
    assert run.requests_per_s == approx(5 / (5 / 0.01 + run.point.request_s))


def test_what_exceeds_the_engine_s_own_rate_queues_and_drains() -> None:
    """Fifty requests within a twentieth of a second at twenty places."""
    engine, work = linear_engine("first"), requests()
    run, full = arriving_run(engine, work, 1000.0, 20, 50), operate(engine, work, 20)
    assert run.point.concurrency == approx(20, rel=1e-3)
    assert run.queue_s == approx(30**2 / 100 * (1 / full.requests_per_s - 1e-3))
    assert run.requests_per_s == approx(50 / (50 / full.requests_per_s + run.point.request_s / 2))
    varied = replace(work, length_variation=0.8)
    longer = arriving_run(engine, varied, 1000.0, 20, 50)
    assert longer.requests_per_s < 0.95 * run.requests_per_s  # the longest answer runs on


def test_the_number_in_flight_rises_stays_and_falls() -> None:
    """Sent for 10 s and answered in 5: half of the hundred on the plateau, which a fifth of a request's time is not."""
    assert seen_equal(100, 10, 5) == approx(50 * (1 - 5 / 30))
    assert seen_equal(100, 5, 10) == approx(100 * (1 - 5 / 30))
    assert seen_equal(100, 10, 10) == approx(100 * 2 / 3)
    assert seen_unequal(100, 10, 5) == approx(50 * (1 - 0.5 * (1 - 0.1353353)))
    assert seen_unequal(100, 1e6, 1) == approx(1e-4 * (1 - 1e-6))


@pytest.mark.parametrize(("count", "expected"), [(100, 2.5076), (1000, 3.2414), (10_000, 3.8516)])
def test_the_largest_of_many_normal_numbers(count: int, expected: float) -> None:
    """Order statistics by Tippett's tables."""
    assert largest_normal(count) == approx(expected, rel=0.02)


def with_variation(step: Step, users: int, variation: float) -> float:
    """Seconds that the whole run takes more than one of equal answers."""
    times = [
        40 / closed_run(step, requests(length_variation=each), users, 20, 40).requests_per_s for each in (0, variation)
    ]
    return times[1] - times[0]


def test_the_longest_of_many_answers_runs_on_and_that_of_one_does_not() -> None:
    engine = linear_engine("first")
    assert with_variation(engine, 1, 0.8) == approx(0, abs=1e-9)
    assert with_variation(engine, 20, 0.8) > with_variation(engine, 20, 0.4) > with_variation(engine, 4, 0.4) > 0.1
