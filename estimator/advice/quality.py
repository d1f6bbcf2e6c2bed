"""What a change of formats does to the quality of answers, by published measurements."""

from collections.abc import Iterator, Mapping

from estimator.records import record
from estimator.scenario.scenario import Scenario


@record(frozen=True, slots=True)
class QualityNote:
    """What is published about the quality of answers under a format."""

    text: str
    source: str


def quality_of(changed: Scenario, now: Scenario, notes: Mapping[str, QualityNote]) -> QualityNote | None:
    """What is published about the quality loss of the formats that a change brings; None where it changes none, or
    nothing is known.
    """
    return next((note for name in _new_formats(changed, now) if (note := _note(name, notes))), None)


def _new_formats(changed: Scenario, now: Scenario) -> Iterator[str]:
    if changed.weights != now.weights:
        yield changed.weights
    if changed.kv != now.kv:
        yield f"kv {changed.kv}"


def _note(name: str, notes: Mapping[str, QualityNote]) -> QualityNote | None:
    """By the whole name, else by the longest beginning."""
    if name in notes:
        return notes[name]
    known = [key for key in notes if key.endswith("*") and name.startswith(key[:-1])]
    return notes[max(known, key=len)] if known else None
