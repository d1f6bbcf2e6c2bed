"""Text that is safe to show: whatever a file or the network said, no control character reaches the terminal."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def without_controls(text: str) -> str:
    """The text with every character that a terminal could act upon replaced: escapes, line breaks, bidi overrides."""
    return text if text.isprintable() else "".join(each if each.isprintable() else REPLACEMENT for each in text)


def printable(text: object, limit: int = 400) -> str:
    """One printable line of at most `limit` characters; what is longer ends in an ellipsis."""
    line = without_controls(str(text)[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"
