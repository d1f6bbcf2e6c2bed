"""What can be wrong with a question. Every message is one line that names the field and the way on."""

from collections.abc import Iterable


class InputError(ValueError):
    """An input that can not be answered: `field` names it, `reason` says what is wrong and what would do."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class UnsupportedArchitecture(InputError):
    """A model class the estimator does not know; it is refused, never approximated."""

    def __init__(self, class_name: str, reason: str) -> None:
        super().__init__("architecture", f"{class_name}: {reason}")
        self.class_name = class_name


def near(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names: those that begin like this one, then those spelled much like it, in any case."""
    from difflib import get_close_matches  # a millisecond, and most questions name what there is

    wanted, names = name.lower(), list(known)
    begin = [each for each in names if wanted and each.lower().startswith(wanted)]
    return list(dict.fromkeys([*begin, *get_close_matches(wanted, names, n=3, cutoff=0.5)]))[:3]


def did_you_mean(names: Iterable[str]) -> str:
    """The end of a message about an unknown name: `; did you mean …?`, empty without names."""
    spelled = ", ".join(names)
    return f"; did you mean {spelled}?" if spelled else ""


def instead_of(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name among few: what is spelled like it, else all there are."""
    names = list(known)
    return did_you_mean(near(name, names)) or f"; one of {', '.join(names)}"
