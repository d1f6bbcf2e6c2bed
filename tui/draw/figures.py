"""Figures as text: three significant digits, and never a NaN. The one place that makes them."""

import math
from collections.abc import Callable

from estimator.units import GIB, MIB
from estimator.units import hours_text as hours_text
from estimator.units import quantity as quantity

NOTHING = "–"
"""Shown where there is no figure."""


def number(value: float | None, digits: int = 3) -> str:
    """A number in three significant digits with k, M, G, T, P above 9,999: 0.0123, 4.56, 789, 4,321, 12.3k."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 0:
        return "-" + number(-value, digits)
    for least, power, letter in _LETTERS:
        if value >= least:
            return significant(value / power, digits) + letter
    return significant(value, digits)


def significant(value: float, digits: int = 3) -> str:
    """A number rounded to `digits` significant digits without an exponent; whole numbers keep all their digits."""
    if not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{round(value, max(decimals, 0)):,.{max(decimals, 0)}f}"
    if decimals > 0 and len(text.replace(".", "").replace(",", "").lstrip("-0")) > digits:
        text = f"{value:,.{decimals - 1}f}"  # rounding up reached the next power of ten
    return text


def count(value: float | None) -> str:
    """A whole number with its thousands marked."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.0f}"


def amount(value: float) -> str:
    """A number as a count where it is whole, else in three digits."""
    return count(value) if math.isfinite(value) and value == int(value) else number(value)


def tokens(value: float | None) -> str:
    """Token counts as people say them: 512, 2k, 128k, 1M; what is not round keeps three digits."""
    if value is None or not math.isfinite(value):
        return NOTHING
    whole = round(value)
    if whole >= 2**20 and whole % 2**20 == 0:
        return f"{whole // 2**20}M"
    if whole >= 1024 and whole % 1024 == 0 and whole < 2**20:
        return f"{whole // 1024}k"
    if whole >= 1000 and whole % 1000 == 0 and whole < 10**6:
        return f"{whole // 1000}k"
    return count(whole) if whole < 10_000 else number(whole)


def gib(value: float | None) -> str:
    """Bytes in GiB with two decimals below 100: what engines print."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value / GIB:.2f}" if abs(value) < 100 * GIB else f"{value / GIB:,.0f}"


def size(value: float | None) -> str:
    """Bytes as text with their binary unit."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= GIB:
        return f"{significant(value / GIB)} GiB"
    if abs(value) >= MIB:
        return f"{significant(value / MIB)} MiB"
    return f"{significant(value / 1024)} KiB" if abs(value) >= 1024 else f"{count(value)} B"


def duration(value: float | None) -> str:
    """Seconds as text in µs, ms, s, min, h or days."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for least_s, unit_s, unit in _DURATIONS:
        if abs(value) >= least_s * 0.9995:
            return significant(value / unit_s) + unit
    return significant(value * 1e6) + "µs" if value else "0s"


def bound(seconds: float) -> str:
    """A bound on a time as it was asked: 50ms, 1.5s; with all its digits, since it is read back from a session."""
    short, reads_back = f"{seconds:g}s", float(f"{seconds:g}")
    if seconds < 1:
        short, reads_back = f"{seconds * 1000:g}ms", float(f"{seconds * 1000:g}") / 1000
    return short if reads_back == seconds else f"{seconds!r}s"


def usd(value: float | None) -> str:
    """Dollars: cents below 1,000, whole dollars above, three digits below one cent."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= 1000:
        return f"${value:,.0f}"
    return f"${value:.2f}" if abs(value) >= 0.1 or value == 0 else f"${significant(value)}"


def percent(value: float | None) -> str:
    """A fraction as per cent."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value * 100:.0f}%"


def spread(band: tuple[float, float, float] | None) -> str:
    """Half of a band's width (low, typical, high) as ± per cent, the sign left out; blank where there is none."""
    if band is None or not all(map(math.isfinite, band)):
        return ""
    low, typical, high = band
    return f"±{50 * (high - low) / typical:.0f}" if typical > 0 else ""


def spread_percent(band: tuple[float, float, float] | None) -> str:
    """Half of a band's width (low, typical, high) as ±%; blank where there is none."""
    half = spread(band)
    return f"{half}%" if half else ""


def span(band: tuple[float, float, float] | None, text: Callable[[float], str]) -> str:
    """The ends of a band (low, typical, high), each written by `text`, a unit said once: `66–93ms`, `$0.75–1.14`,
    `196ms–2.9s`. A band need not be symmetric, so ± would claim a low end that it does not have. Blank where there is
    none."""
    if band is None or not all(map(math.isfinite, band)) or band[1] <= 0:
        return ""
    low, high = text(band[0]), text(band[2])
    unit = high.lstrip(_NUMBER)
    if low.lstrip(_NUMBER) == unit:
        low = low.removesuffix(unit)
    return f"{low}–{high.removeprefix('$')}"


_NUMBER = "$0123456789.,"

_LETTERS = (
    (0.9995e15, 1e15, "P"),
    (0.9995e12, 1e12, "T"),
    (0.9995e9, 1e9, "G"),
    (0.9995e6, 1e6, "M"),
    (9_999.5, 1e3, "k"),
)
"""From which value on, divided by what, with which letter."""
_DURATIONS = ((172_800, 86_400, "d"), (3_600, 3_600, "h"), (60, 60, "min"), (1, 1, "s"), (1e-3, 1e-3, "ms"))
"""From how many seconds on, divided by how many, with which unit: hours up to two days."""
