"""Operators: seconds of one kind of kernel on one rank, from its work and from the rates it reaches.

Each is built once for a model, layout and device (see compile.py); what varies with the load is an argument.
`rows` are the tokens of a step on this rank, `batch` its sequences. Every operator answers for all `times` layers
that have it: `seconds`, and `detail` with what limits them, FLOPs and bytes. They are records, not tuples: each is made
once and read many thousand times, and a slot is read in a fraction of the time.
"""

from collections.abc import Callable
from math import hypot, log, log2, sqrt
from typing import NamedTuple, Protocol

from estimator.hardware.devices import AllReduce
from estimator.models.mixers.base import causal_pairs
from estimator.records import record
from estimator.results import Bound

Detail = tuple[str, float, Bound, float, float]
"""The fields of an `OperatorTime`, plain: name, seconds, what limits them, FLOPs, bytes. Most are only added up."""


class RowOperator(Protocol):
    """An operator whose cost depends on the number of rows alone."""

    @property
    def name(self) -> str: ...
    def seconds(self, rows: float) -> float: ...
    def detail(self, rows: float) -> Detail: ...


class Weights(RowOperator, Protocol):
    """A row operator that reads matrices whole, whatever the rows."""

    @property
    def times(self) -> float: ...
    @property
    def weight_bytes(self) -> float: ...


@record(frozen=True, slots=True, eq=False)
class Gemm:
    """Matrix products (rows, inputs) x (inputs, outputs) in `times` layers: latency plus the smooth maximum of compute
    and memory.
    """

    name: str
    times: float
    latency_s: float
    flops: float
    """FLOPs of one row (token)."""
    weight_bytes: float
    row_bytes: float
    """Bytes of one row's activations, in and out."""
    flops_per_s: float
    bytes_per_s: float

    def seconds(self, rows: float) -> float:
        busy_s = hypot(
            rows * self.flops / self.flops_per_s,
            (self.weight_bytes + rows * self.row_bytes) / self.bytes_per_s,
        )
        return self.times * (self.latency_s + busy_s)

    def detail(self, rows: float) -> Detail:
        flops, moved = rows * self.flops, self.weight_bytes + rows * self.row_bytes
        bound = longest_of(self.latency_s, flops / self.flops_per_s, moved / self.bytes_per_s)
        return self.name, self.seconds(rows), bound, self.times * flops, self.times * moved


@record(frozen=True, slots=True, eq=False)
class Experts:
    """Routed experts of `times` layers, on the expert-parallel rank that gets most tokens."""

    name: str
    times: float
    latency_s: float
    experts: float
    """Experts on this rank."""
    experts_per_token: float
    """Experts a token visits, over all ranks."""
    ranks: int
    """Expert-parallel ranks."""
    attention_replicas: int
    """Data-parallel ranks of the attention, whose tokens all come to these experts."""
    imbalance: float
    """Random excess of the slowest rank over the largest of as many Poisson counts."""
    skew: float
    """Systematic excess of the slowest rank per doubling of ranks."""
    entropy: float
    """Share of the tokens that are routed independently."""
    flops: float
    """FLOPs of one token in one expert, on this rank."""
    expert_bytes: float
    """Bytes of one expert's weights, on this rank."""
    token_bytes: float
    """Bytes of activations that one token moves through one expert's matrices."""
    routing_bytes: float
    """Bytes that one token moves for one expert around its matrices: sorting in, activation function, adding up."""
    ramp_rows: float
    """Rows per expert that a touched expert costs besides its own."""
    flops_per_s: float
    bytes_per_s: float
    routing_bytes_per_s: float

    def load(self, rows: float) -> tuple[float, float]:
        """Tokens this rank computes, and how many of its experts they touch, of `rows` on each attention replica.

        A token visits experts that differ; of the others, a share chooses independently. With several ranks these are
        the slowest one's.
        """
        everyone = rows * self.attention_replicas
        tokens = everyone * self.experts_per_token / self.ranks
        if self.ranks > 1:
            tokens += self.imbalance * sqrt(2 * tokens * log(self.ranks)) + self.skew * tokens * log2(self.ranks)
        if not everyone:
            return 0.0, 0.0
        independent = 1 + self.entropy * (everyone - 1) if everyone > 1 else everyone
        hit = min(tokens / (everyone * self.experts), 1.0)
        return tokens, min(self.experts * (1 - (1 - hit) ** independent), tokens)

    def seconds(self, rows: float) -> float:
        tokens, touched = self.load(rows)
        return self.times * (
            self.latency_s
            + max(
                (tokens + self.ramp_rows * touched) * self.flops / self.flops_per_s,
                (touched * self.expert_bytes + tokens * self.token_bytes) / self.bytes_per_s,
            )
            + tokens * self.routing_bytes / self.routing_bytes_per_s
        )

    def detail(self, rows: float) -> Detail:
        tokens, touched = self.load(rows)
        flops, moved = tokens * self.flops, touched * self.expert_bytes + tokens * self.token_bytes
        padding = self.ramp_rows * touched * self.flops / self.flops_per_s  # tiles that few rows leave empty
        bound = longest_of(self.latency_s + padding, flops / self.flops_per_s, moved / self.bytes_per_s)
        return self.name, self.seconds(rows), bound, self.times * flops, self.times * moved


@record(frozen=True, slots=True, eq=False)
class Elementwise:
    """Norms, activations, residuals and rotary embedding of `times` layers."""

    name: str
    times: float
    latency_s: float
    row_bytes: float
    bytes_per_s: float

    def seconds(self, rows: float) -> float:
        return self.times * (self.latency_s + rows * self.row_bytes / self.bytes_per_s)

    def detail(self, rows: float) -> Detail:
        bound = longest_of(self.latency_s, 0.0, rows * self.row_bytes / self.bytes_per_s)
        return self.name, self.seconds(rows), bound, 0.0, self.times * rows * self.row_bytes


@record(frozen=True, slots=True, eq=False)
class Collective:
    """`times` all-reduces (or exchanges of like cost), inside a machine and, where they span several, between them.

    Inside: (alpha^q + (wire x bytes / bandwidth)^q)^(1/q), the form that collective benchmarks fit.
    """

    name: str
    times: float
    link: AllReduce
    wire: float
    """Bytes a device sends for one byte of result: 2(n-1)/n for an all-reduce."""
    row_bytes: float
    """Bytes of one row's result."""
    across_latency_s: float = 0.0
    across_s_per_byte: float = 0.0

    def seconds(self, rows: float) -> float:
        size = rows * self.row_bytes
        alpha, bandwidth, q = self.link
        inside: float = (alpha**q + (self.wire * size / bandwidth) ** q) ** (1 / q)
        return self.times * (inside + self.across_latency_s + size * self.across_s_per_byte)

    def detail(self, rows: float) -> Detail:
        size = rows * self.row_bytes
        moving = self.wire * size / self.link.bandwidth_bytes_per_s + size * self.across_s_per_byte
        bound: Bound = "network" if moving > self.link.alpha_s + self.across_latency_s else "latency"
        return self.name, self.seconds(rows), bound, 0.0, self.times * self.wire * rows * self.row_bytes


@record(frozen=True, slots=True, eq=False)
class DecodeAttention:
    """Attention of one new token of each sequence against its cache, in `times` layers."""

    name: str
    times: float
    latency_s: float
    token_bytes: float
    """Bytes of a token that stays cached for good, on this rank."""
    limit: int
    """Most such tokens that a query attends to (sparse attention); 0 is all."""
    window_bytes: float
    """Bytes of a token that is cached for the last `window` tokens only, on this rank."""
    window: int
    """Tokens of the window; 0 is none."""
    index_bytes: float
    """Bytes of a token's indexer keys, read for every token of the context."""
    flops: Callable[[int, int], float]
    """FLOPs of all heads for (new, cached) tokens, the mixer's own count."""
    share: float
    """Share of the heads on this rank."""
    flops_per_s: float
    bytes_per_s: float
    passes: float = 1.0
    """Times that decoding reads the cache: once a query head where a kernel shares nothing between those of a group."""
    readers: float = 1.0
    """Query heads that read a cached head each for itself in a step that computes prompts as well; 1 where decoding
    keeps its own kernel there, which reads it once for all of them."""
    shared_bytes: float = 0.0
    """Bytes of a layer's cache that the device's own cache holds from one of them to the next."""

    def cache_bytes(self, context: float) -> float:
        """Bytes that one sequence of `context` tokens keeps in one layer."""
        windowed = self.window_bytes * min(context, self.window) if self.window else 0.0
        return (self.token_bytes + self.index_bytes) * context + windowed

    def work(self, batch: float, context: float) -> tuple[float, float]:
        """FLOPs and bytes of one layer's attention for `batch` sequences at `context` tokens."""
        moved = self.token_bytes * (min(context, self.limit) if self.limit else context) + self.index_bytes * context
        if self.window:
            moved += self.window_bytes * min(context, self.window)
        return batch * self.share * self.flops(1, int(context)), batch * self.passes * moved

    def seconds(self, batch: float, context: float) -> float:
        flops, moved = self.work(batch, context)
        return self.times * (self.latency_s + max(moved / self.bytes_per_s, flops / self.flops_per_s))

    def rereading_s(self, batch: float, context: float) -> float:
        """Seconds more that the same takes in a step that computes prompts as well.

        Readers pass the cache in the same order one after the other, so that what exceeds the device's own cache has
        left it when the next comes; beyond twice its size nothing is found there.
        """
        _, moved = self.work(batch, context)
        missed = min(max(moved / self.shared_bytes - 1, 0.0), 1.0) if self.shared_bytes else 1.0
        return self.times * (self.readers - 1) * missed * moved / self.bytes_per_s

    def detail(self, batch: float, context: float) -> Detail:
        flops, moved = self.work(batch, context)
        bound = longest_of(self.latency_s, flops / self.flops_per_s, moved / self.bytes_per_s)
        return self.name, self.seconds(batch, context), bound, self.times * flops, self.times * moved


@record(frozen=True, slots=True, eq=False)
class PrefillAttention:
    """Causal attention of new tokens over themselves and what is cached, in `times` layers."""

    name: str
    times: float
    latency_s: float
    flops: Callable[[int, int], float]
    """FLOPs of all heads for (new, cached) tokens, the mixer's own count."""
    share: float
    """Share of the heads on this rank."""
    ramp_tokens: float
    """Tokens at which half of `flops_per_s` is reached."""
    flops_per_s: float
    own_bytes: float = 0.0
    """Bytes of a cached token, where every query reads those that it chose; 0 where queries share what they read."""
    choice: int = 0
    """Most tokens that a query chooses."""
    bytes_per_s: float = 1.0

    def _reads(self, new: int, cached: int) -> float:
        """Bytes of one layer that queries read each for itself."""
        return self.own_bytes * causal_pairs(new, cached, self.choice) if self.own_bytes else 0.0

    def seconds(self, new: int, cached: int, launches: float = 1) -> float:
        computing = self.share * self.flops(new, cached) / self.flops_per_s * (1 + self.ramp_tokens / (new + cached))
        if self.own_bytes:
            computing = hypot(computing, self._reads(new, cached) / self.bytes_per_s)
        return self.times * (launches * self.latency_s + computing)

    def detail(self, new: int, cached: int, launches: float = 1) -> Detail:
        flops, moved = self.share * self.flops(new, cached), self._reads(new, cached)
        bound = longest_of(self.latency_s, flops / self.flops_per_s, moved / self.bytes_per_s)
        return self.name, self.seconds(new, cached, launches), bound, self.times * flops, self.times * moved


@record(frozen=True, slots=True, eq=False)
class StateUpdate:
    """Linear attention and state-space layers in a step: a state per sequence, read and written every time."""

    name: str
    times: float
    latency_s: float
    state_bytes: float
    """Bytes of one sequence's state in one layer, on this rank."""
    bytes_per_s: float
    flops: float
    """FLOPs of one token in one layer."""
    flops_per_s: float
    scan_s: float = 0.0
    """Seconds in which one more token of a sequence passes a delta rule's chunks; 0 where none waits for another."""

    def _scanning_s(self, batch: float, rows: float) -> float:
        """Seconds of one layer in which tokens wait for the chunks before theirs; a sequence's first waits for none."""
        return max(rows - batch, 0.0) * self.scan_s

    def seconds(self, batch: float, rows: float) -> float:
        computing_s = rows * self.flops / self.flops_per_s + self._scanning_s(batch, rows)
        return self.times * (self.latency_s + batch * 2 * self.state_bytes / self.bytes_per_s + computing_s)

    def detail(self, batch: float, rows: float) -> Detail:
        moving_s = batch * 2 * self.state_bytes / self.bytes_per_s
        waiting_s = self.latency_s + self._scanning_s(batch, rows)
        bound = longest_of(waiting_s, rows * self.flops / self.flops_per_s, moving_s)
        moved, flops = self.times * batch * 2 * self.state_bytes, self.times * rows * self.flops
        return self.name, self.seconds(batch, rows), bound, flops, moved


class Operators(NamedTuple):
    """Every operator of one rank, all pipeline stages together."""

    rows: tuple[RowOperator, ...]
    """Everything whose cost depends on the tokens of a step alone."""
    head: Weights
    """The output projection, of one row per sequence."""
    decode_attention: tuple[DecodeAttention, ...]
    prefill_attention: tuple[PrefillAttention, ...]
    states: tuple[StateUpdate, ...] = ()
    dcp_exchanges: tuple[Collective, ...] = ()
    """Collectives of decode context parallelism, for the new tokens of a decode step."""


def longest_of(launch: float, compute: float, memory: float) -> Bound:
    """What limits an operator (`latency`, `compute` or `memory`): the longest of its three times [s]."""
    if launch >= compute and launch >= memory:
        return "latency"
    return "compute" if compute >= memory else "memory"
