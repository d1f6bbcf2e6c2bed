"""Step times for a replay: what depends on one number alone is tabulated, so that a step costs a microsecond."""

from collections.abc import Callable
from functools import lru_cache
from math import log2
from typing import NamedTuple

from estimator.serving.speed.operators import DecodeAttention, Experts
from estimator.serving.speed.step import Step, kept_states, prompts_on_busiest_replica

POINTS_PER_DOUBLING = 8
"""Tabulated points; between them a step is taken as linear (within 0.1 %; exact for attention)."""
ROW_DOUBLINGS = 16
"""Up to 65,536 rows of one pipeline stage of one attention replica."""
CONTEXT_DOUBLINGS = 21
"""Up to two million tokens."""


class Table:
    """A function of one number from 1 on, linear between tabulated points."""

    __slots__ = ("grid", "last", "values")

    def __init__(self, function: Callable[[float], float], doublings: int) -> None:
        self.grid = [2 ** (index / POINTS_PER_DOUBLING) for index in range(doublings * POINTS_PER_DOUBLING + 2)]
        self.values = [function(each) for each in self.grid]
        self.last = len(self.grid) - 2

    def at(self, number: float) -> float:
        """The tabulated function's value at a number; below 1 that of 1, beyond the table by its last slope."""
        if number <= 1.0:
            return self.values[0]
        index = min(int(log2(number) * POINTS_PER_DOUBLING), self.last)
        low, values = self.grid[index], self.values
        return values[index] + (number - low) / (self.grid[index + 1] - low) * (values[index + 1] - values[index])


class Batch(NamedTuple):
    """Decode steps of a batch of one size, without reading its cache."""

    fixed_s: float
    """Device seconds besides the cache."""
    each: float
    """Sequences that one pipeline stage of one attention replica has at a time."""
    factor: float
    """On the device's seconds: pipeline stages that wait for unequal batches."""
    host_s: float


class StepTable:
    """Seconds of one engine's steps, for many of them. See `Step.step_s`, whose sum this is."""

    def __init__(self, step: Step, draft_tokens: int = 0) -> None:
        self.step, self.drafts, self.verified = step, draft_tokens, 1 + draft_tokens
        self.at_once = step.layout.dp * step.layout.pp
        """Batches on their way at the same time."""
        self.pipelined = step.layout.pp > 1
        operators = step.operators
        self.head = Table(operators.head.seconds, ROW_DOUBLINGS)
        self.rows = Table(lambda rows: sum(each.seconds(rows) for each in operators.rows), ROW_DOUBLINGS)
        own = [each for each in operators.rows if not isinstance(each, Experts)]
        self.own_rows = Table(lambda rows: sum(each.seconds(rows) for each in own), ROW_DOUBLINGS)
        self.attention_latency_s = sum(each.times * each.latency_s for each in operators.decode_attention)
        self.attention = Table(
            lambda context: sum(_sequence_s(each, context) for each in operators.decode_attention), CONTEXT_DOUBLINGS
        )
        self.batches: dict[int, Batch] = {}
        self.alone: dict[tuple[int, int], float] = {}

    def decode_s(self, batch: int, context: float) -> float:
        """Seconds of one step in which `batch` sequences at `context` tokens gain a token each."""
        fixed_s, each, factor, host_s = self._batch(batch)
        device_s = (fixed_s + each * self.attention.at(context)) * factor
        step = self.step
        if self.drafts:
            device_s += step.drafting_s(each, context, self.drafts)
        device_s = step.launched_s(each, device_s)
        return step.decode_factor * step.beside_host_s(device_s, host_s)

    def prompts_s(self, tokens: float, prompts: float, attention_s: float) -> float:
        """Seconds of one step of nothing but prompts: `tokens` rows of `prompts` of them, `attention_s` of which is
        attention.
        """
        step = self.step
        device_s = self._device_s(0, 0.0, tokens, prompts, attention_s)
        return step.prefill_factor * (step.speed.prompts.factor * device_s + step.host_s(0)) + step.admission_s

    def mixed_s(self, batch: int, context: float, tokens: float, prompts: float, attention_s: float) -> float:
        """Seconds of one step in which `batch` sequences gain a token each while `tokens` rows of prompts ride
        along.
        """
        step = self.step
        alone_s = self.decode_s(batch, context)
        device_s, host_s = self._device_s(batch, context, tokens, prompts, attention_s), self._batch(batch).host_s
        riding_s = step.beside_host_s(device_s, host_s) - alone_s / step.decode_factor
        riding_s *= step.speed.prompts.factor * step.prefill_factor
        return alone_s + riding_s + step.admitting_s(batch, context)

    def prompt_attention_s(self, new: int, cached: int) -> float:
        """Seconds of attention of one whole prompt on one attention replica, over all pipeline stages in turn."""
        return sum(each.seconds(new, cached) for each in self.step.operators.prefill_attention)

    def alone_s(self, new: int, cached: int) -> float:
        """Least seconds from a prompt's first chunk to its answer's first token: through every pipeline stage in turn.

        A step's seconds are those of stages side by side, each at another prompt. 0 without pipeline stages.
        """
        if not self.pipelined or not new:
            return 0.0
        known = self.alone.get((new, cached))
        if known is None:
            known = self.alone[new, cached] = self.step.prompt_time(new, cached).alone_s
        return known

    def _batch(self, batch: int) -> "Batch":
        """What a batch's decode steps have in common."""
        known = self.batches.get(batch)
        if known is None:
            operators = self.step.operators
            each = self.step.sequences_each(batch)
            rows = each * self.verified
            device_s = self.head.at(rows) + self.rows.at(rows) + self.attention_latency_s
            device_s += sum(exchange.seconds(rows) for exchange in operators.dcp_exchanges)
            kept = kept_states(each, self.drafts)
            device_s += sum(state.seconds(kept, rows) for state in operators.states)
            if self.pipelined:
                device_s += self._handed_over_s(rows)
            known = self.batches[batch] = Batch(
                fixed_s=device_s, each=each, factor=self._stalled(each), host_s=self.step.host_s(batch)
            )
        return known

    def _handed_over_s(self, rows: float) -> float:
        """Handing so many rows over from pipeline stage to pipeline stage."""
        return self.step.layout.pp * self.step.hop_s + rows * self.step.hop_s_per_row

    def _stalled(self, each: float) -> float:
        """Factor of pipeline stages that wait for unequal batches."""
        return 1 + self.step.stall * (1 - 1 / self.step.layout.pp) if self.pipelined and each > 1 else 1.0

    def _device_s(self, batch: int, context: float, tokens: float, prompts: float, attention_s: float) -> float:
        """Device seconds of a step with prompts in it."""
        step, operators = self.step, self.step.operators
        each = step.sequences_each(batch) if batch else 0.0
        share, verified = prompts / self.at_once, each * self.verified
        rows = verified + tokens / self.at_once
        seconds = self.head.at(verified + share) + self.rows.at(rows) + attention_s / self.at_once
        if step.layout.dp > 1:
            length = tokens / prompts
            most = prompts_on_busiest_replica(share, step.layout.dp, step.speed.prompts.chunk_tokens / length)
            seconds += self.own_rows.at(rows + (most - share) * length) - self.own_rows.at(rows)
        if batch:
            seconds += self.attention_latency_s + each * self.attention.at(context)
            for exchange in operators.dcp_exchanges:
                seconds += exchange.seconds(verified)
        if operators.states:
            kept = kept_states(each, self.drafts) + share
            seconds += sum(state.seconds(kept, rows) for state in operators.states)
        if self.pipelined:
            seconds = (seconds + self._handed_over_s(rows)) * self._stalled(each)
        if batch and self.drafts:
            seconds += step.drafting_s(each, context, self.drafts)
        return step.launched_s(each, seconds, mixed=prompts > 0)


@lru_cache(maxsize=64)
def step_table(step: Step, draft_tokens: int) -> StepTable:
    """The table of a step that proposes so many tokens, made once for all fleets that are replayed of it."""
    return StepTable(step, draft_tokens)


def _sequence_s(attention: DecodeAttention, context: float) -> float:
    """Seconds in which one sequence's cache is read, in all layers, without the fixed time of a launch."""
    return attention.seconds(1, context) - attention.times * attention.latency_s
