"""Exit statuses of the headless verbs."""

from collections.abc import Iterable

from estimator.results import Evaluation

ANSWERED, NOTHING_FITS, WRONG_INPUT = 0, 1, 2


def of(rows: Iterable[Evaluation]) -> int:
    """Exit status of an answer: 0 where a row fits, meets the level, is not overloaded and can be had where it is asked
    for.
    """
    return ANSWERED if any(map(_answers, rows)) else NOTHING_FITS


def _answers(row: Evaluation) -> bool:
    overloaded = row.performance is not None and row.performance.overloaded
    answers = row.verdict == "fits" and row.meets_service_level and not overloaded
    return answers and row.cost.price_state != "not_offered"
