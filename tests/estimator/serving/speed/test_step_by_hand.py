"""One step on an engine of round numbers, by hand [ms]: `tests.estimator.serving.linear_engine`."""

from dataclasses import replace
from math import log, sqrt

import pytest

from estimator.engines.speed_constants import HostCost
from estimator.layout import Layout
from estimator.serving.speed.breakdown import bound_of, decode_bound, decode_operators, prefill_operators
from estimator.serving.speed.operators import Operators, StateUpdate, longest_of
from estimator.serving.speed.step import kept_states, prompts_on_busiest_replica
from tests.estimator.serving.linear_engine import MS, Linear, linear_engine, with_speed

approx = pytest.approx


def ms(seconds: float) -> float:
    return seconds / MS


def test_a_step_takes_its_rows_and_the_head_one_of_each_sequence_and_prompt() -> None:
    engine = linear_engine()
    headed = replace(engine, operators=engine.operators._replace(head=Linear(1 * MS, 0.5 * MS)))
    assert ms(headed.step_s(20, 0)) == approx(8 + 2 + 1 + 10)
    assert ms(headed.step_s(20, 0, new=100, prompts=2)) == approx(8 + 0.1 * 220 + 1 + 0.5 * 22)
    assert ms(headed.step_s(0, 0, new=100, prompts=2)) == approx(8 + 0.1 * 200 + 1 + 0.5 * 2)
    assert ms(headed.prefill_s(100, batch=3)) == approx(8 + 30 + 1 + 1.5)


def test_stages_divide_the_batch_and_hand_it_over() -> None:
    engine = linear_engine(layout=Layout(pp=4), hop_s=0.2 * MS, hop_s_per_row=0.01 * MS)
    assert ms(engine.step_s(40, 0)) == approx(8 + 0.1 * 10 + 4 * 0.2 + 10 * 0.01)
    assert ms(engine.step_s(2, 0)) == approx(8 + 0.1 + 0.8 + 0.01)  # one row at the least
    stalling = replace(engine, stall=0.4)
    assert stalling.step_s(40, 0) == approx(engine.step_s(40, 0) * (1 + 0.4 * 3 / 4))
    assert stalling.step_s(4, 0) == engine.step_s(4, 0)  # a single sequence of each stage is no unequal batch


def test_a_prompt_s_chunks_fill_the_stages_and_drain_them() -> None:
    one = linear_engine(chunk_tokens=100)
    assert ms(one.prefill_s(1000)) == approx(10 * 18)
    assert ms(one.prefill_s(1050)) == approx(10 * 18 + 8 + 5)
    staged = linear_engine(
        chunk_tokens=100, layout=Layout(pp=4), hop_s=0.2 * MS, hop_s_per_row=0.001 * MS, pipeline=0.1
    )
    time = staged.prompt_time(1000)
    assert ms(time.alone_s) == approx(180 * (10 + 3) / 40 * 1.1 + 10 * 4 * 0.2 + 1)
    assert ms(time.engine_s) == approx(180 / 4)
    draining = with_speed(staged, prompts=staged.speed.prompts._replace(batch_tokens=400))
    assert ms(draining.prompt_time(1000).alone_s) == approx(180 * (10 + 3 * 3) / 40 * 1.1 + 9)
    assert staged.prompt_time(0) == (0, 0)


def test_only_the_last_chunk_of_a_prompt_may_meet_the_head_and_the_host_waits_once_a_batch() -> None:
    engine = linear_engine(chunk_tokens=100, host_step_s=3 * MS)
    assert ms(engine.prefill_s(450)) == approx(4 * 18 + 8 + 5 + 5 * 3)
    queued = with_speed(engine, prompts=engine.speed.prompts._replace(batch_tokens=200))
    assert ms(queued.prefill_s(450)) == approx(4 * 18 + 8 + 5 + 3 * 3)
    headed = replace(engine, operators=engine.operators._replace(head=Linear(7 * MS)))
    once = with_speed(headed, prompts=engine.speed.prompts._replace(last_logits=True))
    assert ms(headed.prefill_s(450) - once.prefill_s(450)) == approx(4 * 7)


def test_padded_prompts_are_computed_as_the_next_power_of_two() -> None:
    engine = linear_engine()
    padding = with_speed(engine, prompts=engine.speed.prompts._replace(buckets=True))
    assert [padding.padded_tokens(new) for new in (1, 128, 129, 1024, 1025)] == [128, 128, 256, 1024, 2048]
    assert ms(padding.prefill_s(300)) == approx(8 + 51.2)
    assert engine.padded_tokens(300) == 300


def test_the_host_comes_on_top_or_only_where_it_is_the_longer() -> None:
    host = {"host_step_s": 3 * MS, "host_sequence_s": 0.1 * MS}
    assert ms(linear_engine(**host).step_s(20, 0)) == approx(10 + 3 + 2)
    assert ms(linear_engine(layout=Layout(dp=2), **host).host_s(20)) == approx(3 + 1)
    assert ms(linear_engine(**host).prefill_s(100)) == approx(18 + 3)
    overlapping = linear_engine(overlaps=True, **host)
    assert ms(overlapping.step_s(20, 0)) == approx((10**4 + 5**4) ** 0.25)


def test_own_measurements_are_factors_on_both_kinds_of_steps() -> None:
    engine = linear_engine(decode_factor=1.5, prefill_factor=2.0)
    assert ms(engine.decode_s(20, 0)) == approx(15)
    assert ms(engine.prefill_s(100)) == approx(36)
    decode_s = engine.decode_s(20, 0)
    assert ms(engine.riding_s(decode_s, 20, 0, 100, 0, 1, 0)) == approx(10 * 2)  # a prompt's seconds take its own


def test_beyond_captured_graphs_a_step_takes_at_least_its_launches() -> None:
    engine = linear_engine(graph_sequences=20, launch_s=11 * MS)
    assert ms(engine.decode_s(20, 0)) == approx(10)
    assert ms(engine.decode_s(21, 0)) == approx(11)
    assert ms(engine.decode_s(40, 0)) == approx(12)


def test_prompts_keep_a_step_out_of_the_graphs_where_those_hold_decoding_alone() -> None:
    engine = with_speed(linear_engine(launch_s=15 * MS), host=HostCost(launches_mixed=True))
    assert ms(engine.decode_s(20, 0)) == approx(10)
    assert ms(engine.step_s(20, 0, new=10, prompts=1)) == approx(15)
    assert ms(engine.step_s(20, 0, new=100, prompts=1)) == approx(20)
    assert ms(linear_engine(launch_s=15 * MS).step_s(20, 0, new=10, prompts=1)) == approx(11)


def test_a_compiled_step_works_on_its_whole_batch() -> None:
    engine = linear_engine(token_bytes=0.001 * MS, least_batch=8.0)
    assert engine.decode_s(1, 100) == engine.decode_s(8, 100) < engine.decode_s(9, 100)
    parts = decode_operators(engine, 1, 100)
    assert sum(part.seconds for part in parts) == approx(engine.decode_s(1, 100))


def test_drafts_are_proposed_one_by_one_and_told_apart_once() -> None:
    engine = with_speed(linear_engine(), host=HostCost(verify_ms=0.7))
    assert ms(engine.step_s(20, 0, drafts=3)) == approx(8 + 0.1 * 80 + 3 + 0.7)
    assert ms(engine.drafting_s(20, 0, 3)) == approx(3.7)


def test_states_are_moved_for_each_sequence_draft_and_prompt() -> None:
    state = StateUpdate(
        "state", times=2, latency_s=1 * MS, state_bytes=1e6, bytes_per_s=1e9, flops=1e6, flops_per_s=1e12
    )
    operators = Operators((), Linear(), (), (), states=(state,))
    engine = linear_engine(operators=operators)
    assert ms(engine.step_s(10, 0)) == approx(2 * (1 + 10 * 2 + 10 * 0.001))
    assert ms(engine.step_s(10, 0, new=100, prompts=2)) == approx(2 * (1 + 12 * 2 + 210 * 0.001))
    assert kept_states(10, 4) == 30
    assert engine.sequence_bytes(1000) == 2e6
    assert ms(engine.prefill_s(100, batch=3)) == approx(2 * (1 + 3 * 2 + 300 * 0.001))


def test_attention_replicas_wait_for_the_one_with_most_prompts() -> None:
    engine = linear_engine(layout=Layout(dp=4))
    most = prompts_on_busiest_replica(1, 4, 20)
    assert most == approx(1 + sqrt(2 * log(4)))
    assert ms(engine.step_s(40, 0, new=100, prompts=4)) == approx(8 + 0.1 * (10 + most * 100))
    assert prompts_on_busiest_replica(0.1, 4, 20) == approx(0.4)  # no more than there are
    assert prompts_on_busiest_replica(1, 4, 1.5) == 1.5  # nor than a chunk holds
    assert prompts_on_busiest_replica(5, 1, 2) == 5


def test_operators_of_a_step_add_up_with_hand_over_drafts_and_host() -> None:
    for engine in (
        linear_engine(layout=Layout(pp=4), hop_s=0.2 * MS, hop_s_per_row=0.01 * MS, stall=0.4, host_step_s=3 * MS),
        linear_engine(decode_factor=1.5, overlaps=True, host_step_s=30 * MS),
        linear_engine(graph_sequences=20, launch_s=11 * MS),
    ):
        for drafts in (0, 3):
            parts = decode_operators(engine, 40, 0, drafts)
            assert sum(part.seconds for part in parts) == approx(engine.decode_s(40, 0, drafts))
            assert ("drafting" in [part.name for part in parts]) == bool(drafts)
    staged = linear_engine(chunk_tokens=100, layout=Layout(pp=4), hop_s=0.2 * MS, pipeline=0.1, host_step_s=3 * MS)
    parts = prefill_operators(staged, 1050)
    assert sum(part.seconds for part in parts) == approx(staged.prefill_s(1050))
    assert [part.name for part in parts] == ["linear", "linear", "host", "pipeline"]


def test_a_step_is_bound_by_what_takes_most_of_it() -> None:
    engine = linear_engine()
    parts = (("a", 3.0, "latency", 0.0, 0.0), ("b", 2.0, "network", 0.0, 0.0), ("c", 2.5, "compute", 10.0, 5.0))
    assert bound_of(engine, parts) == "latency"
    assert bound_of(engine, (*parts, ("d", 1.5, "network", 0.0, 0.0))) == "network"
    assert bound_of(engine, (*parts, ("d", 1.5, "memory", 0.0, 0.0))) == "compute"
    assert bound_of(engine, (*parts, ("d", 1.5, "memory", 1.0, 9.0))) == "memory"  # 11 FLOPs for 14 bytes
    ridge = replace(engine, peak_flops_per_s=4.0)
    assert bound_of(ridge, (("c", 1.0, "compute", 10.0, 3.0),)) == "memory"
    assert decode_bound(linear_engine(host_step_s=50 * MS), 20, 0) == "latency"
    assert [longest_of(*times) for times in ((3, 2, 2), (2, 3, 3), (1, 2, 3), (3, 3, 3))] == [
        "latency", "compute", "memory", "latency",
    ]  # fmt: skip
