"""Figures in as few cells as a table column has: rounded harder than `figures`, never a NaN."""

from tui.draw.figures import NOTHING, hours_text, significant, spread


def band_cell(band: tuple[float, float, float] | None) -> str:
    """The typical figure of a band (low, typical, high) and half its width in per cent: `3.9±28`."""
    if band is None:
        return NOTHING
    typical = band[1]
    return (f"{typical:.1f}" if 0.95 <= typical < 99.5 else significant(typical, 2)) + spread(band)


def seconds_cell(value: float | None) -> str:
    """A time [s] in at most five cells: milliseconds below one second."""
    if value is None:
        return NOTHING
    if value >= 99.5:
        return hours_cell(value / 3600)
    if value >= 0.995:
        return f"{value:.1f}s"
    return f"{value * 1000:.0f}ms" if value >= 0.00995 else f"{value * 1000:.1f}ms"


def wait_cell(value: float | None) -> str:
    """A time [s] to a tenth of a second, in at most four cells; a user feels no finer."""
    if value is None or not 0.0995 <= value < 99.5:
        return seconds_cell(value)
    return f"{value:.1f}s" if value < 9.95 else f"{value:.0f}s"


def hours_cell(hours: float | None) -> str:
    """A run's time [hours] in at most five cells: 45m, 9.5h, 4.2d."""
    return NOTHING if hours is None else hours_text(hours)


def count_cell(value: float | None) -> str:
    """A count in at most four cells: 861, 9999, 12k, 3M."""
    if value is None:
        return NOTHING
    for least, unit, letter in ((9.5e5, 1e6, "M"), (9999.5, 1e3, "k")):
        if value >= least:
            return f"{value / unit:.0f}{letter}"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def price_cell(usd: float | None) -> str:
    """Dollars without their sign: cents below a thousand."""
    return NOTHING if usd is None else f"{usd:.2f}" if usd < 999.5 else f"{usd:.0f}"
