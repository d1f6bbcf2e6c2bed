"""A modal that picks one of many by typing a part of its name."""

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from estimator.printable import without_controls
from tui.draw.runs import Row, first_that_fits, fit_row, justify, wrap_text
from tui.fuzzy import matching_positions
from tui.screens.modal import Modal
from tui.widgets.drawing import Drawing, scroll_to

KEYS: tuple[Row, ...] = (
    [(" ↑↓", "key"), (" move  ", "dim"), ("enter", "key"), (" choose  ", "dim"), ("esc", "key"), (" close", "dim")],
    [(" enter", "key"), (" choose  ", "dim"), ("esc", "key"), (" close", "dim")],
    [(" enter  esc", "key")],
    [],
)
"""What the last line says of the keys: as much as the status leaves room for."""


def fit_prompt(text: str, cells: int) -> str:
    """`a name, a size (70B), a folder`: as many of its parts, from the first on, as there is room for."""
    parts = text.split(", ")
    while len(parts) > 1 and len(", ".join(parts)) > cells:
        parts.pop()
    return ", ".join(parts)


class Choices(Drawing):
    """Draws a picker's matching choices around the highlighted one."""

    def __init__(self, picker: "Picker") -> None:
        super().__init__()
        self.picker = picker
        self._top = 0

    def draw(self, width: int, height: int) -> Sequence[Row]:
        picker = self.picker
        head = picker.heading(width - 2)
        room = height - len(head)
        self._top = scroll_to(self._top, picker.cursor, len(picker.matches), room)
        rows: list[Row] = [[("  ", "title"), *row] for row in head]
        for at in range(self._top, min(self._top + room, len(picker.matches))):
            mark = ("▌ ", "cursor") if at == picker.cursor else ("  ", "text")
            rows.append([mark, *picker.line(picker.matches[at], width - 2, at == picker.cursor)])
        return rows if picker.matches else [*rows, [("  ", "text"), *picker.nothing(width - 2)]]

    def on_click(self, event: events.Click) -> None:
        """Highlights the choice under the pointer; the highlighted one is taken."""
        picker = self.picker
        at = self._top + event.y - len(picker.heading(self.size.width - 2))
        if not self._top <= at < len(picker.matches):
            return
        if at == picker.cursor:
            picker.choose()
        else:
            picker.action_step(at - picker.cursor)


class Preview(Drawing):
    """Draws what is known of a picker's highlighted choice."""

    def __init__(self, picker: "Picker") -> None:
        super().__init__()
        self.picker = picker

    def draw(self, width: int, height: int) -> Sequence[Row]:
        picker = self.picker
        lines = picker.preview(picker.matches[picker.cursor], width - 2) if picker.matches else []
        return [[("│ ", "grid"), *line] for line in [*lines, *[[]] * (height - len(lines))]][:height]


class Detail(Drawing):
    """What there is to say of the highlighted choice beyond its line, in as many lines as the picker gives it."""

    def __init__(self, picker: "Picker") -> None:
        super().__init__()
        self.picker = picker

    def draw(self, width: int, height: int) -> Sequence[Row]:
        picker = self.picker
        text = picker.detail(picker.matches[picker.cursor], width - 2) if picker.matches else ""
        return [[("  ", "text"), (line, "dim")] for line in wrap_text(text, width - 4)][:height]


class Footing(Drawing):
    """Draws a picker's last line: how many choices match, and the keys."""

    def __init__(self, picker: "Picker") -> None:
        super().__init__()
        self.picker = picker

    def draw(self, width: int, height: int) -> Sequence[Row]:
        status: Row = [(f"{self.picker.status()} ", "dim")]
        keys = first_that_fits(KEYS, width - len(self.picker.status()) - 2)
        return [justify(keys, status, width)]


FRAME = 4
"""Cells of a picker's frame and of the mark before a choice."""


class Picker(Modal[str | None]):
    """A modal that picks one of many names. Returns the chosen one, or None; acts on nothing itself.

    A subclass says how a choice looks.
    """

    CSS_PATH = "picker.tcss"
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("down,ctrl+n", "step(1)", "Down", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "step(10)", "Page down", show=False, priority=True),
        Binding("pageup", "step(-10)", "Page up", show=False, priority=True),
    ]
    PROMPT = "name"
    PREVIEWED = False
    WIDTH = 76
    """Most cells of the dialog."""
    DETAIL = 0
    """Most lines under the choices for what their own lines have no room for."""

    def __init__(self, names: Sequence[str], current: str = "") -> None:
        super().__init__()
        self.names = names
        self.matches = list(names)
        self.cursor = self.matches.index(current) if current in self.matches else 0

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.styles.max_width = self.WIDTH
            query = Input(placeholder=self.PROMPT, select_on_focus=False)
            query.cursor_blink = False
            yield query
            with Horizontal():
                yield Choices(self)
                if self.PREVIEWED:
                    yield Preview(self)
            yield Detail(self)
            yield Footing(self)

    def on_mount(self) -> None:
        self.fit()

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        """Fits what the line asks for, and the lines under the choices, to the room there is."""
        cells = min(self.app.size.width * 96 // 100, self.WIDTH) - FRAME
        self.query_one(Input).placeholder = fit_prompt(self.PROMPT, cells)
        detail, lines = self.query_one(Detail), self.detail_lines(cells)
        detail.styles.height, detail.display = lines, lines > 0

    def heading(self, cells: int) -> list[Row]:
        """Titles over the picker's choices, as runs."""
        return []

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        """One choice of the picker, as runs."""
        return fit_row([(without_controls(name), "cursor" if highlighted else "text")], cells)

    def preview(self, name: str, cells: int) -> list[Row]:
        """Rows beside the list about the highlighted choice."""
        return []

    def detail(self, name: str, cells: int) -> str:
        """What stands under the choices about the highlighted one, whose own line has so many cells."""
        return without_controls(name)

    def detail_lines(self, cells: int) -> int:
        """How many lines that takes."""
        return self.DETAIL

    def matching(self, query: str) -> list[str]:
        """Names that may be chosen for what is typed, best first."""
        return [self.names[at] for at in matching_positions(query, self.names)]

    def nothing(self, cells: int) -> Row:
        """Rows in the place of the choices where none matches."""
        return fit_row([("nothing matches", "dim")], cells)

    def status(self) -> str:
        """How many choices match, in words."""
        return f"{len(self.matches)} of {len(self.names)}"

    @property
    def query_text(self) -> str:
        """The text that is typed so far."""
        return self.query_one(Input).value

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        self.matches = self.matching(event.value)
        self.cursor = 0
        self.redraw()

    @on(Input.Submitted)
    def choose(self) -> None:
        if self.matches:
            self.dismiss(self.matches[self.cursor])

    def action_step(self, by: int) -> None:
        self.cursor = max(0, min(self.cursor + by, len(self.matches) - 1))
        self.redraw()

    def redraw(self) -> None:
        for each in self.query(Drawing):
            each.redraw()
