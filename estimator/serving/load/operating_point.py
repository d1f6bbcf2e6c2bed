"""One replica at an operating point: seconds of a step become TTFT, TPOT and throughput.

Serving is a closed queueing network without iteration: prompts come first, decoding shares what is left.
With p the engine time that a prompt takes from others, D the decoding time of a request and C requests in flight,
a token waits for the prompts of the others: TPOT = t_decode (1 + (C - 1) p / (p + D)). Where prompts ride along in
decode steps, p is what they add to these: next to nothing where a step reads all weights for few tokens anyway.
How many prompts a first token finds ahead of it follows from the workload alone, so that faster memory, which lets
clients come back sooner, never shows as a later first token.
"""

from functools import lru_cache
from math import ceil, inf, log, sqrt
from typing import NamedTuple

from estimator.engines.speed_constants import Scheduler
from estimator.scenario.workload import ServingWorkload
from estimator.serving.speed.admission import AT_ONCE
from estimator.serving.speed.step import Step, one_prompt, overlapped_s
from estimator.units import MICROSECOND, MILLISECOND

TURN_ROUNDS = 4
"""Steps down from an upper bound to the length at which a sum of waits turns: within 5 % of it."""


class OperatingPoint(NamedTuple):
    """One replica in steady state: requests in flight, the times of a request, and the rate that follows.

    It is the first link of the chain operating point, replica load, trial, performance report.
    """

    concurrency: float
    """Requests in flight."""
    ttft_s: float
    tpot_s: float
    request_s: float
    """Whole request, from its arrival to its last token."""
    requests_per_s: float
    """Requests completed."""
    prompt_alone_s: float
    """Seconds of one prompt with nothing beside it."""
    decode_step_s: float
    """Seconds of a step per token that it yields a sequence, without prompts in it."""
    prefill_time_share: float
    """Share of the device's time that prompts take."""
    prompt_wait_s: float
    """Part of the time to first token that other prompts take."""
    prompt_s: float
    """Engine time of one prompt: less than `prompt_alone_s` with pipeline stages, attention replicas, or in decode
    steps."""
    admission_s: float = 0.0
    """Part of the time to first token in which the engine leaves a request waiting that it could begin."""


@lru_cache(maxsize=4096)
def first_token_overhead_s(step: Step, new: int, cached: int = 0) -> float:
    """Seconds of a first token besides its prompt of `new` tokens after `cached` ones: front end, network, and what
    launching layers outside a graph takes beyond the prompt. Where the host launches ahead of the device, a prompt
    which takes the device longer hides it.
    """
    first_token = step.speed.first_token
    launching = first_token.layer_ms * step.layers + first_token.experts_ms * step.expert_layers
    outside = min(new / first_token.graph_tokens, 1.0) if first_token.graph_tokens else 1.0
    chunk_tokens = step.speed.prompts.chunk_tokens
    if min(new, chunk_tokens) <= first_token.captured_tokens and step.layout.pp == step.layout.dp == 1:
        outside *= first_token.captured
    launching *= outside * max(new / chunk_tokens, 1.0) * MILLISECOND if new else 0.0
    beside_s = (first_token.fixed_ms + first_token.network_ms + first_token.front_end_ms) * MILLISECOND
    beside_s += (new + cached) * first_token.token_us * MICROSECOND
    if first_token.launches_first or not launching:
        return beside_s + launching
    prompt_s = one_prompt(step, new, cached).alone_s
    return beside_s + overlapped_s(prompt_s, launching) - prompt_s


def held_tokens(scheduler: Scheduler, workload: ServingWorkload) -> int:
    """Tokens of cache that room must be there for, of each request in flight: its whole length where the engine sets
    that aside and where equal answers of a burst grow side by side, else what a mean request has of it.
    """
    together = 1 - min(workload.length_variation, 1.0) if workload.kind == "burst" else 0.0
    if scheduler.reserves or scheduler.static or workload.encodes:
        together = 1.0
    return ceil(workload.mean_context + together * (workload.total_tokens - workload.mean_context))


def read_tokens(step: Step, workload: ServingWorkload) -> float:
    """Tokens of each sequence that a decode step reads: those that are cached on average, or all that it was compiled
    for.
    """
    if not step.speed.scheduler.compiled:
        return workload.mean_context
    return float(max(workload.total_tokens, step.compiled_tokens))


def tower_s(step: Step, workload: ServingWorkload) -> float:
    """Seconds that a request's images and sound take in their encoder, before the prompt."""
    return step.tower_s_per_patch * workload.media.patches


def operate(step: Step, workload: ServingWorkload, concurrency: float, at_random: bool = False) -> OperatingPoint:
    """The operating point of one replica with `concurrency` requests in flight, each followed at once by the next;
    `at_random` has them come in steps as Poisson counts do, and not when answers end."""
    if workload.encodes:
        return one_pass(step, workload, concurrency)
    speed = step.speed
    output = workload.output_tokens
    new, cached = workload.uncached_tokens
    prompt_alone, prompt = one_prompt(step, new, cached)
    tower = tower_s(step, workload)
    context, drafts = read_tokens(step, workload), workload.draft_tokens
    decode = step.decode_s(concurrency, context, drafts)
    together = 1.0
    if new:  # prompts that come in one step are computed together; who comes at random finds others beside himself
        companions = 1 + (concurrency - 1) / output if at_random else max(concurrency / output, 1.0)
        together = min(companions, prompts_in_a_step(step, new))
        if speed.scheduler.chunked:
            prompt = min(prompt, step.riding_s(decode, concurrency, context, new, cached, together, drafts))
        elif together > 1:
            prompt = step.prompt_time(new, cached, together).engine_s / together
    prompt += step.admitting_s(max(concurrency - together, 0.0), context) / together + tower
    prompt_alone += tower
    alone = decode / workload.tokens_per_step
    overhead = first_token_overhead_s(step, new, cached)
    decoding = output * alone
    others = concurrency - 1
    longest, admission = 1.0, 0.0
    if speed.scheduler.static:
        tpot = alone
        prompt_wait = step.prefill_s(new, cached, max(round(concurrency), 1)) + concurrency * tower - prompt_alone
        ttft = prompt_alone + prompt_wait + overhead
        # everybody waits for the longest of the batch (extreme value of as many normal lengths)
        longest = 1 + workload.length_variation * sqrt(2 * log(concurrency)) if concurrency > 1 else 1.0
    else:
        prompt_wait = _prompt_wait_s(step, new, output, others, prompt_alone, prompt, alone)
        tpot = alone * (1 + others * prompt / (prompt + decoding))
        admission = _admission_s(step, workload, concurrency, decode)
        ttft = prompt_alone + prompt_wait + overhead + admission + tpot / 2
    request = ttft + (output - 1) * longest * tpot
    rate = concurrency / request
    return OperatingPoint(
        concurrency=concurrency,
        ttft_s=ttft,
        tpot_s=tpot,
        request_s=request,
        requests_per_s=min(rate, 1 / prompt) if prompt else rate,
        prompt_alone_s=prompt_alone,
        decode_step_s=alone,
        prefill_time_share=prompt / (prompt + decoding / concurrency),
        prompt_wait_s=prompt_wait,
        prompt_s=prompt,
        admission_s=admission,
    )


def one_pass(step: Step, workload: ServingWorkload, concurrency: float) -> OperatingPoint:
    """The operating point of a replica that reads `concurrency` texts together and writes nothing: the batch is a
    request's time.
    """
    new, cached = workload.uncached_tokens
    tower = tower_s(step, workload)
    alone = one_prompt(step, new, cached).alone_s + tower
    together = step.prompt_time(new, cached, concurrency)
    batch_s = together.alone_s + concurrency * tower
    request = batch_s + first_token_overhead_s(step, new, cached)
    engine_s = together.engine_s / concurrency + tower
    return OperatingPoint(
        concurrency=concurrency,
        ttft_s=request,
        tpot_s=0.0,
        request_s=request,
        requests_per_s=min(concurrency / request, 1 / engine_s),
        prompt_alone_s=alone,
        decode_step_s=0.0,
        prefill_time_share=1.0,
        prompt_wait_s=batch_s - alone,
        prompt_s=engine_s,
    )


def _admission_s(step: Step, workload: ServingWorkload, concurrency: float, decode_s: float) -> float:
    """Seconds for which an engine that decodes others leaves a mean request waiting, besides what is left of the
    running step: steps that are launched already, and those for which it is asked to. Alone, anybody begins at once.

    Taken as steps without prompts, which its own then ends.
    """
    steps = float(step.speed.scheduler.ahead)
    if step.admission is not AT_ONCE:
        coming = concurrency * workload.tokens_per_step / workload.output_tokens
        steps += step.admission.waiting_steps(coming, workload.uncached_tokens[0])
    return min(concurrency - 1, 1.0) * steps * decode_s if concurrency > 1 else 0.0


def _prompt_wait_s(
    step: Step, new: int, output: int, others: float, prompt_alone: float, prompt: float, alone: float
) -> float:
    """Wait of a first token for the prompts ahead of it, among `others` in a closed loop.

    It falls with the length n of answers as A s / (s + n), for a prompt that is taken to need s decode steps; the waits
    between tokens rise as B (n - 1) / (q + n), for the q steps that it does need, beside n steps of decoding. Before
    the length from which on their sum rises, the wait stays as it is there: no longer answer is complete sooner.
    """
    first_token = step.speed.first_token
    if not new or not others:
        return 0.0
    taken, needed = new / first_token.step_tokens, prompt / alone
    falling = prompt_alone * first_token.wait * others * taken  # A s
    rising = others * prompt * (needed + 0.5)
    turn = inf
    for _ in range(TURN_ROUNDS):
        turn = sqrt(falling / (alone + rising / (needed + turn) ** 2)) - taken
        if turn <= output:
            return falling / (taken + output)
    return falling / (taken + turn)


def maximum_throughput(step: Step, workload: ServingWorkload, concurrency: float) -> float:
    """Output tokens per second of one replica with every request queued at once: prompts fill decode steps.

    Each request brings its prompt once every output length; what a step can not carry takes steps of its own. Prompts
    are computed whole, or in chunks as long as can be, and attention replicas take theirs in the same step; other steps
    carry none.
    """
    batch = max(concurrency, 1.0)
    context, drafts = read_tokens(step, workload), workload.draft_tokens
    new, cached = workload.uncached_tokens
    prompts = batch / workload.output_tokens
    riding = min(max(prompts, float(step.layout.dp)), prompts_in_a_step(step, new)) if new else prompts
    seconds = step.step_s(batch, context, new, cached, riding, drafts)
    if 0 < prompts < riding:
        decode_s = step.decode_s(batch, context, drafts)
        seconds = decode_s + prompts / riding * (seconds - decode_s)
    seconds += min(prompts, 1.0) * step.admitting_s(batch, context)
    seconds += prompts * tower_s(step, workload)
    if prompts > riding:
        seconds += (prompts / riding - 1) * step.step_s(0, context, new, cached, riding)
    return workload.tokens_per_step * batch / seconds


def prompts_in_a_step(step: Step, new: int) -> float:
    """Number of prompts of `new` tokens that one step carries."""
    return step.speed.prompts.chunk_tokens * step.layout.pp * step.layout.dp / new
