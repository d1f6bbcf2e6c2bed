"""Help: what the page shows on the row under the cursor, then the keys that work there; both can be searched."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import Vertical
from textual.widgets import Input

from tui.commands.all import BY_ID
from tui.commands.command import EVERYWHERE, key_name
from tui.draw.runs import Row, clip, wrap_text
from tui.pages.legend import legend, subject
from tui.screens.modal import Modal
from tui.screens.scrolling import scroll_bindings
from tui.state.answer import Answer
from tui.widgets.drawing import Drawing

LEAST_INDENT, MOST_INDENT = 16, 22
"""Cells of what is pressed or seen, before what it means."""


class Entry(NamedTuple):
    """One line of help: its section, what is pressed or seen, what it is called or reads, what it does or means."""

    section: str
    keys: str
    title: str
    text: str

    def matches(self, words: Sequence[str]) -> bool:
        """Whether the line holds every searched word."""
        whole = f"{self.keys} {self.title} {self.text}".lower()
        return all(word in whole for word in words)


class Lines(Drawing):
    """Draws the help lines that match what is searched, scrolled."""

    top = 0
    query_words: Sequence[str] = ()

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self.entries = entries

    def draw(self, width: int, height: int) -> Sequence[Row]:
        lines = help_rows([each for each in self.entries if each.matches(self.query_words)], width)
        self.top = max(0, min(self.top, len(lines) - height))
        return lines[self.top : self.top + height]


class Help(Modal[None]):
    """The help modal; closes on any of its keys and changes nothing."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = ""
    BINDINGS = [  # noqa: RUF012
        *scroll_bindings("scroll", "leave"),
        Binding("question_mark", "dismiss", "Close", show=False),
        Binding("slash", "search", "Search", show=False),
    ]

    def __init__(self, live: Sequence[ActiveBinding], answer: Answer, page: str) -> None:
        super().__init__()
        self.entries = [*page_entries(answer, page), *key_entries(live)]

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = "help"
            frame.border_subtitle = "/ search · j k scroll · esc closes"
            line = Input(placeholder="search: a key, a word", select_on_focus=False)
            line.cursor_blink = False
            line.display = line.can_focus = False
            yield line
            yield Lines(self.entries)

    def action_scroll(self, by: int) -> None:
        lines = self.query_one(Lines)
        lines.top += by
        lines.redraw()

    def action_search(self) -> None:
        line = self.query_one(Input)
        line.display = line.can_focus = True
        line.focus()

    def action_leave(self) -> None:
        """Ends the search, else closes."""
        line = self.query_one(Input)
        if not line.display:
            self.dismiss(None)
            return
        line.value = ""
        self._end_search(line)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        lines = self.query_one(Lines)
        lines.query_words, lines.top = event.value.lower().split(), 0
        lines.redraw()

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        """Keeps what was searched and gives the keys back to scrolling."""
        self.set_focus(None)

    def _end_search(self, line: Input) -> None:
        self.set_focus(None)
        line.display = line.can_focus = False


def page_entries(answer: Answer, page: str) -> list[Entry]:
    """Help lines of what the page shows, with the figures of the row under the cursor."""
    section = subject(answer, page)
    return [
        Entry(
            section=section,
            keys=each.name,
            title=f"{each.value}{' · ' if each.meaning else ''}" if each.value else "",
            text=each.meaning,
        )
        for each in legend(answer, page)
    ]


def key_entries(live: Sequence[ActiveBinding]) -> Iterator[Entry]:
    """Help lines of every command that is bound now, this page's first."""
    keys: dict[str, list[str]] = {}
    for active in live:
        if active.binding.id in BY_ID:
            keys.setdefault(active.binding.id, []).append(key_name(active.binding.key))
    for here, section in ((True, "keys on this page"), (False, "keys everywhere")):
        for id in (id for id in BY_ID if id in keys and (BY_ID[id].where != EVERYWHERE) == here):
            command = BY_ID[id]
            yield Entry(section=section, keys=" ".join(keys[id]), title=f"{command.title}. ", text=command.help)


def help_rows(entries: Sequence[Entry], cells: int) -> list[Row]:
    """Help lines as rows, under the titles of their sections."""
    rows: list[Row] = []
    section = ""
    indent = min(max([LEAST_INDENT, *(len(each.keys) + 3 for each in entries)]), MOST_INDENT)
    for each in entries:
        if each.section != section:
            section = each.section
            rows += [*([[]] if rows else []), *([(line, "title")] for line in wrap_text(section, cells))]
        rows += entry_rows(each, cells, indent)
    return rows or [[("nothing in the help has these words", "dim")]]


def entry_rows(entry: Entry, cells: int, indent: int) -> list[Row]:
    """One help line as rows: the keys, and beside them the title with its text in as many lines as it takes."""
    title = entry.title
    first, *more = wrap_text(title + entry.text, max(20, cells - indent))
    shown = clip(entry.keys, indent - 3)
    title = title if first.startswith(title.rstrip()) else ""
    lines: list[Row] = [
        [(f"  {shown:<{indent - 2}}", "key"), (first[: len(title)], "bold"), (first[len(title) :], "dim")]
    ]
    return lines + [[(" " * indent + each, "dim")] for each in more]
