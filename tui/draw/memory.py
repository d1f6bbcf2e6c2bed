"""A device's memory as drawn rows: the stacked bar, the table of parts, the layers that are cached."""

from collections.abc import Sequence
from typing import NamedTuple

from estimator.architecture import Architecture
from estimator.evaluation import MemoryReport, Part
from estimator.formats import CacheFormat
from estimator.mixers import Attention, LatentAttention
from estimator.serving_memory.cache import CONV_STATE_BYTES, STATE_BYTES
from tui.draw.bars import HATCHES, Share, stacked_bar
from tui.draw.figures import count, gib, percent, size
from tui.draw.runs import Row, clipped, fitted


class Usage(NamedTuple):
    """One device's memory in use at a load; the parts sum to what the driver reports."""

    report: MemoryReport
    sequences: float
    """Requests at once on one replica; what the pool can not hold waits."""
    tokens: int
    """Of one request, input and output."""

    @property
    def cache_bytes(self) -> float:
        """The part of the KV pool that this load fills."""
        if self.report.max_concurrency <= 0:
            return max(self.report.kv_cache_bytes, 0.0)
        return self.report.kv_cache_bytes * min(self.sequences / self.report.max_concurrency, 1.0)

    @property
    def shares(self) -> tuple[Share, ...]:
        """From the device's first byte to its last: what is spent, what the pool has left, what stays reserved."""
        report = self.report
        spent = report.weights_bytes + report.activation_bytes + report.runtime_bytes
        graphs_outside = 0.0 if report.cuda_graphs_in_budget else report.cuda_graph_bytes
        pool = max(report.kv_cache_bytes, 0.0)
        graphs_inside = report.cuda_graph_bytes - graphs_outside
        reserve = report.usable_bytes - spent - graphs_inside - pool - graphs_outside
        return (
            Share("weights", report.weights_bytes, "weights"),
            Share("KV cache", self.cache_bytes, "kv"),
            Share("activations", report.activation_bytes, "activation"),
            Share("runtime", report.runtime_bytes, "runtime"),
            Share("CUDA graphs", report.cuda_graph_bytes, "graphs"),
            Share("reserve", max(reserve, 0.0), "reserve"),
            Share("free for KV", pool - self.cache_bytes, "free"),
        )


def bar_row(usage: Usage, cells: int) -> Row:
    """The stacked bar; its hatches are named in the table of parts."""
    return fitted([(" ", "text"), *stacked_bar(usage.shares, cells - 2)], cells)


def part_rows(usage: Usage, reasons: Sequence[str], cells: int, cursor: int = -1) -> list[Row]:
    """Hatch, name, GiB, share and reason of each part; the row at `cursor` is marked."""
    total = usage.report.usable_bytes or 1
    rows: list[Row] = [fitted([(f"   {'part':<12}{'GiB':>7} {'':>4}  how", "title")], cells)]
    for index, (share, reason) in enumerate(zip(usage.shares, reasons, strict=True)):
        here = index == cursor
        rows.append(
            fitted(
                [
                    ("›" if here else " ", "cursor"),
                    (HATCHES[share.style] + " ", share.style),
                    (f"{share.name:<12}", "bold" if here else "text"),
                    (f"{gib(share.value):>7} ", "bold" if here else "text"),
                    (f"{percent(share.value / total):>4}  ", "dim"),
                    (clipped(reason, max(cells - 29, 0)), "text" if here else "dim"),
                ],
                cells,
            )
        )
    return rows


def reasons(usage: Usage, tensor_parallel: int, engine: str, sequences_limit: int, chunk: int) -> tuple[str, ...]:
    """Why each share is as large as it is, in the order of `Usage.shares`."""
    report, tokens = usage.report, usage.tokens
    pool = report.max_concurrency
    together = min(usage.sequences, pool)
    graphs = "in the budget" if report.cuda_graphs_in_budget else "captured outside the budget"
    rest = "" if report.cuda_graphs_in_budget else ", less the graphs"
    parallel = f", NCCL over {tensor_parallel} ranks" if tensor_parallel > 1 else ""
    return (
        joined(report.weights),
        f"{together:,.4g} requests x {tokens:,} tokens x {size(report.kv_bytes_per_token)}",
        f"{sequences_limit:,} sequences, {chunk:,} tokens a step; {engine}",
        f"context and libraries{parallel}; {engine}",
        f"decode graphs, {graphs}",
        f"{percent(1 - report.utilization)} that {engine} leaves alone{rest}",
        f"room for {count(int(max(pool - together, 0)))} more requests of this length",
    )


def weight_rows(parts: Sequence[Part], cells: int, lines: int) -> list[Row]:
    """The weights by kind of tensor, largest first, each with a bar to scale."""
    ordered = sorted((part for part in parts if part.value > 0), key=lambda part: -part.value)
    total = sum(part.value for part in ordered)
    room = max(cells - 40, 1)
    return [
        fitted(
            [
                (f"   {clipped(part.name, 24):<24} {gib(part.value):>7} ", "text"),
                (HATCHES["weights"] * max(round(room * part.value / total), 1), "weights"),
            ],
            cells,
        )
        for part in ordered[: max(lines, 0)]
    ]


def joined(parts: Sequence[Part]) -> str:
    """The largest parts with their GiB."""
    ordered = sorted(parts, key=lambda part: -part.value)
    return " + ".join(f"{gib(part.value)} {part.name}" for part in ordered if part.value > 0)


class LayerKind(NamedTuple):
    """Layers that are cached alike on one rank."""

    layers: int
    name: str
    token_bytes: float
    """Of one token in one layer on one rank."""
    state_bytes: float
    """Of one sequence in one layer, whatever its length."""
    note: str


def layer_kinds(architecture: Architecture, cache: CacheFormat, tensor_parallel: int) -> list[LayerKind]:
    """The token mixers of an architecture by kind, as one of `tensor_parallel` ranks caches them."""
    found: dict[LayerKind, int] = {}
    for group in architecture.groups:
        mixer = group.layer.mixer
        if mixer is None:
            continue
        width = mixer.cache_elements(1)
        ways = min(mixer.cache_ways, tensor_parallel) if width else 1
        note = ""
        if isinstance(mixer, LatentAttention):
            name, note = "latent attention", "whole on every rank" if tensor_parallel > 1 else "one vector a token"
        elif isinstance(mixer, Attention):
            name = f"{'chunk' if mixer.chunked else 'window'} of {mixer.window:,}" if mixer.window else "full attention"
            copies = tensor_parallel // mixer.kv_heads if mixer.kv_heads else 1
            heads = f"{mixer.kv_heads} KV heads"
            note = f"{heads}, {copies} copies over {tensor_parallel} ranks" if copies > 1 else heads
        else:
            name = "".join(f" {each.lower()}" if each.isupper() else each for each in type(mixer).__name__).strip()
            note = "a state per request"
        state = (mixer.state_elements * STATE_BYTES + mixer.conv_state_elements * CONV_STATE_BYTES) / tensor_parallel
        kind = LayerKind(0, name, width / max(ways, 1) * cache.bits / 8, state, note)
        found[kind] = found.get(kind, 0) + group.count
    return [kind._replace(layers=layers) for kind, layers in found.items()]


def layer_rows(kinds: Sequence[LayerKind], cells: int) -> list[Row]:
    """Each kind of layer with what it caches per token and per request, all its layers together."""
    rows: list[Row] = []
    for kind in kinds:
        parts = []
        if kind.token_bytes:
            parts.append(f"{count(kind.layers * kind.token_bytes)} B/token")
        if kind.state_bytes:
            parts.append(f"{size(kind.layers * kind.state_bytes)}/request")
        rows.append(
            fitted(
                [
                    (f"   {kind.layers:>3} x ", "text"),
                    (f"{kind.name:<18} ", "text"),
                    (f"{' + '.join(parts) or 'nothing cached':>20}  ", "text"),
                    (kind.note, "dim"),
                ],
                cells,
            )
        )
    return rows
