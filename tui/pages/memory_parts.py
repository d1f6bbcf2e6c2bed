"""A device's memory as drawn rows: the stacked bar, the table of parts, the layers that are cached."""

from collections.abc import Sequence
from typing import NamedTuple

from estimator.layout import Layout
from estimator.models.architecture import Architecture
from estimator.results import MemoryReport, MemoryTerm, Part
from estimator.serving.memory.cache import LayerKind
from estimator.serving.memory.shares import cache_in_use_bytes, memory_shares
from estimator.units import quantity
from tui.draw.bars import HATCHES, Share, stacked_bar
from tui.draw.figures import amount, count, gib, percent, size
from tui.draw.runs import Row, clip, fit_row, hang, merge_runs, pointer


class Usage(NamedTuple):
    """One device's memory in use at a load; the parts sum to what the driver reports."""

    report: MemoryReport
    sequences: float
    """Requests at once on one replica; what the pool can not hold waits."""
    tokens: int
    """Tokens of one request, input and output."""
    request: tuple[MemoryTerm, ...] = ()
    """What the cache of one request adds up from."""

    @property
    def cache_bytes(self) -> float:
        """Bytes of the KV pool that this load fills."""
        return cache_in_use_bytes(self.report, self.sequences)

    @property
    def shares(self) -> tuple[Share, ...]:
        """Shares of the device from its first byte to its last: what is spent, what the pool has left, what stays
        reserved.
        """
        shares = memory_shares(self.report, self.sequences)
        return (
            Share("weights", shares.weights_bytes, "weights"),
            Share("KV cache", shares.cache_bytes, "kv"),
            Share("activations", shares.activation_bytes, "activation"),
            Share("runtime", shares.runtime_bytes, "runtime"),
            Share("CUDA graphs", shares.cuda_graph_bytes, "graphs"),
            Share("reserve", shares.reserve_bytes, "reserve"),
            Share("free for KV", shares.free_bytes, "free"),
        )


def bar_row(usage: Usage, cells: int) -> Row:
    """The stacked bar of a device's memory; a line ends it where more is needed than there is."""
    bar = stacked_bar(usage.shares, cells - 2)
    needed = sum(share.value for share in usage.shares)
    if needed > usage.report.usable_bytes * 1.001:
        end = int((cells - 2) * usage.report.usable_bytes / needed)
        drawn = [(character, style) for text, style in bar for character in text]
        bar = [*drawn[:end], ("┃", "bad"), *drawn[end + 1 :]]
    return fit_row(merge_runs([(" ", "text"), *bar]), cells)


def part_rows(
    usage: Usage,
    reasons: Sequence[str],
    cells: int,
    cursor: int = -1,
    before: Usage | None = None,
    lines: int = 0,
) -> list[Row]:
    """Rows of a device's memory parts: hatch, name, GiB, share and reason; what differs from `before` says which way it
    went.

    The row at `cursor` is marked. Reasons take as many lines as they need where all then have room in `lines`, else
    only the one at the cursor does.
    """
    total = usage.report.usable_bytes or 1
    title = fit_row([(f"   {'part':<12}{'GiB':>7} {'':>4}  how", "title")], cells)
    earlier = before.shares if before else usage.shares
    folded: list[list[Row]] = []
    clipped: list[Row] = []
    lines = max(lines, 1 + len(usage.shares))
    for index, (share, reason, then) in enumerate(zip(usage.shares, reasons, earlier, strict=True)):
        here = index == cursor
        mark = arrow(share.value, then.value)
        row: Row = [
            pointer(here, "›"),
            (HATCHES[share.style] + " ", share.style),
            (f"{share.name:<12}", "bold" if here else "text"),
            (f"{gib(share.value):>7}", "bold" if here else "text"),
            (mark, "up" if mark == "▲" else "down"),
            (f"{percent(share.value / total):>4}  ", "dim"),
        ]
        folded.append(hang(row, reason, "text" if here else "dim", cells))
        clipped.append(fit_row([*row, (reason, "dim")], cells))
    if 1 + sum(map(len, folded)) > lines:
        folded = [rows if at == cursor else [clipped[at]] for at, rows in enumerate(folded)]
    return [title, *(row for rows in folded for row in rows)]


def arrow(now: float, then: float) -> str:
    """▲ or ▼ where a figure reads differently than before, else a blank."""
    return " " if gib(now) == gib(then) else "▲" if now > then else "▼"


def reasons(usage: Usage, tensor_parallel: int, engine: str, sequences_limit: int, chunk: int) -> tuple[str, ...]:
    """Why each share of a device's memory is as large as it is, in the order of `Usage.shares`."""
    report = usage.report
    pool = report.max_concurrency
    together = min(usage.sequences, pool)
    more = int(max(pool - together, 0))
    graphs = "decode graphs, in the budget" if report.cuda_graphs_in_budget else "captured outside the budget"
    rest = "" if report.cuda_graphs_in_budget else ", less the graphs"
    left = f"{percent(1 - report.utilization)} that {engine} leaves alone{rest}"
    left = left if report.kv_cache_bytes > 0 and report.utilization < 1 else "none"
    where = ""
    if report.host_cache_bytes is not None:
        where, left = f" in {size(report.host_cache_bytes)} of host memory", "unused: the cache lies in host memory"
    parallel = f", collectives over {tensor_parallel} ranks" if tensor_parallel > 1 else ""
    return (
        joined(report.weights),
        _cache_reason(usage, together) + where if pool else "no room",
        f"{quantity(sequences_limit, 'sequence')}, {chunk:,} tokens a step; {engine}",
        f"context and libraries{parallel}; {engine}",
        graphs if report.cuda_graph_bytes else "none",
        left,
        f"room for {quantity(more, 'more request')} of this length",
    )


def weight_rows(parts: Sequence[Part], cells: int, lines: int) -> list[Row]:
    """The weights by kind of tensor, largest first, each with a bar to scale."""
    ordered = sorted((part for part in parts if part.value > 0), key=lambda part: -part.value)
    total = sum(part.value for part in ordered)
    room = max(cells - 38, 1)
    return [
        fit_row(
            [
                (f" {clip(part.name, 24):<24} {gib(part.value):>7} ", "text"),
                (HATCHES["weights"] * max(round(room * part.value / total), 1), "weights"),
            ],
            cells,
        )
        for part in ordered[: max(lines, 0)]
    ]


def _cache_reason(usage: Usage, sequences: float) -> str:
    """The cache in use as a product: the requests that a device holds, and what one of them takes."""
    report, tokens = usage.report, usage.tokens
    here = sequences / report.attention_copies
    requests = quantity(here, "request")
    if abs(tokens * report.kv_bytes_per_token - report.request_bytes) < 1:
        return f"{requests} x {tokens:,} tokens x {size(report.kv_bytes_per_token)}"
    if len(usage.request) != 1 or len(usage.request[0].factors) != 2:
        kinds = " + ".join(f"{size(term.bytes)} {term.name}" for term in usage.request)
        return f"{requests} x {size(report.request_bytes)}" + (f" ({kinds})" if kinds else "")
    blocks, block = usage.request[0].factors
    return f"{requests} x {amount(blocks.value)} {blocks.name} x {size(block.value)}"


def joined(parts: Sequence[Part]) -> str:
    """Parts of the weights in one line, the largest with their GiB."""
    ordered = sorted(parts, key=lambda part: -part.value)
    return " + ".join(f"{gib(part.value)} {part.name}" for part in ordered if float(gib(part.value)) > 0)


def describe_cache_sharing(architecture: Architecture, layout: Layout, dcp: int = 1) -> str:
    """How many ranks divide the cache of a token, or how often it is held."""
    ways = min((group.layer.mixer.cache_ways for group in architecture.groups if group.layer.mixer), default=1)
    stages = f"{layout.pp} stages of layers" if layout.pp > 1 else ""
    if layout.tp == 1:
        ranks = ""
    elif dcp > 1:
        ranks = f"1/{dcp} on each rank"
    elif ways >= layout.tp:
        ranks = f"divided over {layout.tp} ranks"
    else:
        ranks = f"{layout.tp // ways} copies over {layout.tp} ranks" if ways > 1 else f"whole on {layout.tp} ranks"
    return ", ".join(filter(None, (ranks, stages)))


def layer_rows(kinds: Sequence[LayerKind], note: str, cells: int) -> list[Row]:
    """Rows of the kinds of layers, each with what it caches per token and per request on one rank, all its layers
    together.
    """
    rows: list[Row] = []
    for kind in kinds:
        parts = []
        if kind.token_bytes:
            parts.append(f"{count(kind.layers * kind.token_bytes)} B/token")
        if kind.state_bytes:
            parts.append(f"{size(kind.layers * kind.state_bytes)}/request")
        start: Row = [
            (f"   {kind.layers:>3} layers keep ", "dim"),
            (f"{kind.name:<16} ", "text"),
            (f"{' + '.join(parts):>18}  ", "text"),
        ]
        rows += hang(start, note, "dim", cells)
    return rows
