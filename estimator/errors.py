"""What can be wrong with a question: a record of the field, the reason and the names that were perhaps meant."""

from collections.abc import Iterable
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why an input can not be answered, as a value: `InputError(*refusal)` raises it."""

    field: str
    """Name of the input: an option, a column, a file with its line."""
    reason: str
    """What is wrong and what would do, in one line."""
    near: tuple[str, ...] = ()
    """Known names that are spelled much like the one given."""

    @property
    def complaint(self) -> str:
        """The reason with the names that were perhaps meant, without the field."""
        return f"{self.reason}; did you mean {', '.join(self.near)}?" if self.near else self.reason

    def __str__(self) -> str:
        return f"{self.field}: {self.complaint}"


class InputError(ValueError):
    """An input that can not be answered: `field` names it, `reason` says what is wrong, `near` what was perhaps meant.

    Its text is one line, `field: reason; did you mean …?`.
    """

    def __init__(self, field: str, reason: str, near: Iterable[str] = ()) -> None:
        self.refusal = Refusal(field, reason, tuple(near))
        super().__init__(str(self.refusal))

    @property
    def field(self) -> str:
        """Name of the input that is refused."""
        return self.refusal.field

    @property
    def reason(self) -> str:
        """What is wrong and what would do, in one line."""
        return self.refusal.reason

    @property
    def near(self) -> tuple[str, ...]:
        """Known names that are spelled much like the one given."""
        return self.refusal.near

    @property
    def complaint(self) -> str:
        """The reason with the names that were perhaps meant: for a reader who sees the field."""
        return self.refusal.complaint

    def under(self, field: str) -> "InputError":
        """This error for another field name: an option of the command line in the place of a form's field."""
        return InputError(field, self.reason, self.near)


class UnsupportedArchitecture(InputError):
    """A model class the estimator does not know; it is refused, never approximated."""

    def __init__(self, class_name: str, explanation: str) -> None:
        super().__init__("architecture", f"{class_name}: {explanation}")
        self.class_name = class_name
        self.explanation = explanation
        """Why the class is refused and what would be needed, without its name."""


def unknown_name(field: str, reason: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that is none of a few: with those that are spelled like it, else with all there are."""
    names = list(known)
    near = close_names(name, names)
    return InputError(field, reason, near) if near else InputError(field, f"{reason}; one of {', '.join(names)}")


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names: those that begin like this one, then those spelled much like it, in any case."""
    from difflib import get_close_matches  # a millisecond, and most questions name what there is

    wanted, names = name.lower(), list(known)
    begin = [each for each in names if wanted and each.lower().startswith(wanted)]
    return list(dict.fromkeys([*begin, *get_close_matches(wanted, names, n=3, cutoff=0.5)]))[:3]
