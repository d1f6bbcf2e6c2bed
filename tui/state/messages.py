"""What widgets and pages say upwards; only the app acts on it."""

from dataclasses import dataclass

from textual.message import Message

from tui.state.session import Session


@dataclass
class Edited(Message):
    """The session is to become this one: another scenario, or another look at the same."""

    session: Session


@dataclass
class Refused(Message):
    """An input was not understood, and why; the last valid answer stays."""

    reason: str
