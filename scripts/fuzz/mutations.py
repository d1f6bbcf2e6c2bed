"""Damage to a good input: bytes, words and values changed, by a random generator that can be seeded again."""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

ODD = (None, True, -1, 0, 1, 3, 2**31, 2**63, 1e308, 0.5, "", "x", "128", [], [1], {}, {"a": 1}, [None], "\x1b[31m")
"""Values that a file may hold where another kind was meant."""
NUMBERS = (
    *(b"0", b"-1", b"1", b"-0", b"0.5", b"1e308", b"1e999", b"-1e999", b"1e-400", b"nan", b"inf", b"-Infinity"),
    *(b"2147483648", b"9223372036854775808", b"0x10", b"1_000", b"1,5", b"1,024", b"8k", b"90%", b"9" * 400),
    b"9" * 5000,
)
WORDS = (
    *NUMBERS,
    *(b"null", b"true", b"{", b"}", b"[", b"]", b'"', b"'", b",", b":", b": ", b"- ", b"\n", b"\r\n", b"\t", b"#"),
    *(b"---\n", b"&a ", b"*a", b"!!python/object:os.system ", b"<<: ", b"|", b">", b"%", b"@p99", b"ms", b"GiB"),
    *(b"\x00", b"\x1b[2J", b"\x1b]52;c;YQ==\x07", b"\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xff"),
    *(b"\xef\xbb\xbf", "é".encode(), "١٢".encode(), b"\\u0000", b"\\ud800", b"../../etc/passwd", b"/dev/zero"),
    b"a" * 300,
)
"""What readers of text stumble over: limits of numbers, marks of the syntax, escapes, other alphabets."""
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
MOST_BYTES = 400_000
"""Longest mutant; limits of size have tests of their own."""


def mutated(random: Random, seed: bytes, words: Sequence[bytes] = WORDS) -> bytes:
    """The bytes after one to four changes."""
    content = seed
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        content = random.choice(_CHANGES)(random, content, words)[:MOST_BYTES]
    return content


def _flip(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    at = random.randrange(len(content) or 1)
    return content[:at] + bytes((random.randrange(256),)) + content[at + 1 :]


def _insert(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(words) + content[at:]


def _number(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    """Another number in place of one; a text without numbers gets a word."""
    places = list(_NUMBER.finditer(content))
    if not places:
        return _insert(random, content, words)
    place = random.choice(places)
    return content[: place.start()] + random.choice(NUMBERS) + content[place.end() :]


def _cut(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    start, stop = _slice(random, content)
    return content[:start] + content[stop:]


def _repeat(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    start, stop = _slice(random, content)
    return content[:stop] + content[start:stop] * random.choice((1, 1, 1, 2, 3, 50, 3_000)) + content[stop:]


def _swap(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    start, stop = _slice(random, content)
    at = random.randrange(start, stop + 1)
    return content[:start] + content[at:stop] + content[start:at] + content[stop:]


def _truncate(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _slice(random: Random, content: bytes) -> tuple[int, int]:
    """A short piece of the content."""
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + random.randrange(60))


_CHANGES = (_flip, _insert, _insert, _number, _number, _cut, _repeat, _swap, _truncate)


def with_odd_value(random: Random, value: Any) -> Any:
    """A copy of a document of JSON in which one value, at any depth, is absent, odd, twice there or half as long."""
    document = json.loads(json.dumps(value))
    holder: Any = [document]
    while True:
        places = list(holder) if isinstance(holder, dict) else range(len(holder))
        at: Any = random.choice(list(places))
        below = holder[at]
        if not (isinstance(below, dict | list) and below) or random.random() < 0.2:
            break
        holder = below
    outermost = isinstance(holder, list) and len(holder) == 1 and holder[0] is document
    match random.randrange(4):
        case 0 if not outermost:
            del holder[at]
        case 1 if isinstance(below, int | float) and not isinstance(below, bool):
            holder[at] = below * random.choice((-1, 2, 3, 1000)) + random.choice((0, 0, 1))
        case 2 if isinstance(below, list) and below:
            holder[at] = below[: len(below) // 2] if random.random() < 0.5 else [*below, *below]
        case _:
            holder[at] = random.choice(ODD)
    return holder[0] if outermost else document
