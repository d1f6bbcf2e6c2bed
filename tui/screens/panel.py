"""A modal about the selected row that offers changes; it returns the chosen one and acts on nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import ModalScreen

from estimator.advice.fixes import Change
from estimator.scenario.scenario import Scenario
from tui.draw.runs import Row, clip, fit_row, pointer
from tui.screens.scrolling import scroll_bindings
from tui.widgets.drawing import Drawing

KEYS = "123456789"


class Sheet(NamedTuple):
    """The content of a panel: title, rows, and the changes to choose from."""

    title: str
    body: Callable[[int], Sequence[Row]]
    """The rows above the choices, for a width."""
    choices: Sequence[Change] = ()
    """One key applies each; without a scenario it is a fact."""
    start: int = 0
    """First row shown."""


class SheetView(Drawing):
    """Draws a panel's rows and choices; what has no room is scrolled to."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet
        self.top = sheet.start
        self.cursor = next((at for at, choice in enumerate(sheet.choices) if choice.scenario), 0)

    def draw(self, width: int, height: int) -> Sequence[Row]:
        choices = self._choices(width)
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
        body = min(len(self.sheet.body(self.size.width)), self.size.height - len(listed) - 1)
        at = event.y - body - 1
        if listed and 0 <= at < len(listed) and listed[at].scenario is not None:
            self.cursor = at
            await self.run_action("screen.apply")

    def _choices(self, width: int) -> list[Row]:
        if not self.sheet.choices:
            return []
        taken = [choice for choice in self.sheet.choices if choice.scenario] or self.sheet.choices
        names = min(max(len(choice.title) for choice in taken), width // 2)
        rows: list[Row] = [[]]
        keys = iter(KEYS)
        for at, choice in enumerate(self.sheet.choices):
            here = at == self.cursor and choice.scenario is not None
            key = next(keys, " ") if choice.scenario else "·"
            rows.append(
                fit_row(
                    [
                        pointer(here, "▌"),
                        (f"{key} ", "key" if choice.scenario else "dim"),
                        (
                            f"{clip(choice.title, names) if choice.scenario else choice.title:<{names}}  ",
                            "bold" if here else "text",
                        ),
                        (choice.effect, "dim"),
                    ],
                    width,
                )
            )
        return rows


class Panel(ModalScreen[Scenario | None]):
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
        view.border_title = self.sheet.title
        view.border_subtitle = f"{keys} · esc closes"
        yield view

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
