"""A replica's share of a load on an engine of round numbers, by hand [ms]: `tests.estimator.serving.linear_engine`."""

from dataclasses import replace
from math import exp, inf, sqrt

import pytest

from estimator.layout import Layout
from estimator.models.media import Media
from estimator.results import Band
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.arrivals import arrivals_at, point_at_rate, with_prompts_at_once
from estimator.serving.load.disaggregated import disaggregated_point
from estimator.serving.load.median_gap import median_gap_s
from estimator.serving.load.operating_point import first_token_overhead_s, operate
from estimator.serving.load.performance import load_replica, performance, report_performance, request_latency_s
from estimator.serving.load.spells import HIGHEST_LOAD, Queue, Seen, Spells
from estimator.serving.speed.step import Step
from tests.estimator.serving.linear_engine import MS, linear_engine, requests, spread, with_speed

approx = pytest.approx


def ms(seconds: float) -> float:
    return seconds / MS


def spells(step: Step, work: ServingWorkload, rate: float, full: float = 20, variation: float = 0.0) -> Spells:
    return Spells(step, work, rate, operate(step, work, 1), operate(step, work, full), variation)


# prompts that come at random


def test_prompts_that_come_first_wait_as_in_the_queue_of_one_server() -> None:
    """M/D/1: half of a prompt for each that finds one at work, over the share of the time that is free."""
    alone = linear_engine("first", chunk_tokens=100)  # no two prompts in a step
    seen = spells(alone, requests(), 20.0).seen(20, 10 * MS, 18 * MS)
    load = 20 * 0.018
    assert seen.load == approx(load)
    assert ms(seen.wait_s) == approx(18 / (2 * (1 - load)))
    assert ms(seen.prompts.mean_s) == approx(load * 18 / (2 * (1 - load)))
    spell = (load + 20 * load * seen.wait_s) * 18 / (1 - load)
    assert ms(seen.lost_s) == approx(spell)
    assert seen.caught == approx(Queue(load, seen.lost_s / load))
    assert ms(seen.tpot_s) == approx(10 / (1 - load) + spell / 100)


def test_lengths_and_clumps_that_scatter_lengthen_the_wait() -> None:
    alone = linear_engine("first", chunk_tokens=100)
    equal, varied, clumped = (
        spells(alone, work, 20.0, variation=variation).seen(20, 10 * MS, 18 * MS).wait_s
        for work, variation in ((requests(), 0.0), (requests(), 0.5), (requests(burstiness=0.5), 0.0))
    )
    assert varied == approx(1.25 * equal)
    assert clumped == approx(2 * equal)


def test_prompts_that_wait_together_share_what_a_step_takes_anyway() -> None:
    """Beside full batches of twenty answers of five tokens, 4.8 prompts share the 8 ms of a step."""
    engine = linear_engine("first")
    many = spells(engine, requests(5), 30.0)
    full = operate(engine, requests(5), 20)
    assert ms(many.alone_s) == approx(18)
    assert ms(many.fixed_s) == approx((18 - ms(full.prompt_s)) / (1 - 1 / 4.8))
    seen = many.seen(20, 10 * MS, 18 * MS)
    assert 30 * 0.010 < seen.load < 30 * 0.018
    assert spells(engine, requests(5), 0.001).seen(20, 10 * MS, 18 * MS).load == approx(0.001 * 0.018, rel=0.03)


def test_a_prompt_that_rides_along_lasts_for_its_chunks_of_steps() -> None:
    """Twenty answers leave 1,980 of a step's 2,000 tokens to prompts of 100."""
    chunked = spells(linear_engine(), requests(), 5.0)
    assert chunked.chunks(20) == approx(1 / 19.8)
    assert chunked.chunks(5000) == approx(100)  # one token a step at the least
    assert spells(linear_engine(), requests(draft_tokens=3), 5.0).chunks(20) == approx(1 / 19.2)
    seen = chunked.seen(20, 10 * MS, 10 * MS)
    assert seen.load == approx(5 * (0.010 + 0.010 / 19.8))
    assert ms(seen.wait_s) == approx(5.5437, rel=1e-4)
    assert ms(seen.lost_s) == approx(0.539437, rel=1e-4)
    assert ms(seen.tpot_s) == approx(10 / 0.95 + 0.00539437, rel=1e-6)
    assert not spells(linear_engine(), requests(1), 5.0).decodes


def test_tokens_that_a_step_yields_together_share_its_time() -> None:
    drafting = spells(linear_engine(), requests(draft_tokens=1, accepted_tokens=2.0), 5.0)
    plain = spells(linear_engine(), requests(output_tokens=50, draft_tokens=1), 5.0)
    one, other = drafting.seen(20, 5 * MS, 10 * MS), plain.seen(20, 10 * MS, 10 * MS)
    assert one.tpot_s == approx(other.tpot_s / 2)
    assert (one.load, one.wait_s, one.lost_s) == approx((other.load, other.wait_s, other.lost_s))


def test_no_prompt_to_compute_is_no_wait() -> None:
    assert spells(linear_engine(), requests(input_tokens=0), 5.0).seen(20, 10 * MS, 0.0) == Seen(10 * MS)
    assert Seen(10 * MS).caught == Queue()


def test_a_first_token_sees_its_prompt_the_wait_the_overhead_and_half_a_step() -> None:
    engine = linear_engine("first", chunk_tokens=100)
    model, point = spells(engine, requests(), 20.0), operate(engine, requests(), 20)
    seen = model.seen(20, point.decode_step_s, point.prompt_s)
    among = model.among(point, seen, 3 * MS, 100)
    assert among.ttft_s == approx(18 * MS + seen.prompts.mean_s + 3 * MS + seen.tpot_s / 2)
    assert among.request_s == approx(among.ttft_s + 99 * seen.tpot_s)
    assert among.requests_per_s == min(20.0, point.requests_per_s)
    assert among.prompt_wait_s == seen.prompts.mean_s


def test_a_prompt_beside_answers_takes_their_step_as_often_as_there_are_any() -> None:
    model, point = spells(linear_engine(), requests(), 5.0), operate(linear_engine(), requests(), 20)
    seen = model.seen(20, point.decode_step_s, point.prompt_s)
    riding = 10 + 10 * (1 + 5 * seen.tpot_s)  # one step, himself and who came in the last
    busy = 1 - exp(-5 * seen.tpot_s * 100)
    first = model.among(point, seen, 0.0, 100).ttft_s - seen.prompts.mean_s - seen.tpot_s / 2
    assert ms(first) == approx(18 + busy * (riding - 18))


# open arrivals


def test_a_pass_over_texts_is_the_queue_of_one_server() -> None:
    reading = requests(encodes=True, requests_per_second=20.0)
    at = arrivals_at(linear_engine("first"), reading, 20.0, 1)
    assert at.utilization == approx(20 * 0.021)
    wait = 20 * 0.018 * 18 / (2 * (1 - 20 * 0.018))
    assert ms(at.point.ttft_s) == ms(at.point.request_s) == approx(21 + wait)
    assert at.point.requests_per_s == 20
    assert at.deviation == approx(sqrt(20 * 0.021))
    assert at.slots.share == approx(20 * 0.021)


def test_who_comes_seldom_is_alone() -> None:
    for prompts in ("first", "chunked"):
        at = arrivals_at(linear_engine(prompts), requests(requests_per_second=0.01), 0.01, 20)
        assert ms(at.point.tpot_s) == approx(8.1, rel=2e-3)
        assert ms(at.point.ttft_s) == approx(18 + 3 + 8.1 / 2, rel=2e-3)
        assert at.point.requests_per_s == 0.01
        assert at.point.concurrency == approx(1, abs=0.02)
        assert at.deviation == approx(sqrt(0.01 * at.point.request_s), rel=0.01)
        assert at.slots.mean_s == approx(0, abs=1e-9)


def test_as_many_answers_are_in_work_as_come_while_one_is_answered() -> None:
    """Little's law, and one more for who arrives and slows the others down."""
    for rate in (2.0, 8.0, 14.0):
        at = arrivals_at(linear_engine("first"), requests(requests_per_second=rate), rate, 60)
        assert at.utilization < 1
        in_work = rate * 100 * at.point.tpot_s
        assert in_work < at.point.concurrency < in_work + 2.5
        assert at.deviation > sqrt(rate * at.point.request_s)


def test_an_overload_is_a_full_engine() -> None:
    for prompts in ("first", "static"):
        engine, full = linear_engine(prompts), operate(linear_engine(prompts), requests(), 20)
        at = arrivals_at(engine, requests(requests_per_second=100.0), 100.0, 20)
        assert at.utilization == approx(100 / full.requests_per_s)
        assert at.point.concurrency == 20
        assert at.point.requests_per_s == full.requests_per_s
        assert at.slots.wait_s == approx(at.point.request_s / 2 / (20 * (1 - HIGHEST_LOAD)), rel=1e-6)


def test_clumps_scatter_the_number_in_flight() -> None:
    even, clumped = (
        arrivals_at(linear_engine("static"), requests(requests_per_second=4.0, burstiness=each), 4.0, 50)
        for each in (1.0, 0.5)
    )
    assert clumped.deviation == approx(sqrt(1.5) * even.deviation)
    assert clumped.prompts.wait_s == approx(2 * even.prompts.wait_s)
    assert clumped.slots.wait_s > 1.5 * even.slots.wait_s


@pytest.mark.parametrize("rate", [0.2, 3.0, 9.0, 12.0])
def test_a_batch_that_starts_together_completes_what_arrives(rate: float) -> None:
    engine, work = linear_engine("static"), requests()
    point, utilization = point_at_rate(engine, work, rate, 40)
    full = operate(engine, work, 40)
    assert utilization == approx(rate / full.requests_per_s)
    if utilization < 1 and point.concurrency > 1:
        assert point.requests_per_s == approx(rate, rel=0.02)
    assert (point == full) == (utilization >= 1)


def test_a_burst_waits_for_half_of_its_prompts_in_place_of_the_others() -> None:
    engine, work = linear_engine("first"), requests()
    point = operate(engine, work, 20)
    at_once = with_prompts_at_once(engine, work, point)
    assert ms(at_once.prompt_wait_s) == approx(18 * 19 / 2)
    assert at_once.ttft_s == approx(point.ttft_s + at_once.prompt_wait_s - point.prompt_wait_s)
    assert at_once.request_s == approx(point.request_s + at_once.prompt_wait_s - point.prompt_wait_s)


# prefill apart from decoding


def test_prefill_apart_is_a_queue_of_its_own_and_the_cache_crosses_the_network() -> None:
    """Four of sixteen only prefill; a cache of 100 tokens at 80 kB takes 10 ms at 80 % of 1 GB/s."""
    engine, work = linear_engine(token_bytes=80e3), requests()
    decoding = operate(engine, work, 4 / 0.75)
    point = disaggregated_point(engine, work, 4, inf, 0.25)
    tpot = decoding.decode_step_s / 0.92
    unqueued = decoding.ttft_s - decoding.prompt_wait_s + 10 * MS
    rate = 4 / (unqueued + 99 * tpot)
    load = rate * 0.018 / 0.25
    assert 0.2 < load < 0.9
    wait = 0.018 * load / (2 * (1 - load))
    assert point.tpot_s == approx(tpot)
    assert point.prompt_wait_s == approx(wait)
    assert point.ttft_s == approx(unqueued + wait)
    assert point.request_s == approx(unqueued + wait + 99 * tpot)
    assert point.requests_per_s == approx(4 / point.request_s)
    assert point.concurrency == approx(4)
    assert point.prefill_time_share == 0.25


def test_prefill_engines_that_are_busy_bound_the_rate_and_decode_engines_hold_what_fits() -> None:
    engine, work = linear_engine(), requests()
    point = disaggregated_point(engine, work, 40, inf, 0.25)
    assert point.requests_per_s == approx(0.9 * 0.25 / 0.018)
    assert ms(point.prompt_wait_s) == approx(18 * 0.9 / (2 * 0.1))
    assert disaggregated_point(engine, work, 400, 8, 0.25).concurrency == approx(6)
    seeing = requests(media=Media(tokens=0, patches=4))
    towers = disaggregated_point(linear_engine(tower_s_per_patch=1 * MS), seeing, 40, inf, 0.25)
    assert towers.requests_per_s == approx(0.9 * 0.25 / 0.022)
    nothing = disaggregated_point(engine, requests(input_tokens=0), 40, inf, 0.25)
    assert nothing.prompt_wait_s == 0


def test_tensor_parallel_ranks_send_their_shares_of_the_cache_over_one_network() -> None:
    one, two = (
        disaggregated_point(linear_engine(token_bytes=80e3, layout=Layout(tp=tp)), requests(), 1, inf, 0.5).ttft_s
        for tp in (1, 2)
    )
    assert ms(two - one) == approx(10, rel=1e-3)


# one replica's share


def test_who_finds_no_room_waits_outside() -> None:
    engine, work = linear_engine(), requests()
    load, point = load_replica(engine, work, 30, 20), operate(engine, work, 20)
    assert load.queue_s == approx(10 / point.requests_per_s)
    assert load.ttft_s == approx(point.ttft_s + load.queue_s)
    assert (load.limit, load.kind, load.overloaded) == (20, "serving", False)
    assert load_replica(engine, work, 12, 20).queue_s == 0
    assert load_replica(engine, work, 1, 20).kind == "single"


def test_an_engine_runs_no_more_than_its_own_most_on_each_attention_replica() -> None:
    narrow = with_speed(linear_engine(layout=Layout(dp=2)), max_batch=8)
    assert load_replica(narrow, requests(), 30).limit == 16
    assert load_replica(narrow, requests(), 30, 0.3).limit == 1  # one runs, whatever is left for it


def test_a_burst_without_an_end_waits_for_half_of_those_outside_before_each() -> None:
    engine, work = linear_engine("first"), requests(traffic="burst")
    load, point = load_replica(engine, work, 30, 20), operate(engine, work, 20)
    assert load.queue_s == approx(10**2 / (2 * 30 * point.requests_per_s))
    assert load.point == with_prompts_at_once(engine, work, point)
    assert load_replica(engine, work, 12, 20).queue_s == 0


def test_arrivals_are_shared_evenly_and_a_replica_completes_what_it_can() -> None:
    engine, work = linear_engine("first"), requests(requests_per_second=12.0)
    load, alone = load_replica(engine, work, 1, 20, replicas=4), arrivals_at(engine, work, 3.0, 20)
    assert (load.requests_per_s, load.utilization, load.deviation) == (3.0, alone.utilization, alone.deviation)
    assert (load.prompts, load.slots, load.caught) == (alone.prompts, alone.slots, alone.caught)
    assert load.queue_s == alone.slots.mean_s
    over = load_replica(engine, work, 1, 2, replicas=1)
    assert over.overloaded
    assert over.requests_per_s == operate(engine, work, 2).requests_per_s


def test_replicas_that_only_prefill_are_part_of_the_whole() -> None:
    engine, work = linear_engine(), requests(prefill_replicas=1)
    load = load_replica(engine, work, 400, 8, replicas=4)
    assert load.point == disaggregated_point(engine, work, 400, 8, 0.25)
    assert load.queue_s == approx((400 - 6) / load.point.requests_per_s)
    assert load_replica(engine, work, 4, 8, replicas=1).point == operate(engine, work, 4)  # none is left to decode


def test_the_median_gap_turns_where_half_of_the_steps_carry_a_prompt() -> None:
    point = operate(linear_engine("first"), requests(100), 70)
    assert median_gap_s(requests(100), point) == approx((point.decode_step_s + point.tpot_s) / 2)
    assert median_gap_s(requests(10_000), point) == approx(point.decode_step_s, rel=0.02)
    assert median_gap_s(requests(10), point) == approx(point.tpot_s, rel=1e-6)
    steeper = median_gap_s(requests(100), point._replace(concurrency=85.0)) - point.decode_step_s
    assert steeper == approx((point.tpot_s - point.decode_step_s) / (1 + exp(-1)))


# the report


def test_every_figure_of_a_report_follows_from_its_point() -> None:
    engine, work = spread(linear_engine(), 0.5, 2.0), requests()
    point = operate(engine, work, 20)
    report = performance(engine, work, 20, replicas=3)
    rate = point.requests_per_s
    for band, typical in (
        (report.ttft_s, point.ttft_s),
        (report.tpot_s, point.tpot_s),
        (report.tokens_per_s_per_user, 1 / point.tpot_s),
        (report.output_tokens_per_s_per_replica, rate * 100),
        (report.output_tokens_per_s, 3 * rate * 100),
        (report.total_tokens_per_s, 3 * rate * 200),
        (report.requests_per_s, 3 * rate),
        (report.median_gap_s, median_gap_s(work, point)),
    ):
        assert band == approx(Band(typical / 2, typical, typical * 2))
    assert report.request_latency_s == request_latency_s(report.ttft_s, report.tpot_s, 99)
    assert report.request_latency_s.typical == approx(point.request_s)
    assert (report.utilization, report.overloaded, report.possible_requests_per_s) == (0, False, None)
    assert (report.prefill, report.decode, report.concurrency) == ((), (), 20)


def test_what_arrives_is_completed_as_long_as_the_engine_s_low_end_keeps_up() -> None:
    engine = spread(linear_engine("first"), 0.5, 2.0)
    for rate, lowest in ((2.0, 1.0), (12.0, None)):
        work = requests(requests_per_second=rate)
        load = load_replica(engine, work, 1, 60)
        report = report_performance(engine, work, load, 1)
        assert report.requests_per_s.typical == report.requests_per_s.high == approx(rate)
        low = 0.5 / load.utilization if lowest is None else lowest
        assert report.requests_per_s.low == approx(rate * min(low, 1.0))
        assert report.possible_requests_per_s == approx(rate / load.utilization)


def test_a_report_of_passes_has_no_figure_of_output() -> None:
    work = requests(encodes=True)
    engine = spread(linear_engine("first"), 0.5, 2.0)
    report = performance(engine, work, 10, replicas=2)
    assert report.ttft_s == report.request_latency_s == approx(Band(0.0605, 0.111, 0.222), rel=0.1)
    assert report.tpot_s == report.output_tokens_per_s == Band(0.0, 0.0, 0.0)
    assert report.requests_per_s.typical == approx(2 * operate(engine, work, 10).requests_per_s)
    assert report.total_tokens_per_s.typical == approx(100 * report.requests_per_s.typical)
    assert report.one_pass
    assert report.prefill_time_share == 1


def test_the_parts_of_both_times_add_up() -> None:
    seeing = requests(media=Media(tokens=0, patches=4), draft_tokens=1, accepted_tokens=1.6)
    for prompts, work in (("chunked", requests()), ("first", seeing), ("first", replace(seeing, prefill_replicas=1))):
        engine = linear_engine(prompts, tower_s_per_patch=1 * MS, token_bytes=80e3)
        load = load_replica(engine, work, 30, 20, replicas=4)
        report = report_performance(engine, work, load, 4, detail=True)
        assert sum(part.seconds for part in report.prefill) == approx(load.ttft_s)
        assert sum(part.seconds for part in report.decode) == approx(load.point.tpot_s)
        names = [part.name for part in (*report.prefill, *report.decode)]
        assert ("cache transfer" in names) == ("waiting for caches" in names) == bool(work.prefill_replicas)
        assert ("running step" in names) == ("prompts between" in names) == (not work.prefill_replicas)
        assert ("tower" in names) == bool(work.media.patches)
        assert "queue" in names


def test_launching_outside_of_a_graph_is_paid_for_a_layer_up_to_the_longest_captured() -> None:
    engine = linear_engine()
    layered = with_speed(engine, first_token=engine.speed.first_token._replace(layer_ms=100, graph_tokens=512))
    assert ms(first_token_overhead_s(layered, 256)) == approx(3 + 100 * 10 / 2 - (8 + 25.6), rel=1e-4)
    assert ms(first_token_overhead_s(layered, 2000)) == approx(3 + 1000 - (8 + 200), rel=1e-3)
    chunk_and_a_half = ms(first_token_overhead_s(layered, 3000))
    assert chunk_and_a_half == approx(3 + 1500 - (2 * 8 + 300), rel=1e-3)
    eager = with_speed(engine, first_token=engine.speed.first_token._replace(layer_ms=100))
    assert ms(first_token_overhead_s(eager, 256)) == approx(3 + 1000 - (8 + 25.6), rel=1e-4)
    assert ms(first_token_overhead_s(eager, 0)) == approx(3)


def test_launching_is_hidden_behind_a_prompt_that_takes_the_device_longer() -> None:
    engine = linear_engine()
    layered = with_speed(engine, first_token=engine.speed.first_token._replace(layer_ms=5, graph_tokens=512))
    assert ms(first_token_overhead_s(layered, 256)) == approx(3 + (33.6**4 + 25**4) ** 0.25 - 33.6)
    assert ms(first_token_overhead_s(layered, 1900)) == approx(3, abs=0.25)  # 198 ms against 50
    assert ms(first_token_overhead_s(layered, 100, cached=900)) < ms(first_token_overhead_s(layered, 256))


def test_what_a_host_launches_before_a_prompt_and_in_captured_pieces() -> None:
    engine = linear_engine()
    before = engine.speed.first_token._replace(layer_ms=5, launches_first=True)
    assert ms(first_token_overhead_s(with_speed(engine, first_token=before), 256)) == approx(3 + 50)
    assert ms(first_token_overhead_s(with_speed(engine, first_token=before), 1900)) == approx(3 + 50)
    pieces = with_speed(engine, first_token=before._replace(captured=0.4, captured_tokens=1000))
    assert ms(first_token_overhead_s(pieces, 1000)) == approx(3 + 20)
    assert ms(first_token_overhead_s(pieces, 1001)) == approx(3 + 50)
    chunked = replace(pieces, speed=replace(pieces.speed, prompts=pieces.speed.prompts._replace(chunk_tokens=1000)))
    assert ms(first_token_overhead_s(chunked, 3000)) == approx(3 + 3 * 20), "three chunks of 1,000 tokens"
    replicas = replace(pieces, layout=Layout(dp=2))
    assert ms(first_token_overhead_s(replicas, 1000)) == approx(3 + 50), "attention replicas capture none"
