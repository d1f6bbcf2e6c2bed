"""What the process says when it ends."""

from collections.abc import Iterable

from estimator.results import Evaluation

ANSWERED, NOTHING_FITS, WRONG_INPUT = 0, 1, 2


def of(rows: Iterable[Evaluation]) -> int:
    """Answered where a row fits and meets the service level."""
    return ANSWERED if any(row.verdict == "fits" and row.meets_service_level for row in rows) else NOTHING_FITS
