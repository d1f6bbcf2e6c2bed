"""Help: the keys that work on the page below, read off its live bindings."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.screen import ModalScreen

from tui.commands.all import BY_ID
from tui.commands.command import EVERYWHERE, key_name
from tui.draw.runs import Row, clip, wrap_text
from tui.screens.scrolling import scroll_bindings
from tui.widgets.drawing import Drawing

GLYPHS = (
    ("▲▼", "how the last change moved a figure; u takes it back"),
    ("=", "a tie: its cost can not be told from the row above"),
    ("!", "fits, but misses the service level or holds less than the load asked for"),
    ("*", "an old price: of more than 180 days ago, or from before a known cut"),
    ("★", "best value: lowest price per GB among what fits; of training runs, the cheapest"),
    ("±", "half of the 80 % band, in per cent"),
    ("A B C", "measured on this kind, transferred from its kin, specifications only"),
)


class Lines(Drawing):
    """The text, scrolled."""

    top = 0

    def __init__(self, live: Sequence[ActiveBinding]) -> None:
        super().__init__()
        self.live = live

    def draw(self, width: int, height: int) -> Sequence[Row]:
        lines = help_lines(self.live, width)
        self.top = max(0, min(self.top, len(lines) - height))
        return lines[self.top : self.top + height]


class Help(ModalScreen[None]):
    """Closes on any of its keys; changes nothing."""

    CSS_PATH = "help.tcss"
    BINDINGS = [  # noqa: RUF012
        *scroll_bindings("scroll", "dismiss"),
        Binding("question_mark", "dismiss", "Close", show=False),
    ]

    def __init__(self, live: Sequence[ActiveBinding]) -> None:
        super().__init__()
        self.live = live

    def compose(self) -> ComposeResult:
        lines = Lines(self.live)
        lines.border_title = "help · esc closes · j/k scroll"
        yield lines

    def action_scroll(self, by: int) -> None:
        lines = self.query_one(Lines)
        lines.top += by
        lines.redraw()


def help_lines(live: Sequence[ActiveBinding], cells: int) -> list[Row]:
    """Keys and help of every command that is bound now, this page's first; then what the marks mean."""
    keys: dict[str, list[str]] = {}
    for active in live:
        if active.binding.id in BY_ID:
            keys.setdefault(active.binding.id, []).append(key_name(active.binding.key))
    lines: list[Row] = []
    for here, title in ((True, "on this page"), (False, "everywhere")):
        lines.append([(title, "title")])
        for id in (id for id in BY_ID if id in keys and (BY_ID[id].where != EVERYWHERE) == here):
            lines += entry(" ".join(keys[id]), f"{BY_ID[id].title}. ", BY_ID[id].help, cells)
        lines.append([])
    lines.append([("marks", "title")])
    return lines + [line for glyph, meaning in GLYPHS for line in entry(glyph, "", meaning, cells)]


def entry(keys: str, title: str, text: str, cells: int) -> list[Row]:
    """The keys, and beside them the title with its text in as many lines as it takes."""
    first, *more = wrap_text(title + text, max(20, cells - INDENT))
    shown = clip(keys, INDENT - 3)
    lines: list[Row] = [[(f"  {shown:<{INDENT - 2}}", "key"), (title, "text"), (first[len(title) :], "dim")]]
    return lines + [[(" " * INDENT + each, "dim")] for each in more]


INDENT = 16
