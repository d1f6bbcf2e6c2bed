"""A training run's memory, step and cost as rows."""

from collections.abc import Callable, Sequence

from estimator.results import Part, TrainingReport
from tui.draw.bars import HATCHES, Share, stacked_bar
from tui.draw.cells import hours_cell, seconds_cell
from tui.draw.figures import count, duration, gib, number, percent, size, span, usd
from tui.draw.runs import Row, fit_row, hang, pointer
from tui.pages.memory import heading_row

STYLES = {
    "weights": "weights",
    "gradients": "kv",
    "optimizer": "reserve",
    "adapters": "graphs",
    "activations": "activation",
    "logits": "runtime",
    "gathered": "gathered",
    "overhead": "overhead",
}
"""The hatch of each part; what is not named here looks like overhead."""


def training_memory_page(
    heading: str, aside: str, report: TrainingReport, cells: int, lines: int, cursor: int = -1
) -> list[Row]:
    """The Memory page of a training run: the stacked bar at the peak of a step, then every part with a bar and its
    working.
    """
    memory = report.memory
    shares = [
        Share(part.name, part.value, STYLES.get(part.name, "overhead")) for part in memory.parts if part.value > 0
    ]
    free = max(memory.usable_bytes - sum(share.value for share in shares), 0.0)
    rows = [
        heading_row(heading, aside, cells),
        fit_row([(" ", "text"), *stacked_bar([*shares, Share("free", free, "free")], cells - 2)], cells),
    ]
    if memory.shortfall_bytes > 0:
        rows.append(fit_row([(f" ✗ {size(memory.shortfall_bytes)} short on each device", "bad")], cells))
    rows += part_bars(memory.parts, memory.usable_bytes, cells, lambda value: f"{gib(value):>7}", "GiB", cursor, STYLES)
    band = memory.peak_bytes
    rows += [
        fit_row([], cells),
        *_fact("peak", f"{size(band.typical)} ({span(band, size)}) of {size(memory.usable_bytes)}", cells),
        *_fact("setup", f"{report.setup}, {count(report.trainable_parameters)} parameters trained", cells),
    ]
    if memory.host_bytes:
        rows += _fact("host", f"{size(memory.host_bytes)} of host memory per device", cells)
    rows += [line for note in report.notes for line in _fact("note", note, cells)]
    return _filled(rows, cells, lines)


def training_speed_page(heading: str, aside: str, report: TrainingReport, cells: int, lines: int) -> list[Row]:
    """The Performance page of a training run: where the seconds of a step and the hours of the run go, and what they
    cost.
    """
    speed = report.tokens_per_s
    rows = [
        heading_row(heading, aside, cells),
        *_fact("step", f"{duration(report.step_s.typical)} {span(report.step_s, seconds_cell)}", cells),
        *_fact("speed", f"{number(speed.typical)} tokens/s ({span(speed, number)}), MFU {report.mfu:.1%}", cells),
        *_fact("run", f"{duration(report.hours.typical * 3600)} {span(report.hours, hours_cell)}", cells),
    ]
    if report.usd:
        rows += _fact("cost", f"{usd(report.usd.typical)} {span(report.usd, usd)}", cells)
    step = sum(part.value for part in report.step)
    run = sum(part.value for part in report.run)
    rows.append(fit_row([], cells))
    rows += part_bars(report.step, step, cells, lambda value: f"{duration(value):>7}", "step")
    rows.append(fit_row([], cells))
    rows += part_bars(report.run, run, cells, lambda value: f"{duration(value):>7}", "run")
    return _filled(rows, cells, lines)


def part_bars(
    parts: Sequence[Part],
    whole: float,
    cells: int,
    shown: Callable[[float], str],
    unit: str,
    cursor: int = -1,
    styles: dict[str, str] | None = None,
) -> list[Row]:
    """Rows of parts: name, figure, share, a bar to the scale of the largest, and the working of each."""
    largest = max((part.value for part in parts), default=0.0) or 1.0
    room = max(cells // 6, 8)
    names = max((len(part.name) for part in parts), default=0) + 1
    names = max(names, 13 if styles else 14)
    title = f"{'   ' if styles else '  '}{'part':<{names}}{'' if styles else ' '}{unit:>7}"
    rows: list[Row] = [fit_row([(f" {title} {'':>4}  {'':<{room}}  how", "title")], cells)]
    for index, part in enumerate(parts):
        selected = index == cursor
        style = (styles or {}).get(part.name, "compute" if styles is None else "overhead")
        bar = HATCHES[style] * max(round(room * part.value / largest), 1 if part.value > 0 else 0)
        row: Row = [
            pointer(selected),
            (f"{HATCHES[style]} " if styles else " ", style),
            (f"{part.name:<{names}}", "bold" if selected else "text"),
            (f"{shown(part.value)} ", "bold" if selected else "text"),
            (f"{percent(part.value / whole) if whole else '':>4}  ", "dim"),
            (f"{bar:<{room}}  ", style),
        ]
        rows += hang(row, part.working, "text" if selected else "dim", cells)
    return rows


def _fact(name: str, text: str, cells: int) -> list[Row]:
    return hang([(f"   {name:<14}", "dim")], text, "text", cells)


def _filled(rows: list[Row], cells: int, lines: int) -> list[Row]:
    return [*rows[:lines], *([fit_row([], cells)] * (lines - len(rows)))]
