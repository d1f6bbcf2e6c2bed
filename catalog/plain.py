"""Text that is safe to show: whatever a file or the network said, no control character reaches the terminal."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: object, limit: int = 400) -> str:
    """One printable line: escapes, line breaks and bidirectional overrides replaced, cut at `limit` characters."""
    cut = str(text)[: limit + 1]
    line = "".join(each if each.isprintable() else REPLACEMENT for each in cut)
    return line if len(line) <= limit else line[: limit - 1] + "…"
