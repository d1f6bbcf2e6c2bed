"""How pages and panels change the session: by a verb that the app applies to the answer of that moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.last_frame import Drawings
from tui.state.session import Session

Change = Callable[[Answer], Session]
"""The next session, from the answer of the moment at which the change is made. Raises InputError to refuse."""


class SessionEditor(Protocol):
    """The interface of the app to its pages. Keys that arrive together all count, because nothing is worked out in
    advance.
    """

    calculator: Calculator
    opening: Drawings
    """The lines of the last frame by the class of their widget, until there is an answer; empty without one."""
    kept_in: Path | None
    """The file that the session is written back to."""

    def edit(self, change: Change) -> str:
        """Makes a change of the session and shows its answer; returns why it was refused, or nothing."""
        ...

    def unsay(self) -> None:
        """Takes away the message in the place of the hints."""
        ...

    def say(self, text: str, refused: bool = True) -> None:
        """Shows a message until the next key: what was refused and why, or what was done."""
        ...

    def adopt(self, session: Session, kept_in: Path, notice: str = "") -> str:
        """Goes on with another session, written back to its own file; returns why it is not answered, or nothing."""
        ...

    def keep_in(self, path: Path) -> str:
        """Writes the session to a file, where it is kept from now on; returns a complaint, or nothing."""
        ...
