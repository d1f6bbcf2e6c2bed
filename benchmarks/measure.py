"""What a benchmark measured, and the table that shows it."""

from collections.abc import Iterable
from typing import NamedTuple


class Measure(NamedTuple):
    """One figure of a benchmark."""

    what: str
    value: float
    unit: str
    against: str = ""
    """The same figure over something that scales with the machine, in words."""
    target: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """The figure as a row of the table."""
        digits = 0 if self.value >= 1000 else 2 if self.value < 10 else 1
        return self.what, f"{self.value:,.{digits}f} {self.unit}", self.against, self.target


def table(measures: Iterable[Measure]) -> str:
    """All figures in Markdown, the columns aligned."""
    titles = ("what", "measured", "against", "target")
    rows = [titles, *(each.cells() for each in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join((lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]))
