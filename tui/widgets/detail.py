"""The selected candidate: three lines under the table, or a pane beside it."""

from collections.abc import Sequence

from tui.draw.candidate import pane, strip
from tui.draw.runs import Row
from tui.widgets.drawn import Drawn


class Summary(Drawn):
    """Three lines under a rule, below the table."""

    def draw(self, width: int, height: int) -> Sequence[Row]:
        rule: Row = [(" " + "─" * (width - 2), "grid")]
        answer = self.answer
        if answer is None or answer.selected is None:
            return [rule]
        return [rule, *strip(answer.selected, answer.best, answer.inventory, width)]


class Pane(Drawn):
    """At the right of the table, on wide terminals."""

    def draw(self, width: int, height: int) -> Sequence[Row]:
        answer = self.answer
        lines: list[Row] = []
        if answer is not None and answer.selected is not None:
            lines = pane(answer.selected, answer.best, answer.inventory, width - 3)
        lines += [[]] * (height - len(lines))
        return [[("│ ", "grid"), *line] for line in lines]
