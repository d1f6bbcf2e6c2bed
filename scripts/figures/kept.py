"""The files of kept figures: questions, and under each its figures, a line for each group of them."""

import re
from collections.abc import Iterator, Mapping
from math import isclose
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "figures"
COMMAND = "make figures"
"""What rewrites the files."""
TOLERANCE = 1.1e-5
"""One unit in the last of six digits, which another machine's arithmetic may move."""
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?(?![\w.])")
TEXTS = ("engine_version", "lora", "images", "case", "value")
"""Keywords whose values are text, though they may read like numbers."""

Value = str | int | float | bool
Question = Mapping[str, Value]
"""Keyword -> value, as `catalog.scenario` takes them, and what its kind of question asks besides."""


class Kept(NamedTuple):
    """One question with its figures as they stand in a file."""

    name: str
    question: Question
    lines: tuple[str, ...]


def read(kind: str) -> tuple[Kept, ...]:
    """Every question of a kind that is kept; none where the kind has no file."""
    path = FOLDER / f"{kind}.txt"
    blocks = path.read_text(encoding="utf-8").split("\n\n")[1:] if path.exists() else []
    return tuple(map(_block, blocks))


def write(kind: str, about: str, kept: list[Kept]) -> None:
    """Puts all questions of a kind and their figures into its file."""
    blocks = [f"# {about} Rewritten by `{COMMAND}`."]
    blocks += ["\n".join((f"{each.name}: {asked(each.question)}", *each.lines)) for each in kept]
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{kind}.txt").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def asked(question: Question) -> str:
    """A question as one line: `model=Qwen/Qwen3-8B concurrency=32`."""
    words = {name: str(value).lower() if isinstance(value, bool) else value for name, value in question.items()}
    return " ".join(f"{name}={value}" for name, value in words.items())


def differences(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    """Groups of figures that are not as they were kept, as `- before` and `+ now`."""
    old, new = (dict(each.partition(": ")[::2] for each in lines) for lines in (before, now))
    for group in old | new:
        one, other = old.get(group, ""), new.get(group, "")
        if not alike(one, other):
            yield f"- {group}: {one}\n+ {group}: {other}"


def alike(one: str, other: str) -> bool:
    """Whether two lines say the same words, and numbers that agree to six digits."""
    if one == other:
        return True
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=False)
    same_words = NUMBER.split(one) == NUMBER.split(other)
    return same_words and all(isclose(float(a), float(b), rel_tol=TOLERANCE) for a, b in pairs)


def pairs(words: str) -> dict[str, Value]:
    """Keywords and values of a question that is written as one line."""
    return dict(map(_pair, words.split()))


def _block(text: str) -> Kept:
    first, *lines = text.strip("\n").split("\n")
    name, _, words = first.partition(": ")
    return Kept(name, pairs(words), tuple(lines))


def _pair(word: str) -> tuple[str, Value]:
    name, _, text = word.partition("=")
    if name in TEXTS:
        return name, text
    if text in ("true", "false"):
        return name, text == "true"
    for kind in (int, float):
        try:
            return name, kind(text)
        except ValueError:
            continue
    return name, text
