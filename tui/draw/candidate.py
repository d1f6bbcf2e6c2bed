"""The selected candidate in short: a strip of three lines, or a pane beside the table."""

from collections.abc import Sequence

from estimator.evaluation import Evaluation, MemoryReport, OperatorTime, PerformanceReport
from estimator.inventory import Inventory
from estimator.units import GIB
from tui import columns
from tui.draw.bars import HATCHES, Share, stacked_bar
from tui.draw.figures import count, duration, gib, percent, spread_percent, usd
from tui.draw.leaderboard import NO_PRICE, note
from tui.draw.runs import Row, clean, clipped, fitted, spread, width

CONFIDENCE = {"A": "measured on this kind", "B": "transferred from its kin", "C": "from specifications only"}
LINKS = {"network": "links", "latency": "launch"}


def strip(row: Evaluation, best: Evaluation | None, inventory: Inventory, cells: int) -> list[Row]:
    """What it is and what limits it; where the memory goes; what it costs."""
    who: Row = [(f" {columns.instance(row)}", "bold"), (f"  {_hardware(row, inventory)}  ", "text")]
    return [
        spread(who, [(f"{limits(row)}  ", "text"), (f"class {row.confidence} ", "accent")], cells),
        fitted(_memory_line(row.memory, cells), cells) if row.memory else fitted([(f" {note(row)}", "warn")], cells),
        fitted(_cost_line(row, best), cells),
    ]


def pane(row: Evaluation, best: Evaluation | None, inventory: Inventory, cells: int) -> list[Row]:
    """The same with room: every part of the memory, three lines of what limits it, every cost."""
    lines: list[Row] = [
        [(clean(columns.instance(row)), "bold"), (f"  {columns.layout(row)}", "text")],
        [(_hardware(row, inventory), "text")],
        [(f"class {row.confidence}", "accent"), (f"  {CONFIDENCE[row.confidence]}", "dim")],
    ]
    if row.verdict != "fits" or row.reason:
        lines += [[(part, "warn")] for part in wrapped(note(row) or row.reason or "", cells)]
    if row.memory:
        lines += [[], [("memory", "title"), ("  GiB per device", "dim")], *_memory_block(row.memory, cells)]
    if row.performance:
        lines += [[], [("speed", "title"), ("  what limits it", "dim")], *_speed_block(row.performance, cells)]
    lines += [[], [("cost", "title"), (f"  {_priced_as(row)}", "dim")], *_cost_block(row, cells)]
    if best:
        lines += [[("★ ", "badge"), (_best(row, best), "text")]]
    return [fitted(line, cells) for line in lines]


def limits(row: Evaluation) -> str:
    """`decode: 62% memory 21% links`."""
    if row.performance is None:
        return ""
    return f"decode: {_bounds(row.performance.decode, row.performance.decode_bound)}"


def wrapped(text: str, cells: int) -> list[str]:
    """Lines of whole words."""
    lines = [""]
    for word in clean(text).split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > cells:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [clipped(line, cells) for line in lines]


def _hardware(row: Evaluation, inventory: Inventory) -> str:
    """Devices and the links between them."""
    machine = inventory.machines.get(row.candidate.machine)
    fabric = inventory.fabrics.get(machine.fabric) if machine else None
    links = f" {fabric.name}" if fabric and row.candidate.accelerators > 1 else ""
    return clean(columns.devices(row, inventory) + links)


def _bounds(operators: Sequence[OperatorTime], bound: str) -> str:
    """The two largest shares of a step's time by what limits them."""
    total = sum(each.seconds for each in operators)
    if total <= 0:
        return LINKS.get(bound, bound)
    shares: dict[str, float] = {}
    for each in operators:
        shares[each.bound] = shares.get(each.bound, 0.0) + each.seconds / total
    largest = sorted(shares, key=lambda name: -shares[name])[:2]
    return " ".join(f"{shares[name]:.0%} {LINKS.get(name, name)}" for name in largest if shares[name] >= 0.01)


def _shares(memory: MemoryReport) -> list[Share]:
    """Everything on the device; the pool and what is left outside the budget."""
    taken = memory.weights_bytes + memory.activation_bytes + memory.runtime_bytes + memory.cuda_graph_bytes
    pool = max(0.0, memory.kv_cache_bytes)
    return [
        Share("weights", memory.weights_bytes, "weights"),
        Share("KV", pool, "kv"),
        Share("act", memory.activation_bytes, "activation"),
        Share("rest", memory.runtime_bytes + memory.cuda_graph_bytes, "runtime"),
        Share("free", max(0.0, memory.usable_bytes - taken - pool), "free"),
    ]


def _memory_line(memory: MemoryReport, cells: int) -> Row:
    """One bar, and after it every part with its hatch: `████▓▓▒░··  █ weights 67.7  ▓ KV 21.2 …`."""
    shares = _shares(memory)
    parts: Row = []
    for share in shares:
        figure = f"{share.value / GIB:.1f}" if share.value < 100 * GIB else gib(share.value)
        parts += [(f" {HATCHES[share.style]}", share.style), (f"{share.name} ", "dim"), (figure, "text")]
    parts.append((" GiB ", "dim"))
    return [(" ", "text"), *stacked_bar(shares, max(0, cells - width(parts) - 1)), *parts]


def _memory_block(memory: MemoryReport, cells: int) -> list[Row]:
    shares = _shares(memory)
    block = [stacked_bar(shares, cells)]
    for share in shares:
        part: Row = [(HATCHES[share.style] * 2, share.style), (f" {share.name}", "text")]
        of = percent(share.value / memory.usable_bytes) if memory.usable_bytes else ""
        block.append(spread(part, [(f"{gib(share.value)}", "text"), (of.rjust(6), "dim")], cells))
    tokens: Row = [(f"{count(memory.kv_capacity_tokens)} tokens", "text"), (" of KV cache per replica", "dim")]
    return [*block, tokens]


def _speed_block(speed: PerformanceReport, cells: int) -> list[Row]:
    def line(name: str, value: str, spread_of: str, why: str) -> Row:
        figure = f"{name:<8}{value:>7} {spread_of:<5}"
        return spread([(figure, "text")], [(clipped(why, max(0, cells - len(figure) - 1)), "dim")], cells)

    return [
        line(
            "TTFT",
            columns.seconds(speed.ttft_s.typical),
            spread_percent(speed.ttft_s),
            _bounds(speed.prefill, speed.prefill_bound),
        ),
        line(
            "TPOT",
            columns.seconds(speed.tpot_s.typical),
            spread_percent(speed.tpot_s),
            _bounds(speed.decode, speed.decode_bound),
        ),
        line(
            "tok/s",
            count(speed.output_tokens_per_s.typical),
            spread_percent(speed.output_tokens_per_s),
            f"{speed.prefill_time_share:.0%} of the time in prefill",
        ),
        line("request", duration(speed.request_latency_s.typical), spread_percent(speed.request_latency_s), ""),
    ]


def _priced_as(row: Evaluation) -> str:
    cost = row.cost
    return f"{cost.price_kind or ''} {cost.price_as_of or ''}".strip()


def _cost_block(row: Evaluation, cells: int) -> list[Row]:
    cost = row.cost
    if cost.price_usd_per_hour is None:
        return [[(NO_PRICE.get(cost.price_state, ("no price", ""))[0], "warn")]]
    figures = [("per hour", usd(cost.price_usd_per_hour), ""), ("per month", usd(cost.usd_per_month), "730 h")]
    bands = (
        ("per 1M output", cost.usd_per_1m_output_tokens),
        ("per 1M input", cost.usd_per_1m_input_tokens),
        ("per request", cost.usd_per_request),
    )
    figures += [(name, usd(band.typical), spread_percent(band)) for name, band in bands if band]
    if cost.usd_per_hour_per_gb is not None:
        figures.append(("per GB hour", usd(cost.usd_per_hour_per_gb), ""))
    return [spread([(name, "dim")], [(value, "text"), (tail.rjust(6), "dim")], cells) for name, value, tail in figures]


def _cost_line(row: Evaluation, best: Evaluation | None) -> Row:
    cost = row.cost
    if cost.price_usd_per_hour is None:
        line: Row = [(f" {NO_PRICE.get(cost.price_state, ('no price', ''))[0]}", "warn")]
    else:
        line = [(f" {usd(cost.price_usd_per_hour)}/h", "bold"), (f"  {usd(cost.usd_per_month)}/month", "text")]
        if cost.usd_per_1m_input_tokens and cost.usd_per_1m_output_tokens:
            line += [
                (f"  {usd(cost.usd_per_1m_input_tokens.typical)} in", "text"),
                (f" {usd(cost.usd_per_1m_output_tokens.typical)} out", "text"),
                (" per 1M tokens", "dim"),
            ]
    return line if best is None else [*line, ("   ★ ", "badge"), (_best(row, best), "dim")]


def _best(row: Evaluation, best: Evaluation) -> str:
    return "best value per GB" if best is row else f"best value per GB: {columns.instance(best)}"
