"""Units. Inside the estimator: bytes, seconds, FLOP/s, USD; every other unit is converted here."""

KIB = 2**10
MIB = 2**20
GIB = 2**30
GB = 10**9
GIGA = 10**9
TERA = 10**12
NANOSECOND = 1e-9
MICROSECOND = 1e-6
MILLISECOND = 1e-3
SECONDS_PER_HOUR = 3600
HOURS_PER_MONTH = 730
MILLION = 10**6


def size_text(size_bytes: float) -> str:
    """A size as a reason writes it: `1.3 GiB`; `28 MiB` where GiB would round to nothing."""
    return f"{size_bytes / GIB:,.1f} GiB" if size_bytes >= 0.05 * GIB else f"{size_bytes / MIB:,.0f} MiB"


def quantity(number: float, noun: str) -> str:
    """A number with what it counts, as a reason writes it: `1 user`, `1,046 users`, `0.5 users`."""
    text = f"{number:,.0f}" if number == int(number) or number >= 999.5 else f"{number:.3g}"
    return f"{text} {noun if number == 1 else f'{noun}s'}"


def hours_text(hours: float) -> str:
    """A run's time in at most five cells: 45m, 9.5h, 4.2d, 30d; days from two on."""
    if hours < 0.95:
        return f"{hours * 60:.0f}m"
    if hours < 47.95:
        return f"{hours:.1f}h"
    return f"{hours / 24:.1f}d" if hours < 24 * 99.95 else f"{hours / 24:.0f}d"
