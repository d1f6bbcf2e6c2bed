"""Option values as people write them: `1,024`, `8k`, `90%`, `800ms`, `yes`; read against a field's own bounds."""

import re
from typing import Protocol

from estimator.checks import Rule
from estimator.errors import InputError

THOUSANDS = {"N": 1024, "R": 1000, "USD": 1000, "W": 1000}
"""What `k` multiplies a number by, per kind of option; the other kinds take no such suffix."""
POWERS = {"k": 1, "K": 1, "M": 2, "B": 3}
PER_SECOND = {"ms": 1000, "s": 1}
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
DECIMAL = re.compile(r"[-+]?(\d+(_\d+)*|\d{1,3}(,\d{3})+)?(\.\d*)?([eE][-+]?\d+)?")
"""A comma is read between groups of three digits only: `2,5` is somebody's two and a half, never 25."""
MOST_DIGITS = 300
"""Longest number; longer text is none, and float() would make it infinite."""


class Declared(Protocol):
    """The properties of an option by which its text is read."""

    @property
    def name(self) -> str: ...
    @property
    def metavar(self) -> str: ...
    @property
    def seconds(self) -> bool: ...
    @property
    def choices(self) -> tuple[str, ...]: ...


def read(option: Declared, value: object, rule: Rule) -> object:
    """An option's value as its field takes it, from text or from YAML. Raises InputError naming the option."""
    if isinstance(value, str) and rule.type is not str:
        value = _truth(value) if rule.type is bool else _number(value, option, rule)
    elif rule.type is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    elif rule.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1e300 else float("inf")
    complaint = rule.complaint(value)
    if complaint is None and option.choices and value not in (*option.choices, None):
        complaint = f"{value!r} is not known, expected one of {', '.join(option.choices)}"
    elif complaint and option.seconds and isinstance(value, str):
        complaint = f"{value!r} is not a time, expected seconds (0.8) or 800ms"
    elif complaint and isinstance(value, str) and "," in value:
        complaint += "; a comma stands between groups of three digits"
    if complaint:
        raise InputError(option.name, complaint)
    return value


def _truth(text: str) -> bool | str:
    return TRUTH.get(text.lower(), text)


def _number(text: str, option: Declared, rule: Rule) -> object:
    """The number that a text writes, or the text itself where it writes none, for the rule to refuse."""
    digits, times, over = _split(text.strip(), option)
    if digits.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return float(digits)  # the rule says why it is refused
    if not _writes_number(digits):
        return text
    if rule.type is int and (bare := _bare(digits)).isdecimal():
        return int(bare) * times
    number = _decimal(digits) * times / over
    return int(number) if rule.type is int and number.is_integer() else number


def _writes_number(digits: str) -> bool:
    begins = re.match(r"[-+]?\.?\d", digits)
    return bool(begins and DECIMAL.fullmatch(digits)) and len(digits) <= MOST_DIGITS


def _bare(digits: str) -> str:
    return digits.replace(",", "").replace("_", "")


def _decimal(digits: str) -> float:
    return float(_bare(digits))


def _split(text: str, option: Declared) -> tuple[str, int, int]:
    """The digits of a number, and what its unit multiplies and divides them by."""
    if option.seconds:
        unit = next((unit for unit in PER_SECOND if text.endswith(unit)), "s")
        return text.removesuffix(unit).rstrip(), 1, PER_SECOND[unit]
    if text.endswith("%") and option.metavar == "F":
        return text[:-1], 1, 100
    thousand = 1000 if option.name == "dataset-tokens" else THOUSANDS.get(option.metavar, 0)
    if thousand and text[-1:] in POWERS:
        return text[:-1], thousand ** POWERS[text[-1]], 1
    return text, 1, 1


def number_above_0(field: str, text: str | None) -> float | None:
    """A number above 0 as it was typed, None where nothing was. Raises InputError under `field`."""
    if text is None:
        return None
    digits = text.strip()
    value = _decimal(digits) if _writes_number(digits) else 0.0
    if not 0 < value < 1e15:
        commas = "; a comma stands between groups of three digits" if "," in text else ""
        raise InputError(field, f"{text!r} is not a number above 0{commas}")
    return value


def check_limit(limit: int | None) -> None:
    """Raises InputError where a number of rows is asked for that shows none."""
    if limit is not None and limit < 1:
        raise InputError("--limit", f"{limit} is out of range, expected a whole number >= 1")
