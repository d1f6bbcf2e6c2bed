"""A modal about the selected row that offers changes; it returns the chosen one and acts on nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size

from estimator.advice.fixes import Change
from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.draw.runs import Row, Run, clip, fit_row, hang, pointer, wrap_text
from tui.screens.framing import fit_keys, fit_title
from tui.screens.modal import Modal
from tui.screens.scrolling import scroll_bindings
from tui.widgets.drawing import Drawing

KEYS = "123456789"
MARGIN = 3
"""Cells of a choice's pointer and key."""


LONGEST_ANSWER = 300
"""Characters that may be typed into a panel's line: a few pools of requests with what each asks."""


class Ask(NamedTuple):
    """A line that a panel asks for."""

    title: str
    text: str
    """What stands in it at first."""
    take: Callable[[str], "Sheet"]
    """The panel's next sheet, from what was typed. Raises InputError for what it can not be."""


class Sheet(NamedTuple):
    """The content of a panel: title, rows, and the changes to choose from."""

    title: str
    body: Callable[[int], Sequence[Row]]
    """The rows above the choices, for a width."""
    choices: Sequence[Change] = ()
    """One key applies each; without a scenario it is a fact."""
    start: int = 0
    """First row shown."""
    turns: Mapping[str, "Callable[[], Sheet] | Ask"] = {}
    """Keys of the sheet's own, each with the sheet that it turns to, or the line that it asks for."""
    turning: str = ""
    """What the foot of the panel says of these keys."""


class SheetView(Drawing):
    """Draws a panel's rows and choices; what has no room is scrolled to."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.top = sheet.start
        self.cursor = next((at for at, choice in enumerate(sheet.choices) if choice.scenario), 0)

    def draw(self, width: int, height: int) -> Sequence[Row]:
        choices = self._choices(width)
        if len(choices) > height - 1 and self.sheet.choices:  # the chosen one stays in sight
            before = 1 + sum(len(rows) for rows in self._choice_lines(width)[: self.cursor])
            start = max(0, min(before - height // 2, len(choices) - height + 1))
            choices = choices[start : start + height - 1]
        body = list(self.sheet.body(width))
        room = max(height - len(choices), 1)
        self.top = max(0, min(self.top, len(body) - room))
        shown = body[self.top : self.top + room]
        return [*shown, *choices]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(len(self.sheet.body(width)) + len(self._choices(width)), 1)

    async def on_click(self, event: events.Click) -> None:
        """Applies the choice under the pointer."""
        listed = self.sheet.choices
        lines = self._choice_lines(self.size.width)
        body = min(len(self.sheet.body(self.size.width)), self.size.height - len(self._choices(self.size.width)))
        under = [at for at, rows in enumerate(lines) for _ in rows]
        line = event.y - body - 1
        at = under[line] if 0 <= line < len(under) else -1
        if at >= 0 and listed[at].scenario is not None:
            self.cursor = at
            await self.run_action("screen.apply")

    def _choices(self, width: int) -> list[Row]:
        """A blank and the choices; under them in whole what the chosen one does, where a choice's line is too short."""
        lines = self._choice_lines(width)
        if not lines:
            return []
        rows: list[Row] = [[], *(row for each in lines for row in each)]
        names = self._names(width)
        cut = [each for each in self.sheet.choices if each.scenario and MARGIN + names + 2 + len(each.effect) > width]
        if cut:
            room = max(len(self._detail(choice, width)) for choice in cut)
            chosen = self.sheet.choices[self.cursor]
            rows += [*((self._detail(chosen, width) if chosen in cut else []) + [[]] * room)[:room]]
        return rows

    def _detail(self, choice: Change, width: int) -> list[Row]:
        """A choice in whole."""
        words = wrap_text(f"{choice.title.strip()}: {choice.effect}", width - MARGIN)
        return [[(" " * MARGIN, "text"), (line, "dim")] for line in words]

    def _names(self, width: int) -> int:
        """Cells of the names of the choices."""
        taken = [choice for choice in self.sheet.choices if choice.scenario] or self.sheet.choices
        return min(max(len(choice.title) for choice in taken), width * 2 // 3)

    def _choice_lines(self, width: int) -> list[list[Row]]:
        """The rows of each choice; a fact, which no key applies, takes as many as it needs."""
        if not self.sheet.choices:
            return []
        names = self._names(width)
        lines: list[list[Row]] = []
        keys = iter(KEYS)
        for at, choice in enumerate(self.sheet.choices):
            here = at == self.cursor and choice.scenario is not None
            if choice.scenario is None:
                figures, gap, remark = choice.effect.rpartition("  ")
                columns = len(choice.title) <= names
                title = f"{choice.title:<{names}}  "
                start: Row = [(" · ", "dim"), (title + figures + gap, "text")] if columns else [(" · ", "dim")]
                lines.append(hang(start, remark if columns else f"{choice.title} – {choice.effect}", "text", width))
                continue
            title = f"{clip(choice.title, names):<{names}}  "
            key: Run = (f"{next(keys, ' ')} ", "key")
            lines.append(
                [fit_row([pointer(here, "▌"), key, (title, "bold" if here else "text"), (choice.effect, "dim")], width)]
            )
        return lines


class Panel(Modal[Scenario | None]):
    """A modal with a sheet. Returns the scenario of the chosen change, or None."""

    CSS_PATH = "panel.tcss"
    BINDINGS = [  # noqa: RUF012
        *scroll_bindings("step", "dismiss(None)"),
        Binding("enter", "apply", "Apply", show=False),
        *(Binding(key, f"apply({at})", "Apply", show=False) for at, key in enumerate(KEYS)),
    ]

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.offered = [at for at, choice in enumerate(sheet.choices) if choice.scenario]

    def compose(self) -> ComposeResult:
        view = SheetView(self.sheet)
        last = min(len(self.offered), len(KEYS))
        keys = f"j/k moves · enter or {'1-' * (last > 1)}{last} applies" if self.offered else "j/k scrolls"
        view.border_title = fit_title(self.sheet.title, self.app.size.width)
        view.border_subtitle = fit_keys((self.sheet.turning, keys), self.app.size.width)
        yield view

    def hears(self, key: str) -> bool:
        """Whether a key moves, applies a choice that is there, turns to another sheet or closes."""
        if key in KEYS:
            return KEYS.index(key) < len(self.offered)
        return key in self.sheet.turns or super().hears(key)

    def on_key(self, event: events.Key) -> None:
        """Turns to another sheet by the sheet's own keys."""
        turn = self.sheet.turns.get(event.key)
        if isinstance(turn, Ask):
            from tui.screens.name import NameLine

            event.stop()
            self.app.push_screen(NameLine(turn.title, turn.text, LONGEST_ANSWER), lambda text: self._take(turn, text))
        elif turn:
            event.stop()
            self._show(turn())

    def _take(self, ask: Ask, text: str | None) -> None:
        if text is None:
            return
        try:
            self._show(ask.take(text))
        except InputError as error:
            self.query_one(SheetView).border_title = fit_title(error.complaint, self.app.size.width)

    def _show(self, sheet: Sheet) -> None:
        self.sheet = sheet
        view = self.query_one(SheetView)
        view.sheet, view.border_title = sheet, fit_title(sheet.title, self.app.size.width)
        view.refresh(layout=True)
        view.redraw()

    def action_step(self, by: int) -> None:
        """Moves over the choices, or scrolls where there are none."""
        view = self.query_one(SheetView)
        if self.offered:
            at = self.offered.index(view.cursor) + by
            view.cursor = self.offered[max(0, min(at, len(self.offered) - 1))]
        else:
            view.top += by
        view.redraw()

    def action_apply(self, at: int = -1) -> None:
        """Applies the choice of a number, or the one under the cursor; without choices enter closes."""
        if not self.offered:
            if at < 0:
                self.dismiss(None)
        elif at < len(self.offered):
            chosen = self.query_one(SheetView).cursor if at < 0 else self.offered[at]
            self.dismiss(self.sheet.choices[chosen].scenario)
