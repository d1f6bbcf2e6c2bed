"""Requests that all come at once, in closed form: waves of as many as fit, or a flow where their lengths differ.

Equal answers end together, so that the next prompts come together as well; the more they differ, the more evenly
places come free. Means are over requests, as benchmark clients print them: a wait that every answer has once counts
most for the shortest. The replay of `load/replay` is exact and takes a hundred times as long.
"""

from math import floor
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.answers import Answers, answers
from estimator.serving.load.operating_point import (
    OperatingPoint,
    first_token_overhead_s,
    maximum_throughput,
    operate,
    prompts_in_a_step,
    read_tokens,
    tower_s,
)
from estimator.serving.speed.step import Step

COARSE = 4.0
"""Ratio of the batches at which the steps of an emptying engine are timed; between them they are taken as linear."""


class Burst(NamedTuple):
    """A burst on one replica: its mean request, and the time to its last answer."""

    point: OperatingPoint
    """Its `prompt_wait_s` holds the opening, its `tpot_s` is the mean over requests."""
    outside_s: float
    """Mean wait for a place."""
    lasting_s: float
    """From the first prompt to the last answer."""


class Opening(NamedTuple):
    """The prompts that fill the engine at first."""

    seconds: float
    wait_s: float
    """Mean of the seconds after its own prompt in which an answer does not go on; 0 where prompts ride along."""
    steps: float
    """Steps in which they ride along; 0 where they come first."""
    longer_s: float
    """How much longer one of these is than a step without prompts."""

    def gap_s(self, lengths: Answers) -> float:
        """What it adds to a mean gap, in the mean over requests."""
        return self.wait_s * lengths.mean_inverse + self.longer_s * lengths.within(self.steps)

    def answer_s(self, lengths: Answers) -> float:
        """What it adds to a mean answer."""
        return self.wait_s + self.longer_s * lengths.steps_within(self.steps)


class Emptying(NamedTuple):
    """An engine that nobody comes to any more."""

    lasting_s: float
    answer_s: float
    """Mean of what is left of an answer."""


def burst(step: Step, workload: ServingWorkload, limit: float, requests: float) -> Burst:
    """The burst of `requests` at an engine with `limit` places; where prompts ride along in steps, these fill no more
    of them than come within one answer.
    """
    chunked, output = step.speed.scheduler.chunked, workload.output_tokens
    new, cached = workload.uncached_tokens
    together = prompts_in_a_step(step, new) if new else requests
    running = max(min(requests, limit, together * output if chunked else limit), 1.0)
    together = min(together, running)
    rounds, outside = requests / running, max(requests - running, 0.0)
    full, lengths = operate(step, workload, running), answers(workload, running)
    opening = _opening(step, workload, full, together)
    flowing_s = _flowing_s(step, workload, full)
    of_others = 1 - 1 / running  # its own prompt is none of an answer's waits
    between_s = max(flowing_s - full.decode_step_s, 0.0) * of_others
    wave_s = output * flowing_s if chunked else opening.seconds + output * full.decode_step_s
    emptying = _emptying(step, workload, running, lengths, together=True)
    varied = min(workload.length_variation, 1.0)

    first_s = opening.gap_s(lengths)
    later_s = between_s if chunked else _between(varied, first_s, between_s)
    seen = max(running * (lengths.batch_share + rounds - 1) / rounds, 1.0)
    decode_s = _token_s(step, workload, seen)
    tpot_s = decode_s + (first_s + (rounds - 1) * later_s) / rounds

    waves, last = floor(rounds), requests % running
    before = running * waves * (waves - 1) / 2 + last * waves
    one_by_one_s = outside * output * flowing_s / running
    outside_s = _between(varied, wave_s * before / requests, outside / requests * (opening.seconds + one_by_one_s) / 2)
    last_s = output * _flowing_s(step, workload, operate(step, workload, last)) if last >= 1 else 0.0
    in_waves_s = waves * wave_s + last_s + max(emptying.lasting_s - output * full.decode_step_s, 0.0)
    ending = _emptying(step, workload, running, lengths, together=False) if outside else emptying
    in_flow_s = opening.seconds + one_by_one_s + ending.lasting_s

    prompt_s = max(opening.seconds * (1 + together / running) / 2, full.prompt_alone_s)
    ttft_s = prompt_s + first_token_overhead_s(step, new, cached)
    unequal_s = (emptying.answer_s + opening.answer_s(lengths) + (rounds - 1) * output * flowing_s) / rounds
    return Burst(
        point=full._replace(
            concurrency=seen,
            ttft_s=ttft_s,
            tpot_s=tpot_s,
            request_s=ttft_s + _between(varied, (output - 1) * tpot_s, unequal_s),
            decode_step_s=decode_s,
            prompt_wait_s=prompt_s - full.prompt_alone_s,
        ),
        outside_s=outside_s,
        lasting_s=_between(varied, in_waves_s, in_flow_s),
    )


def _between(varied: float, equal: float, unequal: float) -> float:
    """A figure of lengths that deviate from their mean by a share `varied` of it, up to all of it."""
    return equal + varied * (unequal - equal)


def _token_s(step: Step, workload: ServingWorkload, batch: float) -> float:
    """Seconds of a token in steps that decode `batch` answers and nothing else."""
    return step.decode_s(max(batch, 1.0), read_tokens(step, workload), workload.draft_tokens) / workload.tokens_per_step


def _opening(step: Step, workload: ServingWorkload, full: OperatingPoint, together: float) -> Opening:
    """The opening in which prompts, `together` in one step, fill all places; of half as many answers on average."""
    (new, cached), running = workload.uncached_tokens, full.concurrency
    if not new:
        return Opening(seconds=0.0, wait_s=0.0, steps=0.0, longer_s=0.0)
    steps, towers_s = running / together, together * tower_s(step, workload)
    if not step.speed.scheduler.chunked:
        seconds = steps * (step.prompt_time(new, cached, together).engine_s + step.admission_s + towers_s)
        return Opening(seconds=seconds, wait_s=seconds / 2, steps=0.0, longer_s=0.0)
    half, context, drafts = max(running / 2, 1.0), read_tokens(step, workload), workload.draft_tokens
    decode_s = step.decode_s(half, context, drafts)
    riding_s = together * step.riding_s(decode_s, half, context, new, cached, together, drafts)
    riding_s += step.admitting_s(half, context) + towers_s
    return Opening(
        seconds=steps * (decode_s + riding_s),
        wait_s=0.0,
        steps=steps,
        longer_s=max((decode_s + riding_s) / workload.tokens_per_step - full.decode_step_s, 0.0),
    )


def _flowing_s(step: Step, workload: ServingWorkload, full: OperatingPoint) -> float:
    """Seconds of a token of a full engine to which a prompt comes for every answer that ends."""
    if step.speed.scheduler.chunked:
        return full.concurrency / maximum_throughput(step, workload, full.concurrency)
    return full.decode_step_s + full.concurrency * full.prompt_s / workload.output_tokens


def _emptying(step: Step, workload: ServingWorkload, running: float, lengths: Answers, together: bool) -> Emptying:
    """The rest of so many answers, which began `together` or lie anywhere between begin and end."""
    batches, batch = [running], running
    while batch > 1:
        batch = max(batch / COARSE, 1.0)
        batches.append(batch)
    times = [_token_s(step, workload, each) for each in batches]
    lasting_s = answer_s = 0.0
    for tokens, share in lengths.emptying(together):
        left = min(max(share * running, 1.0), running)
        at = next((index for index, each in enumerate(batches) if each <= left), len(batches) - 1)
        token_s = times[at]
        if at:
            token_s += (left - batches[at]) / (batches[at - 1] - batches[at]) * (times[at - 1] - times[at])
        lasting_s += tokens * token_s
        answer_s += share * tokens * token_s
    return Emptying(lasting_s, answer_s)
