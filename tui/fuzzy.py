"""Fuzzy search over thousands of names within a keystroke."""

from collections.abc import Sequence


def matching_positions(query: str, names: Sequence[str]) -> list[int]:
    """Positions of the matching names, best first: every word of the query as it is, else its letters in order.

    A match at the start of a word counts more, and more again where it is no part of a longer number or stands in the
    name behind an organisation's; then the shorter name; equal names keep their order.
    """
    words = query.lower().split()
    if not words:
        return list(range(len(names)))
    scored = []
    for at, name in enumerate(names):
        low = name.lower()
        score = _words(words, low)
        if score:
            scored.append((-score, len(name), at))
    if not scored:
        letters = "".join(words)
        scored = [(gaps, len(name), at) for at, name in enumerate(names) if (gaps := _gaps(letters, name.lower())) >= 0]
    return [at for _, _, at in sorted(scored)]


def _words(words: Sequence[str], name: str) -> int:
    """0 where a word is missing, else points for each word by where it stands."""
    points = 0
    own = name.rfind("/") + 1
    for word in words:
        at = name.find(word)
        if at < 0:
            return 0
        best = 0
        while at >= 0:
            end = at + len(word)
            starts = not at or not name[at - 1].isalnum()
            whole = not (word[-1].isdigit() and name[end : end + 1].isdigit())
            best = max(best, (3 if starts else 1) + (starts and whole) + (starts and at >= own))
            at = name.find(word, at + 1)
        points += best
    return points


def _gaps(letters: str, name: str) -> int:
    """Letters skipped between the first and the last one found in order; -1 where one is missing."""
    at = first = name.find(letters[0])
    for letter in letters[1:]:
        if at < 0:
            return -1
        at = name.find(letter, at + 1)
    return at - first + 1 - len(letters) if at >= 0 else -1
