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
