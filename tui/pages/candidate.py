"""The selected candidate in short: a strip of three lines, or a pane beside the table."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from estimator.advice.guidance import guidance
from estimator.hardware.devices import Accelerator
from estimator.printable import without_controls
from estimator.results import Band, Evaluation, MemoryReport, PerformanceReport, TrainingMemory, TrainingReport
from estimator.scenario.scenario import Scenario
from estimator.units import GIB
from tui.draw.bars import HATCHES, LIMITS, Share, stacked_bar
from tui.draw.cells import hours_cell, seconds_cell
from tui.draw.figures import count, duration, gib, percent, span, usd
from tui.draw.runs import Row, first_that_fits, fit_row, justify, width, wrap_text
from tui.pages.leaderboard import note
from tui.state import readings

if TYPE_CHECKING:
    from estimator.scenario.inventory import Inventory

CONFIDENCE = {"A": "measured on this kind", "B": "transferred from its kin", "C": "from specifications only"}
FIGURE = 4
"""Cells of a size in GiB on the memory line: with a place of its own, a move of the cursor sends little but figures."""


def strip(
    row: Evaluation, scenario: Scenario, best: Evaluation | None, inventory: "Inventory", cells: int
) -> list[Row]:
    """The selected candidate in three lines: what it is and what limits it, where the memory goes, what it costs."""
    where = shares(row)
    device = inventory.accelerators.get(row.candidate.accelerator)
    compiles = " · compiles first" if device and guidance(device).effort and row.verdict == "fits" else ""
    remark = ", ".join(readings.shortcomings(row, scenario)) or limits(row) + compiles
    head = _head_line(row, inventory, remark, cells)
    if row.verdict == "fits" and where:
        return [head, fit_row(_memory_line(where, cells), cells), fit_row(_cost_line(row, best, cells), cells)]
    reason = wrap_text(note(row), cells - 2)
    if len(reason) > 1:  # what has no figures gives its lines to the reason
        more: Row = [(f" {reason[1]}", "warn")]
        if len(reason) > 2:
            pointed: Row = [(" …  ", "warn"), ("!", "key"), (" says all", "dim")]
            more = [(f" {_first_words(reason[1], cells - width(pointed) - 1)}", "warn"), *pointed]
        return [head, fit_row([(f" {reason[0]}", "warn")], cells), fit_row(more, cells)]
    return [head, fit_row([(f" {reason[0]}", "warn")], cells), fit_row(_cost_line(row, best, cells), cells)]


def _first_words(text: str, cells: int) -> str:
    return text if len(text) <= cells else text[:cells].rpartition(" ")[0]


def _head_line(row: Evaluation, inventory: "Inventory", remark: str, cells: int) -> Row:
    """The machine and what it is, and at the right what limits it: where it is too long the links go first, then the
    layout, which the table has too, then all but the name, and last the half of the remark."""
    device, spread = readings.devices(row, inventory), readings.layout_or_setup(row)
    descriptions = (_hardware(row, inventory, spread), f"{device} {spread}", device, "")
    options = []
    for said in (remark, _larger_share(remark), ""):
        tail: Row = [(f"{said}  " if said else "", "text"), (f"class {row.confidence} ", "accent")]
        for words in descriptions:
            who: Row = [
                (f" {readings.instance(row)}  ", "bold"),
                (f"{without_controls(words)}  " if words else "", "text"),
            ]
            options.append((who, tail))
    who, tail = next((each for each in options if width(each[0]) + width(each[1]) <= cells), options[-1])
    return justify(who, tail, cells)


def _larger_share(limits_text: str) -> str:
    """`decode: 83% memory` of `decode: 83% memory 16% compute`; a text of one share as it is."""
    first, _, second = limits_text.rpartition("% ")
    return first.rpartition(" ")[0] if "% " in first and second else limits_text


def pane(row: Evaluation, scenario: Scenario, best: Evaluation | None, inventory: "Inventory", cells: int) -> list[Row]:
    """The selected candidate beside the table: every part of the memory, what limits each phase, every cost."""
    lines: list[Row] = [
        [(without_controls(readings.instance(row)), "bold"), (f"  {readings.layout_or_setup(row)}", "text")],
        [(_hardware(row, inventory), "text")],
        [(f"class {row.confidence}", "accent"), (f"  {CONFIDENCE[row.confidence]}", "dim")],
    ]
    missed = readings.shortcomings(row, scenario)
    remark = note(row) or row.reason or ""
    warnings = [*missed, *([remark] if not any(remark.startswith(each) for each in missed) else [])]
    lines += [[(part, "warn")] for each in warnings if each for part in wrap_text(each, cells)]
    where = shares(row)
    if where:
        lines += [[], [("memory", "title"), ("  GiB per device", "dim")], *_memory_block(row, where, cells)]
    if row.performance:
        lines += [[], [("speed", "title"), ("  what limits it", "dim")], *_speed_block(row.performance, cells)]
    if row.training:
        lines += [[], [("run", "title"), (f"  {limits(row)}", "dim")], *_run_block(row.training, cells)]
    lines += [[], [("cost", "title"), (f"  {_priced_as(row)}", "dim")], *_cost_block(row, cells)]
    if best:
        lines += [[("★ ", "badge"), (_best(row, best), "text")]]
    lines += [[], *guidance_rows(inventory.accelerators.get(row.candidate.accelerator), cells)]
    return [fit_row(line, cells) for line in lines]


def guidance_rows(device: Accelerator | None, cells: int) -> list[Row]:
    """Rows about a device's family: what it is for, what it gives up, and the effort before the first token."""
    if device is None:
        return []
    words = guidance(device)
    rows: list[Row] = [[(f"what {without_controls(device.label or device.name)} is for", "title")]]
    for mark, text in (("+ ", words.purpose), ("− ", words.trade_off), ("! ", words.effort)):
        for at, line in enumerate(wrap_text(text, cells - 2) if text else ()):
            rows.append([(mark if at == 0 else "  ", "accent"), (line, "dim")])
    return rows


def limits(row: Evaluation) -> str:
    """What limits a row in a few words: `decode: 62% memory 21% links`; of a training step, its two longest parts."""
    if row.training:
        parts = {part.name: part.value for part in row.training.step}
        return f"step: {_largest(parts, '')}"
    if row.performance is None:
        return ""
    one_pass = row.performance.one_pass
    return f"pass: {prefill_limits(row.performance)}" if one_pass else f"decode: {decode_limits(row.performance)}"


def decode_limits(speed: PerformanceReport) -> str:
    """The two largest shares of a decode step by what limits them."""
    return _largest(_by_bound((each.bound, each.seconds) for each in speed.decode), speed.decode_bound)


def prefill_limits(speed: PerformanceReport) -> str:
    """The two largest shares of the time to first token: waiting in the queue, or what limits the rest."""
    from estimator.serving.load.performance import QUEUE  # the last frame is on the screen before

    parts = ((each.name if each.name == QUEUE else each.bound, each.seconds) for each in speed.prefill)
    return _largest(_by_bound(parts), speed.prefill_bound)


def shares(row: Evaluation) -> list[Share]:
    """Shares of one device's memory for a bar, what is left of it last; those of the Memory page, some together."""
    if row.training:
        return _training_shares(row.training.memory)
    return _serving_shares(row.memory) if row.memory else []


def _serving_shares(memory: MemoryReport) -> list[Share]:
    from estimator.serving.memory.shares import memory_shares  # the last frame is on the screen before

    shares = memory_shares(memory, 0)
    return [
        Share("weights", shares.weights_bytes, "weights"),
        Share("KV", memory.kv_cache_bytes, "kv"),
        Share("act", shares.activation_bytes, "activation"),
        Share("rest", shares.runtime_bytes + shares.cuda_graph_bytes, "runtime"),
        Share("reserve", shares.reserve_bytes, "reserve"),
    ]


def _training_shares(memory: TrainingMemory) -> list[Share]:
    beside_bytes = memory.logits_bytes + memory.gathered_bytes + memory.overhead_bytes + memory.kept_bytes
    parts = [
        Share("weights", memory.weights_bytes, "weights"),
        Share("states", memory.gradients_bytes + memory.optimizer_bytes + memory.adapters_bytes, "kv"),
        Share("act", memory.activations_bytes, "activation"),
        Share("rest", beside_bytes, "overhead"),
    ]
    left = memory.usable_bytes - sum(part.value for part in parts)
    return [*parts, Share("free", max(0.0, left), "free")]


def _hardware(row: Evaluation, inventory: "Inventory", layout_text: str = "") -> str:
    """Devices, how the model lies on them, and the links between them."""
    machine = inventory.machines.get(row.candidate.machine)
    fabric = inventory.fabrics.get(machine.fabric) if machine else None
    links = f" {fabric.name}" if machine and fabric and machine.count > 1 else ""
    return without_controls(" ".join(filter(None, (readings.devices(row, inventory), layout_text))) + links)


def _by_bound(times: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for bound, seconds in times:
        sums[bound] = sums.get(bound, 0.0) + seconds
    return sums


def _largest(times: dict[str, float], otherwise: str) -> str:
    """The two largest shares of a time; a word where the parts are not known."""
    total = sum(times.values())
    if total <= 0:
        return LIMITS.get(otherwise, otherwise)
    largest = sorted(times, key=lambda name: -times[name])[:2]
    return " ".join(f"{times[name] / total:.0%} {LIMITS.get(name, name)}" for name in largest if times[name] > 0)


def _memory_line(where: Sequence[Share], cells: int) -> Row:
    """One bar, and after it every part with its hatch: `████▓▓▒░··  █weights 67.7 ▓KV 21.2 …`."""
    options: list[Row] = []
    for names, unit, room in (
        (True, " GiB ", FIGURE),
        (True, " GiB ", 0),
        (True, "", 0),
        (False, " GiB ", 0),
        (False, "", 0),
    ):
        parts: Row = []
        for share in where:
            figure = f"{share.value / GIB:.1f}" if share.value < 100 * GIB else gib(share.value)
            name = f"{share.name} " if names else ""
            parts += [(f" {HATCHES[share.style]}", share.style), (name, "dim"), (f"{figure:>{room}}", "text")]
        options.append([*parts, (unit, "dim")])
    parts = first_that_fits(options, cells - 1)
    return [(" ", "text"), *stacked_bar(where, max(0, cells - width(parts) - 1)), *parts]


def _memory_block(row: Evaluation, where: Sequence[Share], cells: int) -> list[Row]:
    block = [stacked_bar(where, cells)]
    whole = sum(share.value for share in where)
    for share in where:
        part: Row = [(HATCHES[share.style] * 2, share.style), (f" {share.name}", "text")]
        of = percent(share.value / whole) if whole else ""
        block.append(justify(part, [(f"{gib(share.value)}", "text"), (of.rjust(6), "dim")], cells))
    if row.memory:
        block.append([(f"{count(row.memory.kv_capacity_tokens)} tokens", "text"), (" of KV cache per replica", "dim")])
    return block


def _speed_block(speed: PerformanceReport, cells: int) -> list[Row]:
    bands: tuple[tuple[str, Callable[[float], str], Band, str], ...] = (
        ("TTFT", seconds_cell, speed.ttft_s, prefill_limits(speed)),
        ("TPOT", seconds_cell, speed.tpot_s, decode_limits(speed)),
        ("tok/s", count, speed.output_tokens_per_s, f"{speed.prefill_time_share:.0%} in prefill"),
        ("request", duration, speed.request_latency_s, ""),
    )
    if speed.one_pass:
        bands = (
            ("batch", seconds_cell, speed.ttft_s, prefill_limits(speed)),
            ("seq/s", count, speed.requests_per_s, ""),
            ("tok/s", count, speed.total_tokens_per_s, "read; nothing is written"),
        )
    lines: list[Row] = []
    for name, text, band, why in bands:
        figure = f"{name:<8}{text(band.typical):>7} {span(band, text)}"
        room = cells - len(figure) - 1
        lines.append(justify([(figure, "text")], [(why if len(why) <= room else _larger_share(why), "dim")], cells))
    return lines


def _run_block(run: TrainingReport, cells: int) -> list[Row]:
    figures = (
        ("time", hours_cell(run.hours.typical), span(run.hours, hours_cell)),
        ("step", duration(run.step_s.typical), span(run.step_s, seconds_cell)),
        ("tok/s", count(run.tokens_per_s.typical), span(run.tokens_per_s, count)),
        ("MFU", percent(run.mfu), ""),
        ("trained", count(run.trainable_parameters), ""),
    )
    return _with_tails(figures, cells)


def _priced_as(row: Evaluation) -> str:
    cost = row.cost
    old = "· old" if cost.price_stale else ""
    return " ".join(filter(None, (cost.price_kind, cost.price_as_of, old)))


def _cost_block(row: Evaluation, cells: int) -> list[Row]:
    cost = row.cost
    if cost.price_usd_per_hour is None:
        return [[(readings.missing_price(row)[0], "warn")]]
    figures = [("per hour", usd(cost.price_usd_per_hour), ""), ("per month", usd(cost.usd_per_month), "730 h")]
    bands = (
        ("per run", row.training.usd if row.training else None),
        ("per 1M tokens", cost.usd_per_1m_tokens),
        ("per 1M output", cost.usd_per_1m_output_tokens),
        ("per 1M input", cost.usd_per_1m_input_tokens),
        ("per request", cost.usd_per_request),
    )
    figures += [(name, usd(band.typical), span(band, usd)) for name, band in bands if band]
    if cost.usd_per_hour_per_gb is not None:
        figures.append(("per GB hour", usd(cost.usd_per_hour_per_gb), ""))
    return _with_tails(figures, cells)


def _with_tails(figures: Sequence[tuple[str, str, str]], cells: int) -> list[Row]:
    """Names at the left; figures in a column before what is said of each, which has the width of the longest."""
    tails = max(len(tail) for _, _, tail in figures) + 1
    return [
        justify([(name, "dim")], [(value, "text"), (tail.rjust(tails), "dim")], cells) for name, value, tail in figures
    ]


def _cost_line(row: Evaluation, best: Evaluation | None, cells: int) -> Row:
    """The price and what it comes to, and whose the badge is; where it is too long the split of a token's cost goes
    before a month's."""
    cost, run = row.cost, row.training
    if cost.price_usd_per_hour is None:
        first: Row = [(f" {readings.missing_price(row)[0]}", "warn")]
        total: Row = []
    else:
        first = [(f" {usd(cost.price_usd_per_hour)}/h", "bold")]
        total = [(f"  {usd(cost.usd_per_month)}/month", "text")]
        if run and run.usd:
            total = [(f"  {usd(run.usd.typical)} a run", "text"), (f" of {hours_cell(run.hours.typical)}", "dim")]
    split: Row = []
    if cost.usd_per_1m_input_tokens and cost.usd_per_1m_output_tokens:
        split = [
            (f"  {usd(cost.usd_per_1m_input_tokens.typical)} in", "text"),
            (f" {usd(cost.usd_per_1m_output_tokens.typical)} out", "text"),
            (" per 1M", "dim"),
        ]
    badge: Row = [("★ ", "badge"), (f"{_best(row, best)} ", "dim")] if best else []
    options = [[*first, *total, *split], [*first, *total], first]
    shown = next((each for each in options if width(each) + 1 + width(badge) <= cells), None)
    return justify(shown, badge, cells) if shown else fit_row(first, cells)


def _best(row: Evaluation, best: Evaluation) -> str:
    value = "cheapest run" if row.training else "best value per GB"
    return value if best.candidate == row.candidate else f"{value}: {readings.instance(best)}"
