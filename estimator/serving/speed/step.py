"""A model compiled for a device, a layout and an engine: seconds of one engine step."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, log, sqrt
from typing import Any, NamedTuple

from estimator.engines.speed_constants import EngineSpeed, Spreads
from estimator.layout import Layout
from estimator.layouts.rank_work import plan
from estimator.results import Bound, Confidence, OperatorTime
from estimator.serving.deployment import Deployment
from estimator.serving.speed.gpu import gpu_operators, peak_flops
from estimator.serving.speed.llama_cpp import llama_cpp_operators
from estimator.serving.speed.neuron import neuron_operators
from estimator.serving.speed.operators import Experts, Gemm, Operators
from estimator.units import GB, MICROSECOND, MILLISECOND

PIPELINE_HOP_US = 10.0
"""Hand-over between pipeline stages, without the activations' own time on the link."""
SMALLEST_BUCKET = 128
"""Tokens of the shortest compiled prompt where prompts are padded."""


class Prefill(NamedTuple):
    """Seconds of prompts that are computed together."""

    alone_s: float
    """From their first chunk to their last, with nothing beside them."""
    engine_s: float
    """Engine time that they take from others: pipeline stages and attention copies work side by side."""


def fullest_copy(prompts: float, copies: int, most: float) -> float:
    """Prompts in the fullest of `copies` copies of the attention, which get `prompts` each in the mean, at random.

    The largest of as many Poisson counts; a copy's chunk holds `most`.
    """
    return max(prompts, min(copies * prompts, prompts + sqrt(2 * prompts * log(copies)), most))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Operators of one rank with their rates. Compared by identity; see `compile_step`."""

    operators: Operators
    layers: int
    layout: Layout
    hop_s: float
    """Hand-over to one pipeline stage."""
    hop_s_per_row: float
    pipeline: float
    """Relative cost of running stages side by side in prefill."""
    stall: float
    """Most of a loaded pipeline's time that stages wait for unequal batches before them."""
    speed: EngineSpeed
    engine: str
    """Key of the engine class."""
    confidence: Confidence
    spreads: Spreads
    peak_flops_per_s: float
    """Dense peak of one device for the weight format, without any efficiency."""
    peak_bytes_per_s: float
    network_gb_s: float
    """Between machines."""
    decode_factor: float = 1.0
    prefill_factor: float = 1.0
    """Of the user's own measurement, on all that the device and the host do."""

    def step_s(
        self, batch: float, context: float, new: int = 0, cached: int = 0, prompts: float = 0.0, drafts: int = 0
    ) -> float:
        """One step of a whole engine: `batch` sequences at `context` tokens gain a token each.

        Chunks that add up to `prompts` prompts of `new` tokens ride along. With speculation, each sequence verifies
        `drafts` more tokens, and drafting one costs about a layer. Pipeline stages and attention copies share both, and
        copies wait for the one with most prompts.
        """
        layout, operators = self.layout, self.operators
        copies = layout.dp * layout.pp
        each = max(batch / copies, 1.0) if batch else 0.0
        verified, share = each * (1 + drafts), prompts / copies
        rows, most = verified + share * new, share
        seconds = operators.head.seconds(verified + share)
        for operator in operators.rows:
            seconds += operator.seconds(rows)
        if prompts and new and layout.dp > 1:
            most = fullest_copy(share, layout.dp, self.speed.chunk_tokens / new)
            seconds += self._waiting_s(rows, rows + (most - share) * new)
        if batch:
            for attention in operators.decode_attention:
                seconds += attention.seconds(each, context)
            for exchange in operators.stripe_exchanges:
                seconds += exchange.seconds(verified)
        if prompts:
            for prefill in operators.prefill_attention:
                seconds += prefill.seconds(new, cached, 1 / prompts) * most
        for state in operators.states:
            seconds += state.seconds(each + share, rows)
        if layout.pp > 1:
            seconds += layout.pp * self.hop_s + rows * self.hop_s_per_row
            if each > 1:
                seconds *= 1 + self.stall * (1 - 1 / layout.pp)
        seconds *= 1 + drafts / self.layers
        host = self.host_s(batch)
        if self.speed.overlap:
            return self.decode_factor * float((seconds**4 + host**4) ** 0.25)
        return self.decode_factor * (seconds + host)

    def _waiting_s(self, rows: float, most: float) -> float:
        """What copies of the attention lose by waiting for the one with `most` rows; experts have everybody's."""
        return sum(
            each.seconds(most) - each.seconds(rows) for each in self.operators.rows if not isinstance(each, Experts)
        )

    def host_s(self, batch: float) -> float:
        """What scheduling, sampling and launching add to one step; each copy of the attention has its own sequences."""
        speed = self.speed
        return (
            speed.step_ms * MILLISECOND
            + speed.sequence_us * MICROSECOND * batch / self.layout.dp
            + speed.layer_us * MICROSECOND * self.layers
        )

    @property
    def admission_s(self) -> float:
        """What a step loses by admitting prompts, whatever their number."""
        return self.speed.admission_layer_ms * MILLISECOND * self.layers

    def decode_s(self, batch: float, context: float, drafts: int = 0) -> float:
        """One decode step of `batch` sequences over the whole engine; each gains one token."""
        return self.step_s(batch, context, drafts=drafts)

    def prefill(self, new: int, cached: int = 0, batch: float = 1) -> Prefill:
        """`batch` prompts of `new` tokens after `cached` ones that are already in the cache, together, in chunks."""
        if new <= 0:
            return Prefill(0.0, 0.0)
        seconds, launches = self._prompt_s(new, cached, batch)
        alone, pp = seconds, self.layout.pp
        if pp > 1:
            drains = ceil(launches / (self.speed.batch_chunks or launches))
            alone *= (launches + drains * (pp - 1)) / (launches * pp) * (1 + self.pipeline)
            alone += launches * pp * self.hop_s + new * self.hop_s_per_row
        return Prefill(alone, seconds / (pp * self.layout.dp))

    def prefill_s(self, new: int, cached: int = 0, batch: int = 1) -> float:
        """From the first chunk of these prompts to the last, with nothing beside them."""
        return self.prefill(new, cached, batch).alone_s

    def riding_s(
        self, decode_s: float, batch: float, context: float, new: int, cached: int, prompts: float, drafts: int
    ) -> float:
        """Engine time that each of `prompts` prompts adds to a step that decodes `batch` sequences in `decode_s`."""
        added = self.step_s(batch, context, new, cached, prompts, drafts) - decode_s
        return self.speed.prefill * self.prefill_factor / self.decode_factor * added / prompts

    def _prompt_s(self, new: int, cached: int, batch: float) -> tuple[float, int]:
        """Seconds over all stages in turn, and chunks."""
        speed, operators = self.speed, self.operators
        if speed.buckets:
            new = max(SMALLEST_BUCKET, 1 << (new - 1).bit_length())
        whole, rest = divmod(new * batch, speed.chunk_tokens)
        launches = int(whole) + (1 if rest else 0)
        seconds = operators.head.seconds(batch) * launches
        for operator in operators.rows:
            if whole:
                seconds += whole * operator.seconds(speed.chunk_tokens)
            if rest:
                seconds += operator.seconds(rest)
        for attention in operators.prefill_attention:
            seconds += batch * attention.seconds(new, cached, launches / batch)
        for state in operators.states:
            seconds += state.seconds(launches * batch, new * batch)
        return self.prefill_factor * (speed.prefill * seconds + launches * self.host_s(0)), launches

    def beside(self, host: "Step", share: float) -> "Step":
        """With that share of the layers, and the head, run by `host`; the two take turns."""
        ours, theirs = self.operators, host.operators
        return replace(
            self,
            operators=Operators(
                (*_scaled(ours.rows, 1 - share), *_scaled(theirs.rows, share)),
                theirs.head,
                (*_scaled(ours.decode_attention, 1 - share), *_scaled(theirs.decode_attention, share)),
                (*_scaled(ours.prefill_attention, 1 - share), *_scaled(theirs.prefill_attention, share)),
                (*_scaled(ours.states, 1 - share), *_scaled(theirs.states, share)),
            ),
            confidence="C",
        )

    @property
    def weight_bytes(self) -> float:
        """Of the layers and the head on one rank, all pipeline stages together."""
        return sum(
            each.times * (each.experts * each.expert_bytes if isinstance(each, Experts) else each.weight_bytes)
            for each in (*self.operators.rows, self.operators.head)
            if isinstance(each, Experts | Gemm)
        )

    def sequence_bytes(self, context: float) -> float:
        """Cache and state of one sequence on one rank, all pipeline stages together."""
        return sum(each.times * each.cache_bytes(context) for each in self.operators.decode_attention) + sum(
            each.times * each.state_bytes for each in self.operators.states
        )

    def decode_bound(self, batch: float, context: float) -> Bound:
        """What limits most of a decode step."""
        rows, operators = self._share(batch), self.operators
        return _longest(
            ("latency", self.host_s(batch)),
            *((each.bound(rows), each.seconds(rows)) for each in (*operators.rows, operators.head)),
            *((each.bound(rows, context), each.seconds(rows, context)) for each in operators.decode_attention),
            *((each.bound(rows, rows), each.seconds(rows, rows)) for each in operators.states),
            *((each.bound(rows), each.seconds(rows)) for each in operators.stripe_exchanges),
        )

    def prefill_bound(self, new: int, cached: int = 0) -> Bound:
        """What limits most of a prompt."""
        operators = self.operators
        return _longest(
            *((each.bound(new), each.seconds(new)) for each in operators.rows),
            *((each.bound(new, cached), each.seconds(new, cached)) for each in operators.prefill_attention),
        )

    def decode_operators(self, batch: float, context: float) -> tuple[OperatorTime, ...]:
        """One decode step by operator, on one rank."""
        return tuple(self._decode_detail(batch, context))

    def _decode_detail(self, batch: float, context: float) -> Iterator[OperatorTime]:
        rows = self._share(batch)
        yield from (operator.detail(rows) for operator in self.operators.rows)
        yield from (attention.detail(rows, context) for attention in self.operators.decode_attention)
        yield from (exchange.detail(rows) for exchange in self.operators.stripe_exchanges)
        yield from (state.detail(rows, rows) for state in self.operators.states)
        yield self.operators.head.detail(rows)
        if host := self.host_s(batch):
            yield OperatorTime("host", host, "latency")

    def _share(self, batch: float) -> float:
        """Sequences of a batch that one pipeline stage of one attention copy has at a time."""
        return max(batch / (self.layout.dp * self.layout.pp), 1.0)

    def prefill_operators(self, new: int, cached: int = 0) -> tuple[OperatorTime, ...]:
        """One prompt by operator on one rank, as if it were one chunk."""
        return (
            *(operator.detail(new) for operator in self.operators.rows),
            *(attention.detail(new, cached) for attention in self.operators.prefill_attention),
            *(state.detail(1, new) for state in self.operators.states),
            self.operators.head.detail(1),
        )


def _scaled(operators: Iterable[Any], share: float) -> Iterator[Any]:
    return (operator._replace(times=operator.times * share) for operator in operators)


def _longest(*timed: tuple[Bound, float]) -> Bound:
    """The bound that holds for most of the time."""
    total: dict[Bound, float] = {}
    for bound, seconds in timed:
        total[bound] = total.get(bound, 0.0) + seconds
    return max(total, key=lambda bound: total[bound])


@lru_cache(maxsize=8192)
def compile_step(deployment: Deployment, layout: Layout) -> Step:
    """The step of a deployment's engine laid out so; the host's layers take their turn where the layout keeps some."""
    step = _device_step(deployment, layout)
    if not layout.host or deployment.host is None:
        return step
    cpu = _device_step(deployment._replace(device=deployment.host, machine_devices=0), Layout())
    return step.beside(cpu, layout.host / step.layers)


def _device_step(deployment: Deployment, layout: Layout) -> Step:
    """The step as if every layer ran on the deployment's device."""
    device, speed, efficiency = deployment.device, deployment.speed, deployment.efficiency
    parts = plan(deployment.model.architecture, layout)
    engine = efficiency.engine_name(speed)
    confidence = deployment.confidence
    spans_machines = 0 < deployment.machine_devices < layout.devices
    if confidence == "A" and (spans_machines or deployment.settings.dcp > 1):
        confidence = "B"  # one model's cases are all that was measured across machines, or with stripes
    hop_us, pipeline = PIPELINE_HOP_US, 0.0
    match speed.runtime:
        case "llama.cpp":
            operators = llama_cpp_operators(parts, deployment)
            hop_us, pipeline = efficiency.llama_cpp.device_us, efficiency.llama_cpp.pipeline
        case "neuron":
            operators = neuron_operators(parts, layout, deployment)
        case _:
            operators = gpu_operators(parts, layout, deployment)
    spreads = efficiency.spreads(engine, "serving_concurrency", confidence)
    own = efficiency.calibration(device, engine)
    if own:
        spreads = Spreads(*(each.calibrated for each in spreads))
    return Step(
        operators,
        parts.layers,
        layout,
        hop_us * MICROSECOND,
        (layout.pp - 1) * parts.hidden * 2 / max(deployment.fabric.link_bytes_per_s, GB),
        pipeline,
        efficiency.pipeline_stall,
        speed,
        engine,
        confidence,
        spreads,
        peak_flops(deployment.weights, device),
        device.bandwidth_bytes_per_s,
        efficiency.network.bandwidth_gb_s,
        own.decode if own else 1.0,
        own.prefill if own else 1.0,
    )
