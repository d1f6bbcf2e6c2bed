"""The replay's tabulated steps are the engine's own: what a table shortens changes no figure by more than its grid."""

from dataclasses import replace

import pytest

from estimator.layout import Layout
from estimator.serving.load.replay.step_table import StepTable, Table
from estimator.serving.speed.step import Step, prompts_on_busiest_replica
from tests.estimator.serving.steps import packaged_step

LLAMA, QWEN, MAMBA = "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-30B-A3B", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"
GRID = 2e-3
"""Share by which a straight line between two points of the grid misses a step."""
STEPS = {
    "dense": (LLAMA, "h100-sxm", "vllm", Layout()),
    "no overlap": (LLAMA, "l40s", "tgi", Layout()),
    "experts": (QWEN, "h100-sxm", "sglang", Layout(tp=2, ep=2)),
    "attention replicas": (QWEN, "h100-sxm", "vllm", Layout(dp=4, ep=4)),
    "stages": (LLAMA, "l40s", "vllm", Layout(pp=2)),
    "one attention": (LLAMA, "a100-80gb-sxm", "vllm", Layout()),
    "states": (MAMBA, "h100-sxm", "vllm", Layout()),
    "windows": ("openai/gpt-oss-20b", "h100-sxm", "vllm", Layout()),
}


def step_of(kind: str) -> Step:
    """A step that the user's own measurement has moved: decode by 1.3, prompts by 0.8."""
    return replace(packaged_step(*STEPS[kind]), decode_factor=1.3, prefill_factor=0.8)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("drafts", [0, 3])
@pytest.mark.parametrize(("batch", "context"), [(1, 100), (7, 3000), (64, 40_000)])
def test_a_tabulated_decode_step_is_the_step(kind: str, drafts: int, batch: int, context: int) -> None:
    step = step_of(kind)
    assert StepTable(step, drafts).decode_s(batch, context) == pytest.approx(
        step.decode_s(batch, context, drafts), rel=GRID
    )


@pytest.mark.parametrize("kind", [kind for kind in STEPS if kind != "attention replicas"])
@pytest.mark.parametrize("drafts", [0, 3])
@pytest.mark.parametrize(("batch", "new", "cached", "prompts"), [(1, 700, 0, 1), (16, 300, 500, 2), (64, 900, 2000, 3)])
def test_prompts_that_ride_along_add_what_they_add_to_a_step(
    kind: str, drafts: int, batch: int, new: int, cached: int, prompts: int
) -> None:
    step = step_of(kind)
    table, decode_s = StepTable(step, drafts), step.decode_s(batch, 1000, drafts)
    added = step.step_s(batch, 1000, new, cached, prompts, drafts) - decode_s
    attention_s = sum(each.seconds(new, cached, 1 / prompts) for each in step.operators.prefill_attention) * prompts
    mixed_s = table.mixed_s(batch, 1000, new * prompts, prompts, attention_s) - step.admitting_s(batch, 1000)
    factor = step.speed.prompts.factor * step.prefill_factor / step.decode_factor
    assert mixed_s == pytest.approx(decode_s + factor * added, rel=2 * GRID)


def test_replicas_wait_for_the_one_with_most_rows_of_prompts() -> None:
    """Two prompts on four attention replicas: the busiest has more than the half that each has on average."""
    step, prompts, new = step_of("attention replicas"), 2, 512
    most = prompts_on_busiest_replica(prompts / 4, 4, step.speed.prompts.chunk_tokens / new)
    attention_s = 4 * most * sum(each.seconds(new, 0, 1 / prompts) for each in step.operators.prefill_attention)
    decode_s = step.decode_s(8, 1000)
    added = step.step_s(8, 1000, new, 0, prompts) - decode_s
    mixed_s = StepTable(step).mixed_s(8, 1000, new * prompts, prompts, attention_s) - step.admission_s
    factor = step.speed.prompts.factor * step.prefill_factor / step.decode_factor
    assert most > prompts / 4
    assert mixed_s == pytest.approx(decode_s + factor * added, rel=GRID)


@pytest.mark.parametrize("kind", ["dense", "no overlap", "experts", "states", "windows"])
def test_a_step_of_prompts_alone_is_the_prompts_time_and_their_admission(kind: str) -> None:
    step = step_of(kind)
    table = StepTable(step)
    seconds = table.prompts_s(900, 1, table.prompt_attention_s(900, 300))
    assert seconds == pytest.approx(step.prompt_time(900, 300).engine_s + step.admission_s, rel=GRID)


def test_a_prompt_alone_goes_through_every_stage_in_turn() -> None:
    stages, whole = StepTable(step_of("stages")), StepTable(step_of("dense"))
    assert stages.alone_s(900, 300) == stages.step.prompt_time(900, 300).alone_s > 0
    assert stages.alone_s(0, 300) == whole.alone_s(900, 300) == 0


@pytest.mark.parametrize(("number", "value"), [(0.5, 5), (1, 5), (3, 11), (1000, 3002), (70_000, 210_002)])
def test_a_table_of_a_line_is_the_line_from_one_on_and_beyond_its_end(number: float, value: float) -> None:
    assert Table(lambda each: 3 * each + 2, 16).at(number) == pytest.approx(value)


def test_a_table_holds_its_function_to_a_thousandth_between_its_points() -> None:
    table = Table(lambda each: each**0.5, 10)
    assert all(table.at(each / 7) == pytest.approx((each / 7) ** 0.5, rel=1e-3) for each in range(7, 7000))


def test_answers_are_read_by_every_query_head_while_prompts_ride_along() -> None:
    """Llama-3.1-8B has four query heads to a key-value head: three readings more of what A100's own cache forgets."""
    step = step_of("one attention")
    table = StepTable(step)
    cached = sum(each.seconds(64, 40_000) - each.times * each.latency_s for each in step.operators.decode_attention)
    riding = [table.mixed_s(64, 40_000, 500, 1, 0.0) for table in (table, StepTable(without_rereading(step)))]
    assert riding[0] - riding[1] == pytest.approx(1.3 * 3 * cached, rel=GRID)


def without_rereading(step: Step) -> Step:
    attention = tuple(replace(each, readers=1.0) for each in step.operators.decode_attention)
    return replace(step, operators=step.operators._replace(decode_attention=attention), rereads=False)
