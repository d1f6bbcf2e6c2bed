"""Help: the keys that work on the page below, read off its live bindings."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.screen import ModalScreen

from tui.commands import BY_ID, EVERYWHERE, key_name
from tui.draw.runs import Row, clipped
from tui.widgets.drawn import Drawn

GLYPHS = (
    ("▲▼", "how the last change moved a figure; u takes it back"),
    ("=", "a tie: its cost band overlaps the row above"),
    ("!", "fits, but misses the service level or holds less than the load asked for"),
    ("★", "best value: lowest price per GB among what fits"),
    ("±", "half of the 80 % band, in per cent"),
    ("A B C", "measured on this kind, transferred from its kin, specifications only"),
)


class Lines(Drawn):
    """The text, scrolled."""

    top = 0

    def __init__(self, lines: Sequence[Row]) -> None:
        super().__init__()
        self.lines = lines

    def draw(self, width: int, height: int) -> Sequence[Row]:
        self.top = max(0, min(self.top, len(self.lines) - height))
        return self.lines[self.top : self.top + height]


class Help(ModalScreen[None]):
    """Closes on any of its keys; changes nothing."""

    CSS_PATH = "help.tcss"
    BINDINGS = [  # noqa: RUF012
        Binding("escape,q,question_mark", "dismiss", "Close", show=False),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
        Binding("ctrl+d,pagedown,space", "scroll(10)", "Page down", show=False),
        Binding("ctrl+u,pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, live: Sequence[ActiveBinding]) -> None:
        super().__init__()
        self.lines = help_lines(live)

    def compose(self) -> ComposeResult:
        lines = Lines(self.lines)
        lines.border_title = "help · esc closes · j/k scroll"
        yield lines

    def action_scroll(self, by: int) -> None:
        lines = self.query_one(Lines)
        lines.top += by
        lines.redraw()


def help_lines(live: Sequence[ActiveBinding]) -> list[Row]:
    """Keys and help of every command that is bound now, this page's first; then what the marks mean."""
    keys: dict[str, list[str]] = {}
    for active in live:
        if active.binding.id in BY_ID:
            keys.setdefault(active.binding.id, []).append(key_name(active.binding.key))
    lines: list[Row] = []
    for here, title in ((True, "on this page"), (False, "everywhere")):
        lines.append([(title, "title")])
        for id in (id for id in BY_ID if id in keys and (BY_ID[id].where != EVERYWHERE) == here):
            command = BY_ID[id]
            shown = clipped(" ".join(keys[id]), 13)
            lines.append([(f"  {shown:<14}", "key"), (f"{command.title}. ", "text"), (command.help, "dim")])
        lines.append([])
    lines.append([("marks", "title")])
    lines += [[(f"  {glyph:<14}", "accent"), (meaning, "dim")] for glyph, meaning in GLYPHS]
    return lines
