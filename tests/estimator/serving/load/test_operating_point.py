"""The operating point of an engine of round numbers, by hand [ms]; see tests/estimator/serving/linear_engine.py."""

from dataclasses import replace
from math import log, sqrt
from typing import Any

import pytest

from estimator.engines.speed_constants import Scheduler
from estimator.layout import Layout
from estimator.models.media import Media
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import (
    OperatingPoint,
    held_tokens,
    maximum_throughput,
    one_pass,
    operate,
    prompts_in_a_step,
)
from tests.estimator.serving.linear_engine import MS, linear_engine, requests

approx = pytest.approx


def ms(seconds: float) -> float:
    return seconds / MS


def adds_up(point: OperatingPoint, output_tokens: int) -> bool:
    """Whether a request takes its first token and the gaps between the others."""
    return point.request_s == approx(point.ttft_s + (output_tokens - 1) * point.tpot_s)


def test_a_prompt_that_rides_along_takes_from_others_what_it_adds_to_a_step() -> None:
    point = operate(linear_engine(), requests(), 20)
    assert ms(point.decode_step_s) == approx(10)
    assert ms(point.prompt_alone_s) == approx(18)
    assert ms(point.prompt_s) == approx(10)
    assert ms(point.tpot_s) == approx(10 * (1 + 19 * 10 / (10 + 1000)))
    assert ms(point.prompt_wait_s) == approx(18 * 19 * 2 / (2 + 100))  # taken to last 100 / 50 steps
    assert ms(point.ttft_s) == approx(18 + 684 / 102 + 3 + ms(point.tpot_s) / 2)
    assert adds_up(point, 100)
    assert point.requests_per_s == approx(20 / point.request_s)
    assert point.prefill_time_share == approx(10 / (10 + 1000 / 20))


def test_prompts_that_come_first_take_their_whole_time_and_share_its_fixed_part() -> None:
    alone = operate(linear_engine("first"), requests(), 20)
    assert ms(alone.prompt_s) == approx(18)
    four = operate(linear_engine("first"), requests(5), 20)  # 20 answers of 5 tokens: four end with every step
    assert ms(four.prompt_s) == approx((8 + 40) / 4)
    two = operate(linear_engine("first", chunk_tokens=200), requests(5), 20)
    assert ms(two.prompt_s) == approx((8 + 20) / 2)


def test_who_comes_at_random_finds_others_beside_himself() -> None:
    point = operate(linear_engine("first"), requests(5), 21, at_random=True)
    assert ms(point.prompt_s) == approx((8 + 10 * 5) / 5)  # himself, and (21 - 1) / 5 others
    assert ms(operate(linear_engine("first"), requests(), 1, at_random=True).prompt_s) == approx(18)


def test_a_prompt_that_rides_along_never_takes_more_than_alone() -> None:
    """Where a step carries less than one prompt, what it adds is that of its chunk times its chunks."""
    slow = linear_engine(chunk_tokens=50)
    point = operate(slow, requests(), 20)
    assert ms(point.prompt_alone_s) == approx(2 * 8 + 10)
    assert ms(point.prompt_s) == approx(10)
    loaded = replace(slow, speed=replace(slow.speed, prompts=slow.speed.prompts._replace(factor=4.0)))
    point = operate(loaded, requests(), 20)
    assert ms(point.prompt_alone_s) == approx(4 * 26)
    assert ms(point.prompt_s) == approx(min(4 * 26, 4 * 10))


def test_a_batch_that_nobody_joins_waits_for_all_of_its_prompts_and_for_its_longest_answer() -> None:
    point = operate(linear_engine("static"), requests(), 20)
    assert ms(point.tpot_s) == approx(10)
    assert ms(point.prompt_wait_s) == approx(8 + 200 - 18)
    assert ms(point.ttft_s) == approx(208 + 3)
    assert adds_up(point, 100)
    varied = operate(linear_engine("static"), requests(length_variation=0.5), 20)
    longest = 1 + 0.5 * sqrt(2 * log(20))
    assert varied.request_s == approx(varied.ttft_s + 99 * longest * varied.tpot_s)
    assert adds_up(operate(linear_engine("static"), requests(length_variation=0.5), 1), 100)


def test_admission_and_the_tower_are_part_of_a_prompt() -> None:
    engine = linear_engine("first", admission_s=4 * MS, tower_s_per_patch=0.5 * MS)
    seeing = requests(5, media=Media(tokens=0, patches=6))
    point = operate(engine, seeing, 20)
    assert ms(point.prompt_s) == approx((8 + 40) / 4 + 4 / 4 + 3)
    assert ms(point.prompt_alone_s) == approx(18 + 3)
    static = operate(linear_engine("static", tower_s_per_patch=0.5 * MS), requests(media=Media(0, 6)), 20)
    assert ms(static.prompt_wait_s) == approx(208 + 20 * 3 - 21)


def test_a_cached_prompt_takes_and_waits_for_nothing() -> None:
    cached = requests(prefix_cache_hit=0.999999, output_tokens=50)
    assert cached.uncached_tokens[0] == 1
    point = operate(linear_engine("first"), cached, 10)
    assert ms(point.prompt_alone_s) == approx(8.1)
    nothing = operate(linear_engine("first"), replace(cached, input_tokens=0), 10)
    assert ms(nothing.prompt_s) == ms(nothing.prompt_wait_s) == 0
    assert ms(nothing.tpot_s) == approx(9)
    assert nothing.requests_per_s == approx(10 / nothing.request_s)


def test_drafts_are_rows_of_a_step_that_yields_more_tokens() -> None:
    point = operate(linear_engine(), requests(draft_tokens=3, accepted_tokens=2.0), 20)
    assert ms(point.decode_step_s) == approx((8 + 0.1 * 20 * 4 + 3) / 2)  # three proposed at 1 ms each


def test_replicas_of_the_attention_share_the_batch_and_wait_for_the_one_with_most_prompts() -> None:
    one, two = (operate(linear_engine("first", layout=Layout(dp=each)), requests(), 20) for each in (1, 2))
    assert ms(two.decode_step_s) == approx(8 + 0.1 * 10)
    assert two.prompt_s == approx(one.prompt_s / 2)
    assert two.prompt_alone_s == one.prompt_alone_s


@pytest.mark.parametrize(("layout", "prompts"), [(Layout(), 20), (Layout(dp=2), 40), (Layout(pp=4), 80)])
def test_a_step_carries_a_chunk_for_each_stage_and_replica(layout: Layout, prompts: float) -> None:
    assert prompts_in_a_step(linear_engine(layout=layout), 100) == prompts


def test_the_wait_of_a_first_token_stays_where_a_longer_answer_would_be_complete_sooner() -> None:
    """Request times rise with the length of answers, whatever the wait of the first token falls by."""
    engine = linear_engine("first")
    busy = replace(engine, speed=replace(engine.speed, first_token=engine.speed.first_token._replace(wait=6.0)))
    times = [operate(busy, requests(length), 60).request_s for length in range(1, 60)]
    assert times == sorted(times)
    waits = [ms(operate(busy, requests(length), 60).prompt_wait_s) for length in (1, 2)]
    assert waits[0] == approx(waits[1], rel=0.08)  # on the plateau, where it would else fall by a quarter
    assert operate(busy, requests(), 1).prompt_wait_s == 0


def test_a_pass_over_texts_takes_the_time_of_its_batch() -> None:
    engine = linear_engine("first", tower_s_per_patch=0.5 * MS)
    point = one_pass(engine, requests(encodes=True, media=Media(tokens=0, patches=2)), 10)
    assert ms(point.prompt_alone_s) == approx(18 + 1)
    assert ms(point.prompt_wait_s) == approx(8 + 100 + 10 - 19)
    assert ms(point.ttft_s) == ms(point.request_s) == approx(118 + 3)
    assert ms(point.prompt_s) == approx(10.8 + 1)
    assert point.requests_per_s == approx(10 / 0.121)
    assert (point.tpot_s, point.decode_step_s, point.prefill_time_share) == (0, 0, 1)
    halved = one_pass(linear_engine("first", layout=Layout(dp=2)), requests(encodes=True), 10)
    assert halved.requests_per_s == approx(10 / 0.111)  # the batch's own time bounds it, though two engines share it
    assert operate(engine, requests(encodes=True), 10) == one_pass(engine, requests(encodes=True), 10)


def test_at_most_every_token_of_a_step_is_a_prompt_s_or_an_answer_s() -> None:
    few = requests(10)  # two prompts come with each step of 20 answers
    assert maximum_throughput(linear_engine(), few, 20) == approx(20 / (8 + 0.1 * 220) / MS)
    narrow = maximum_throughput(linear_engine(chunk_tokens=100), few, 20)
    assert narrow == approx(20 / ((8 + 0.1 * 120) + (8 + 10)) / MS)  # the other in a step of its own
    admitting = linear_engine(admission_s=4 * MS, tower_s_per_patch=0.5 * MS)
    seeing = replace(few, media=Media(tokens=0, patches=2))
    assert maximum_throughput(admitting, seeing, 20) == approx(20 / (30 + 4 + 2 * 1) / MS)
    rare = replace(requests(100), media=Media(tokens=0, patches=2))  # a prompt in every fifth step
    assert maximum_throughput(admitting, rare, 20) == approx(20 / (8 + 0.1 * 40 + 0.2 * 4 + 0.2 * 1) / MS)
    replicas = linear_engine(layout=Layout(dp=2))  # two prompts in every fifth step, where one waits for the other's
    assert maximum_throughput(replicas, requests(50), 20) == approx(20 / (8 + 0.1 * 10 + 0.2 * (10 + 10)) / MS)
    drafting = replace(few, draft_tokens=1, accepted_tokens=1.5)
    assert maximum_throughput(linear_engine(), drafting, 20) == approx(1.5 * 20 / (8 + 0.1 * 240 + 1) / MS)


@pytest.mark.parametrize(
    ("prompts", "reserves", "asked", "tokens"),
    [
        ("chunked", False, requests(), 150),  # half of each answer is written
        ("chunked", True, requests(), 200),
        ("static", False, requests(), 200),
        ("first", False, requests(length_variation=0.5), 163),  # 100 + 100 x 1.25 / 2: long answers are seen more
        ("chunked", False, requests(concurrency=20, requests=20, traffic="burst"), 200),  # all grow side by side
        ("chunked", False, requests(concurrency=20, requests=20, traffic="burst", length_variation=0.5), 182),
    ],
)
def test_room_must_be_there_for_what_a_request_in_flight_holds(
    prompts: Any, reserves: bool, asked: ServingWorkload, tokens: int
) -> None:
    assert held_tokens(Scheduler(prompts, reserves), asked) == tokens
