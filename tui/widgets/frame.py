"""The frame around every page: what is asked, where one is, and which keys there are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from textual import events
from textual.geometry import Size
from textual.widgets import Input

from estimator.scenario.seen import seen_by
from tui.commands.all import HINTS, commands_at
from tui.commands.command import EVERYWHERE, Command, key_name, keys_of
from tui.draw.runs import Row, clip, fit_row, wrap_text
from tui.pages.header import scenario_row, tab_at, tabs_row
from tui.state.session import Session
from tui.widgets.drawing import Drawing

LEAST_WIDTH = 60
LEAST_HEIGHT = 16
MOST_LINES = 4
"""Lines that a message may take at the foot of a page."""
TYPING: Row = [(" enter", "key"), (" takes it  ", "dim"), ("esc", "key"), (" leaves it", "dim")]


class Head(Drawing):
    """Draws the first lines of a page: the scenario, and the tabs with the status beside them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page

    def draw(self, width: int, height: int) -> Sequence[Row]:
        if self.answer is None:
            return ()
        if self.app.size.width < LEAST_WIDTH or self.app.size.height < LEAST_HEIGHT:
            return too_small(self.app.size, width)
        asked = seen_by(self.answer.model, self.answer.session.scenario, self.answer.inventory)
        return [scenario_row(asked, width), tabs_row(self.answer, self.page, width)]

    def on_click(self, event: events.Click) -> None:
        """Opens the page whose tab was clicked."""
        at = tab_at(self.answer, self.page, self.size.width, event.x) if self.answer and event.y == 1 else ""
        if at and at != self.page:
            self.app.call_later(self.app.run_action, f"app.page({at!r})")  # a page is bound in the app's own context


class Hints(Drawing):
    """Draws the hint line: the commands that work here, as many as fit; in their place what was refused or done.

    A message of several lines, or one beside a line that is typed into, takes its room from the page above.
    """

    _hint: Row | None = None
    _hinted_for: tuple[Sequence[Command], int] = (), 0

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page

    def draw(self, width: int, height: int) -> Sequence[Row]:
        message = self._message(width)
        if message and not self._typing:
            return message
        return [*message, TYPING if self._typing else self._hints(width)]

    async def on_click(self, event: events.Click) -> None:
        """Does what the hint under the pointer says."""
        if self._typing or (self.answer and self.answer.problem):
            return
        command = hint_at(self._commands(), getattr(self.app, "remapped", {}), self.size.width, event.x)
        if command:
            self.app.call_later(self.screen.run_action, command.action)

    def watch_answer(self) -> None:
        message = self._message(self.size.width) if self.size.width else []
        lines = len(message) + (not message or self._typing)
        if self.is_mounted and self.styles.height is not None and self.styles.height.value != lines:
            self.styles.height = lines
        super().watch_answer()

    @property
    def _typing(self) -> bool:
        return isinstance(self.screen.focused, Input)

    def _message(self, cells: int) -> list[Row]:
        return problem_rows(self.answer.problem, cells) if self.answer and self.answer.problem else []

    def _hints(self, cells: int) -> Row:
        """The hint line, made anew where other commands work or there is other room: most moves leave both."""
        commands = self._commands()
        if (commands, cells) != self._hinted_for:
            self._hinted_for = commands, cells
            self._hint = hint_row(commands, getattr(self.app, "remapped", {}), cells)
        return self._hint or []

    def _commands(self) -> list[Command]:
        """The commands that work here and now."""
        session = self.answer.session if self.answer else Session()
        commands = (*commands_at(self.page), *commands_at(EVERYWHERE))
        return [each for each in commands if each.task in ("", session.task) and each.applies(session)]


def too_small(have: Size, cells: int) -> list[Row]:
    """Rows of a page that has no room: all that it shows then."""
    return [
        [(clip(f"{have.width}x{have.height} is too small.", cells), "warn")],
        [(clip(f"llmcalc-tui needs {LEAST_WIDTH}x{LEAST_HEIGHT}.", cells), "text")],
    ]


def problem_rows(problem: str, cells: int) -> list[Row]:
    """A message as rows: what went wrong, or what was done, in as many lines as it takes up to a limit."""
    style = "bad" if problem.startswith("✗") else "good"
    lines = wrap_text(problem, cells - 2)
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], clip(" ".join(lines[MOST_LINES - 1 :]), cells - 2)]
    return [fit_row([(f" {line}", style)], cells) for line in lines]


def hint_row(commands: Iterable[Command], remapped: Mapping[str, str], cells: int) -> Row:
    """Commands as one row, `j k move / filter m model`: those of one word share it.

    What has no room is left off, help never is.
    """
    row: Row = []
    for hint in _hints_shown(commands, remapped, cells):
        keys = " ".join(key for key, _ in hint.keys)
        row += [("  " if row else " ", "text"), (keys, "key"), (f" {hint.word}", "dim")]
    return fit_row(row, cells)


def hint_at(commands: Iterable[Command], remapped: Mapping[str, str], cells: int, x: int) -> Command | None:
    """The command whose key stands at that cell of the hint line; on a word, the first of its commands."""
    at = 1
    for hint in _hints_shown(commands, remapped, cells):
        start = at
        for key, command in hint.keys:
            if at <= x < at + len(key):
                return command
            at += len(key) + 1
        if start <= x < at + len(hint.word):
            return hint.keys[0][1]
        at += len(hint.word) + 2
    return None


class Hint(NamedTuple):
    """A word of the hint line with its keys, and what each starts."""

    word: str
    keys: tuple[tuple[str, Command], ...]

    @property
    def cells(self) -> int:
        return sum(len(key) + 1 for key, _ in self.keys) + len(self.word)


def _hints_shown(commands: Iterable[Command], remapped: Mapping[str, str], cells: int) -> list[Hint]:
    """The hints that there is room for, the most wanted first and help last."""
    groups: dict[str, list[tuple[str, Command]]] = {}
    for command in commands:
        if command.hint:
            groups.setdefault(command.hint, []).append((key_name(keys_of(command, remapped)[0]), command))
    rank = {word: at for at, word in enumerate(HINTS)} | {"help": len(HINTS) + 1}
    order = sorted(groups, key=lambda word: rank.get(word, len(HINTS)))
    hints = [Hint(word, tuple(groups[word])) for word in order]
    while len(hints) > 1 and 1 + sum(hint.cells + 2 for hint in hints) - 2 > cells:
        del hints[-2]
    return hints
