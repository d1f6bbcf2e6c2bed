"""Bars: one stacked bar of a device's memory, and times of operators with what limits each."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tui.draw.figures import duration, percent
from tui.draw.runs import Row, fit_row, merge_runs

HATCHES = {
    "weights": "█",
    "kv": "▓",
    "activation": "▒",
    "runtime": "░",
    "graphs": "▚",
    "reserve": "╱",
    "free": "·",
    "gathered": "▞",
    "overhead": "∷",
    "compute": "█",
    "memory": "▓",
    "network": "▒",
    "latency": "░",
}
"""What a style looks like without colour."""
LIMITS = {"compute": "compute", "memory": "memory", "network": "links", "latency": "launch"}
"""What limits an operator or a step, in words."""


class Share(NamedTuple):
    """One part of a stacked bar; `style` gives its hatch and colour."""

    name: str
    value: float
    style: str


class OperatorBar(NamedTuple):
    """One bar of operator times: seconds of one kind; `bound` (compute, memory, network, latency) gives hatch and
    colour.
    """

    name: str
    seconds: float
    bound: str


LEAST_BAR = 3
"""Cells of a bar beside which an operator's name is still written whole."""


def split(values: Sequence[float], cells: int) -> list[int]:
    """Whole cells in proportion to the values, exactly `cells` in sum (largest remainders; ties to the first)."""
    total = sum(max(value, 0.0) for value in values)
    if not values or total <= 0 or not math.isfinite(total):
        return [0] * len(values)
    exact = [max(value, 0.0) / total * cells for value in values]
    whole = [int(each) for each in exact]
    left = cells - sum(whole)
    for index in sorted(range(len(values)), key=lambda each: whole[each] - exact[each])[:left]:
        whole[index] += 1
    return whole


def stacked_bar(shares: Sequence[Share], cells: int) -> Row:
    """A row of the shares of a whole from left to right, exactly `cells` wide; blank where there is nothing."""
    segments = split([share.value for share in shares], cells)
    return fit_row(
        merge_runs(
            (HATCHES[share.style] * length, share.style) for share, length in zip(shares, segments, strict=True)
        ),
        cells,
    )


def _abbreviated(name: str) -> str:
    return name.replace("attention", "attn")


def operator_bars(operators: Sequence[OperatorBar], cells: int, scale: float = 0.0) -> list[Row]:
    """A line for each operator, longest first: name, bar, time, share of the total, what limits it.

    Bars are to scale with `scale` seconds for a full bar; 0 takes the longest.
    """
    total = sum(operator.seconds for operator in operators)
    ordered = sorted(operators, key=lambda operator: -operator.seconds)
    longest = scale or max((operator.seconds for operator in operators), default=0.0)
    bounds = 9 if cells >= 44 else 0  # a narrow chart leaves what limits to the hatch
    shares = 5 if cells >= 34 else 0  # and a very narrow one its shares to the bars
    longest_name = max((len(operator.name) for operator in operators), default=0)
    names = min(longest_name, max(cells - 9 - shares - LEAST_BAR, 8))
    bounds = bounds if names + 9 + shares + LEAST_BAR + bounds <= cells else 0
    room = max(cells - names - 9 - shares - bounds, 1)
    rows = []
    for operator in ordered:
        length = round(room * operator.seconds / longest) if longest > 0 else 0
        bar = HATCHES[operator.bound] * min(max(length, 1 if operator.seconds > 0 else 0), room)
        share = percent(operator.seconds / total) if total > 0 else ""
        row = [
            *fit_row([(operator.name if len(operator.name) <= names else _abbreviated(operator.name), "text")], names),
            (" ", "text"),
            (bar.ljust(room), operator.bound),
            (f" {duration(operator.seconds):>7}", "text"),
            (f" {share:>4}"[:shares], "text"),
            (f" {LIMITS[operator.bound]:<8}"[:bounds], "dim"),
        ]
        rows.append(fit_row(row, cells))
    return rows
