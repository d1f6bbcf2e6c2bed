"""Seconds of one engine step: a model's operators on one device, in one layout, under one engine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from math import inf, log, sqrt
from typing import Any, NamedTuple

from estimator.engines.speed_constants import EngineSpeed
from estimator.engines.spreads import LoadKind, Spreads
from estimator.layout import Layout
from estimator.records import record
from estimator.results import Confidence
from estimator.serving.speed.admission import AT_ONCE, Admission
from estimator.serving.speed.host import HostCopy, host_operator, scaled, stored_bytes
from estimator.serving.speed.operators import Experts, Operators, RowOperator
from estimator.units import MILLISECOND

SMALLEST_BUCKET = 128
"""Tokens of the shortest compiled prompt where prompts are padded (NxD Inference's default)."""
OVERLAP_POWER = 4
"""Exponent of the smooth maximum of device and host where they overlap (fitted on TensorRT-LLM at maximum load)."""


Proposing = Callable[[float, float, int, float], float]
"""Seconds of proposing tokens for each of some sequences: of sequences of one attention replica, context, tokens for
each, and the seconds in which the host launches a pass."""


class PromptTime(NamedTuple):
    """Time of prompts that are computed together [s], by what it is spent on."""

    alone_s: float
    """From their first chunk to their last, with nothing beside them."""
    engine_s: float
    """Engine time that they take from others: pipeline stages and attention replicas work side by side."""


def kept_states(sequences: float, drafts: int) -> float:
    """Recurrent states that a step reads and writes, as whole ones.

    Verifying drafts leaves a state after each of them, so that the last accepted one can be gone back to (vLLM's and
    llama.cpp's states of drafted tokens).
    """
    return sequences * (1 + drafts / 2)


def overlapped_s(device_s: float, host_s: float) -> float:
    """Seconds of device and host where each works while the other does: the longer of the two, smoothly."""
    return float((device_s**OVERLAP_POWER + host_s**OVERLAP_POWER) ** (1 / OVERLAP_POWER))


def prompts_on_busiest_replica(prompts: float, replicas: int, most: float) -> float:
    """Expected prompts on the most loaded of `replicas` attention replicas that get Poisson(`prompts`) each.

    The largest of as many Poisson counts by its normal approximation; a replica's chunk holds `most`.
    """
    return max(prompts, min(replicas * prompts, prompts + sqrt(2 * prompts * log(replicas)), most))


@record(frozen=True, slots=True, eq=False)
class Step:
    """One step of an engine: the operators of one rank with their rates. Compared by identity; made by
    `compile_step`.
    """

    operators: Operators
    layers: int
    layout: Layout
    hop_s: float
    """Fixed time of handing over to one pipeline stage."""
    hop_s_per_row: float
    """Time of handing over one token's hidden state to all pipeline stages in turn."""
    pipeline: float
    """Relative cost of running stages side by side over prompts."""
    stall: float
    """Most of a loaded pipeline's time that stages wait for unequal batches before them."""
    speed: EngineSpeed
    engine: str
    """Key of the engine class."""
    confidence: Confidence
    spreads: Mapping[LoadKind, Spreads]
    peak_flops_per_s: float
    """Dense datasheet peak of one device for the weight format."""
    peak_bytes_per_s: float
    """Datasheet memory bandwidth of one device."""
    network_gb_s: float
    """Bandwidth between machines [GB/s]."""
    proposing_s: Proposing
    """What proposes tokens to verify; compiled where it is first asked."""
    host_step_s: float = 0.0
    """Seconds that scheduling, sampling and launching add to every step."""
    host_decode_s: float = 0.0
    """Seconds that they add to every step that decodes."""
    host_sequence_s: float = 0.0
    """Seconds that they add for each sequence of an attention replica, which schedules its own."""
    overlaps: bool = False
    """Whether the host works while the device does, so that only the longer of the two counts."""
    rereads: bool = False
    """Whether attention reads more of the cache in a step that computes prompts as well."""
    admission_s: float = 0.0
    """Seconds that a step loses by admitting prompts, whatever their number."""
    tower_s_per_patch: float = 0.0
    """Seconds of one patch of an image, or frame of sound, in the tower before the first layer."""
    decode_factor: float = 1.0
    """Seconds of decode steps, device and host, over the prediction: the user's own measurement."""
    prefill_factor: float = 1.0
    """Seconds of prompts, device and host, over the prediction: the user's own measurement."""
    cpu_attends: bool = False
    """Whether one CPU attends for all pipeline stages, so that their batches take turns there."""
    expert_layers: int = 0
    """Layers that have routed experts."""
    graph_sequences: float = inf
    """Most sequences of one attention replica whose decode step is a captured graph."""
    launch_s: float = 0.0
    """Seconds in which the host launches a step that is none, at the least: it runs ahead of the device."""
    admission: Admission = AT_ONCE
    """When it begins requests that wait."""
    least_batch: float = 1.0
    """Fewest sequences of a stage and an attention replica that a decode step computes."""
    compiled_tokens: int = 0
    """Tokens of each sequence that a compiled decode step reads at the least."""

    def step_s(
        self, batch: float, context: float, new: int = 0, cached: int = 0, prompts: float = 0.0, drafts: int = 0
    ) -> float:
        """Seconds of one step of a whole engine: `batch` sequences at `context` tokens gain a token each.

        Chunks that add up to `prompts` prompts of `new` tokens ride along. With speculation, each sequence verifies
        `drafts` more tokens (see `drafting_s`). Pipeline stages and attention replicas share both,
        and replicas wait for the one with most prompts.
        """
        layout, operators = self.layout, self.operators
        batches = layout.dp * layout.pp  # on their way at once
        each = self.sequences_each(batch) if batch else 0.0
        verified, share = each * (1 + drafts), prompts / batches
        rows, most = verified + share * new, share
        seconds = operators.head.seconds(verified + share)
        for operator in operators.rows:
            seconds += operator.seconds(rows)
        if prompts and new and layout.dp > 1:
            most = prompts_on_busiest_replica(share, layout.dp, self.speed.prompts.chunk_tokens / new)
            seconds += self._waiting_s(rows, rows + (most - share) * new)
        if batch:
            for attention in operators.decode_attention:
                seconds += attention.seconds(self.attended(each, batch), context)
            for exchange in operators.dcp_exchanges:
                seconds += exchange.seconds(verified)
        if prompts:
            for prefill in operators.prefill_attention:
                seconds += prefill.seconds(new, cached, 1 / prompts) * most
        for state in operators.states:
            seconds += state.seconds(kept_states(each, drafts) + share, rows)
        if layout.pp > 1:
            seconds += layout.pp * self.hop_s + rows * self.hop_s_per_row
            if each > 1:
                seconds *= 1 + self.stall * (1 - 1 / layout.pp)
        if drafts:
            seconds += self.drafting_s(each, context, drafts)
        seconds = self.launched_s(each, seconds, mixed=prompts > 0)
        return self.decode_factor * self.beside_host_s(seconds, self.host_s(batch))

    def beside_host_s(self, device_s: float, host_s: float) -> float:
        """Seconds of work of the device and of the host, which some schedulers do at the same time."""
        return overlapped_s(device_s, host_s) if self.overlaps else device_s + host_s

    def sequences_each(self, batch: float) -> float:
        """Sequences that a stage and an attention replica compute in a decode step of `batch`."""
        return max(batch / (self.layout.dp * self.layout.pp), self.least_batch)

    def attended(self, each: float, batch: float) -> float:
        """Sequences that one processor attends to in a decode step of `batch`, of which a stage has `each`."""
        return max(batch, 1.0) if self.cpu_attends else each

    def launched_s(self, sequences: float, device_s: float, mixed: bool = False) -> float:
        """Seconds of a step of so many sequences on an attention replica, which the device works off in `device_s`:
        beyond the captured graphs, and where `mixed` prompts keep it out of them, the host launches its kernels one by
        one, and may take longer.
        """
        eager = sequences > self.graph_sequences or (mixed and self.speed.host.launches_mixed)
        return max(device_s, self.launch_s) if eager else device_s

    def admitting_s(self, batch: float, context: float) -> float:
        """Seconds that a step of `batch` sequences at `context` tokens loses by admitting prompts, whatever their
        number."""
        if not self.rereads:
            return self.admission_s
        each = batch / (self.layout.dp * self.layout.pp)
        rereading_s = sum(attention.rereading_s(each, context) for attention in self.operators.decode_attention)
        return self.admission_s + self.decode_factor * rereading_s

    def drafting_s(self, sequences: float, context: float, drafts: int) -> float:
        """Seconds of proposing `drafts` tokens for each sequence of an attention replica, and of telling the accepted
        ones from the others, beside the step that verifies them.
        """
        host = self.speed.host
        proposing_s = self.proposing_s(sequences, context, drafts, host.draft_ms * MILLISECOND)
        return proposing_s + host.verify_ms * MILLISECOND

    def _waiting_s(self, rows: float, most: float) -> float:
        """Seconds that attention replicas wait for the one with `most` rows; experts have everybody's rows anyway."""
        return sum(
            each.seconds(most) - each.seconds(rows) for each in self.operators.rows if not isinstance(each, Experts)
        )

    def host_s(self, batch: float) -> float:
        """Seconds that scheduling, sampling and launching add to one step of `batch` sequences over the engine."""
        decoding_s = self.host_decode_s + self.host_sequence_s * batch / self.layout.dp if batch else 0.0
        return self.host_step_s + decoding_s

    def decode_s(self, batch: float, context: float, drafts: int = 0) -> float:
        """Seconds of one decode step of `batch` sequences over the whole engine; each gains one token."""
        return self.step_s(batch, context, drafts=drafts)

    def prompt_time(self, new: int, cached: int = 0, batch: float = 1) -> PromptTime:
        """Time of `batch` prompts of `new` tokens, after `cached` ones that are in the cache, computed together in
        chunks.
        """
        if new <= 0:
            return PromptTime(0.0, 0.0)
        seconds, launches = self._prompt_s(new, cached, batch)
        alone, pp = seconds, self.layout.pp
        if pp > 1:
            drains = self.speed.prompts.batches(new * batch) if self.speed.prompts.batch_tokens else 1
            alone *= (launches + drains * (pp - 1)) / (launches * pp) * (1 + self.pipeline)
            alone += launches * pp * self.hop_s + new * self.hop_s_per_row
        return PromptTime(alone, seconds / (pp * self.layout.dp))

    def prefill_s(self, new: int, cached: int = 0, batch: int = 1) -> float:
        """Seconds from the first chunk to the last of `batch` prompts of `new` tokens, with nothing else in the
        steps.
        """
        return self.prompt_time(new, cached, batch).alone_s

    def riding_s(
        self, decode_s: float, batch: float, context: float, new: int, cached: int, prompts: float, drafts: int
    ) -> float:
        """Engine seconds that each of `prompts` prompts adds to a step that decodes `batch` sequences in `decode_s`."""
        added = self.step_s(batch, context, new, cached, prompts, drafts) - decode_s
        return self.speed.prompts.factor * self.prefill_factor / self.decode_factor * added / prompts

    def padded_tokens(self, new: int) -> int:
        """Tokens that a prompt of `new` tokens is computed as: the next compiled length where there are some."""
        prompts = self.speed.prompts
        padded = max(SMALLEST_BUCKET, 1 << (new - 1).bit_length()) if prompts.buckets else new
        return max(padded, self.compiled_tokens) if prompts.compiled else padded

    def _prompt_s(self, new: int, cached: int, batch: float) -> tuple[float, int]:
        """Seconds over all stages in turn, and chunks."""
        prompts, operators = self.speed.prompts, self.operators
        new = self.padded_tokens(new)
        whole, rest = divmod(new * batch, prompts.chunk_tokens)
        launches = int(whole) + (1 if rest else 0)
        seconds = operators.head.seconds(batch) * prompts.headed(launches)
        for operator in operators.rows:
            if whole:
                seconds += whole * operator.seconds(prompts.chunk_tokens)
            if rest:
                seconds += operator.seconds(rest)
        for attention in operators.prefill_attention:
            seconds += batch * attention.seconds(new, cached, launches / batch)
        for state in operators.states:
            seconds += state.seconds(launches * batch, new * batch)
        host_s = prompts.batches(new * batch) * self.host_s(0)
        return self.prefill_factor * (prompts.factor * seconds + host_s), launches

    def with_layers_on_host(self, cpu: Operators, fraction: float, link_bytes_per_s: float) -> "Step":
        """The step with `fraction` of the layers and the LM head on the CPU; times add, the two never overlap."""
        device = self.operators
        rows = zip(cpu.rows, device.rows, strict=True)
        return self._on_host(
            device._replace(
                rows=(
                    *(scaled(each, 1 - fraction) for each in device.rows),
                    *(host_operator(ours, theirs, fraction, link_bytes_per_s) for ours, theirs in rows),
                ),
                head=cpu.head,
                decode_attention=_divided(device.decode_attention, cpu.decode_attention, fraction),
                prefill_attention=_divided(device.prefill_attention, cpu.prefill_attention, fraction),
                states=_divided(device.states, cpu.states, fraction),
            )
        )

    def with_experts_on_host(self, cpu: Operators, fraction: float, link_bytes_per_s: float) -> "Step":
        """The step with the routed experts of a `fraction` of the layers that have some on the CPU."""
        rows: list[RowOperator] = []
        for ours, theirs in zip(cpu.rows, self.operators.rows, strict=True):
            if isinstance(theirs, Experts):
                rows += [scaled(theirs, 1 - fraction), host_operator(ours, theirs, fraction, link_bytes_per_s)]
            else:
                rows.append(theirs)
        return self._on_host(self.operators._replace(rows=tuple(rows)))

    def with_cache_on_host(self, cpu: Operators, stage_cpu: Operators, hand_over: RowOperator) -> "Step":
        """The step with cache and states in host memory: the CPU attends for all layers, to what is handed over.

        It attends to all sequences of a decode step as `cpu`; pipeline stages that work side by side over prompts
        divide it, each as `stage_cpu`.
        """
        operators = self.operators._replace(
            rows=(*self.operators.rows, hand_over),
            decode_attention=cpu.decode_attention,
            prefill_attention=stage_cpu.prefill_attention,
            states=stage_cpu.states,
        )
        return replace(self._on_host(operators), cpu_attends=True, rereads=False)

    def with_weights_on_host(self, copied_bytes: float, link_bytes_per_s: float) -> "Step":
        """The step with weights that cross from the host every time; copies and kernels are taken in turn."""
        rows = (*self.operators.rows, HostCopy(copied_bytes, link_bytes_per_s))
        return self._on_host(self.operators._replace(rows=rows))

    def _on_host(self, operators: Operators) -> "Step":
        return replace(self, operators=operators, confidence="C")

    @property
    def weight_bytes(self) -> float:
        """Bytes of the weights of all layers and the head on one rank, all pipeline stages together."""
        return sum(map(stored_bytes, (*self.operators.rows, self.operators.head)))

    def sequence_bytes(self, context: float) -> float:
        """Bytes of one sequence's cache and state on one rank, all pipeline stages together."""
        return sum(each.times * each.cache_bytes(context) for each in self.operators.decode_attention) + sum(
            each.times * each.state_bytes for each in self.operators.states
        )


@lru_cache(maxsize=4096)
def one_prompt(step: Step, new: int, cached: int) -> PromptTime:
    """Time of one prompt of `new` tokens after `cached` ones, which is the same whatever else the engine has to do."""
    return step.prompt_time(new, cached)


def _divided(device: Iterable[Any], cpu: Iterable[Any], fraction: float) -> tuple[Any, ...]:
    """Operators of the device's layers and of the `fraction` that the CPU runs."""
    return (*(scaled(each, 1 - fraction) for each in device), *(scaled(each, fraction) for each in cpu))
