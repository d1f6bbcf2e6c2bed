"""A command: what it is called, which keys start it, what it does and how it is explained."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from textual.keys import format_key

from tui.state.session import Session

EVERYWHERE = "everywhere"


def _always(session: Session) -> bool:
    return True


class Command(NamedTuple):
    """Something that the user can ask for: its keys, what hints and help say of it, and what it does.

    `do` is the name of an action of the screen or app, or a verb of the session that returns the edited one.
    """

    id: str
    title: str
    keys: str
    """Separated by commas; the first is the one that is shown. Remappable by id in the configuration file."""
    help: str
    do: str | Callable[[Session], Session]
    where: str = EVERYWHERE
    """A page's name, or everywhere."""
    hint: str = ""
    """Its word on the hint line, which neighbours of one word share; empty keeps it off."""
    task: str = ""
    """`serve` or `train` where it says nothing about the other."""
    applies: Callable[[Session], bool] = _always
    """Whether the hint line shows it."""

    @property
    def action(self) -> str:
        return self.do if isinstance(self.do, str) else f"app.edit({self.id!r})"


def keys_of(command: Command, remapped: Mapping[str, str] | None = None) -> list[str]:
    """The keys of a command, the one to show first."""
    return [key.strip() for key in (remapped or {}).get(command.id, command.keys).split(",")]


def key_name(key: str) -> str:
    """A key as a hint shows it: the character itself, ^d for ctrl+d."""
    if len(key) == 1:
        return key
    return _NAMES.get(key) or (f"^{key[5:]}" if key.startswith("ctrl+") else format_key(key))


SIGNS = {
    "!": "exclamation_mark",
    "$": "dollar_sign",
    "+": "plus",
    "-": "minus",
    "/": "slash",
    "<": "less_than_sign",
    "=": "equals_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "|": "vertical_line",
}
"""Signs that are keys, by Textual's names. It would look each of them up in Python's table of Unicode's names, of which
0.7 MB then stay resident."""
_NAMES = {
    **{name: sign for sign, name in SIGNS.items()},
    "escape": "esc",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "space": "space",
    "tab": "tab",
    "enter": "enter",
}
