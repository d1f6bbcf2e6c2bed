"""The one place that touches Textual's private parts: what is sent to a terminal, and what comes from it.

Textual writes whole regions: four full screens while it starts, one for every layout change. Over SSH that is most of
what a user waits for, so each frame is compared with the one before it (measured: 20 kB of a start become 6).

Textual hands all the keys of one read to the screen that is open then; over SSH keys come in clumps, and the second
enter of a dialog would reach a dialog that is closed. So an input waits until the one before it has had its effect.

`esc` and the key after it in one read are the bytes of alt with that key, or of a sign that some keyboards have there
(esc 4 as ¢). Only a line that is typed into knows keys with alt, those that move and delete by words; any other is the
two keys that were pressed.
"""

import asyncio
import os
import selectors
import signal
import sys
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.control import Control
from textual import constants
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.events import Event, InputEvent, Key, Paste, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from tui._pen import PLAIN, blanks_look_alike, change_of_pen, pen_of
from tui._stretches import spans

ROUNDS = 3
"""Times that messages go up from the focus to the app after an input: what it does, what that opens or closes, and what
the screen does that is then on top (measured: two are enough for every page and panel)."""
PATIENCE_S = 1.0
"""Longest wait for the effect of one input; work that takes longer belongs to a worker."""
ENDING_SIGNALS = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGXCPU")
"""Signals that end a program which does not handle them; each would leave the terminal in its full-screen state."""

ESCAPE_WAIT_S = 0.05
"""Longest wait for the rest of a key that begins with an escape: every `esc` is answered after it. Terminals send a
key in one piece, so that half of Textual's tenth of a second, which is what Neovim waits, is enough; where a line is
worse, ESCDELAY says so in milliseconds, as to curses."""
MARGIN_S = 0.001
"""Seconds after which a wait that began a moment later has ended for sure."""
if "ESCDELAY" not in os.environ:
    vars(constants)["ESCAPE_DELAY"] = ESCAPE_WAIT_S
_ESCAPE = "\x1b"
_sequence_to_keys = XTermParser._sequence_to_key_events


def _after_escape(self: XTermParser, sequence: str, alt: bool = False) -> Iterator[Key]:
    """The keys of a sequence, as alt with them where an escape came before: Textual says so of letters only, and where
    one escape follows another it makes a circumflex of the first."""
    if sequence == _ESCAPE:
        self.__dict__["escape_waits"] = True
        return
    alt = self.__dict__.pop("escape_waits", False) or alt
    for key in _sequence_to_keys(self, sequence):
        yield Key(f"alt+{key.key}", key.character) if alt else key


XTermParser._sequence_to_key_events = _after_escape  # type: ignore[method-assign]
for _pair in [each for each in ANSI_SEQUENCES_KEYS if len(each) == 2 and each[0] == _ESCAPE != each[1]]:
    del cast("dict[str, object]", ANSI_SEQUENCES_KEYS)[_pair]
BY_WORDS = {
    "alt+b": "ctrl+left",
    "alt+f": "ctrl+right",
    "alt+left": "ctrl+left",
    "alt+right": "ctrl+right",
    "alt+backspace": "ctrl+w",
}
"""Keys with alt that move and delete by words where text is typed (readline), and Textual's own for the same."""


class KeyboardSelector(selectors.SelectSelector):
    """Waits for the keyboard; after a read only as long as the rest of a key may take.

    Textual looks ten times a second whether an escape was one alone, however short that wait is said to be.
    """

    _has_read = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(constants.ESCAPE_DELAY + MARGIN_S if self._has_read else timeout)
        self._has_read = bool(ready)
        return ready


class OrderlyApp(App[None]):
    """An application that takes one input after the other, however many arrive at once."""

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._inputs: deque[Event] = deque()
        self._feeder: asyncio.Task[None] | None = None

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        module = sys.modules[driver.__module__]
        if "selectors" in vars(module):
            own = SimpleNamespace(SelectSelector=KeyboardSelector, EVENT_READ=selectors.EVENT_READ)
            vars(module)["selectors"] = own
        return driver

    def post_message(self, message: Message) -> bool:
        if not isinstance(message, InputEvent | Paste) or message.is_forwarded or not self._running:
            return super().post_message(message)
        self._inputs.append(message)
        if self._feeder is not None and not self._feeder.done():
            return True
        queued = self._post_next()
        self._feeder = asyncio.create_task(self._feed())
        return queued

    async def _feed(self) -> None:
        """Waits for the effect of the input that was posted, then posts the next one."""
        await self._settle()
        while self._inputs:
            self._post_next()
            await self._settle()

    def _post_next(self) -> bool:
        """Posts the first input that waits; a key with alt as what it is where it arrives."""
        first, *rest = self._meant(self._inputs.popleft())
        self._inputs.extendleft(reversed(rest))
        return super().post_message(first)

    def _meant(self, event: Event) -> list[Event]:
        """What is meant by an input: of a key with alt a step by words in a line of text, else escape and the key.

        An enter that was typed before the terminal was ours comes as the line feed that the system made of it.
        """
        if isinstance(event, Key) and event.key == "ctrl+j":
            return [Key("enter", "\r").set_sender(self)]
        if not isinstance(event, Key) or not event.key.startswith("alt+"):
            return [event]
        if isinstance(self.focused, Input) and event.key in BY_WORDS:
            keys = [Key(BY_WORDS[event.key], None)]
        else:
            keys = [Key("escape", _ESCAPE), Key(event.key.removeprefix("alt+"), event.character)]
        return [key.set_sender(self) for key in keys]

    async def _settle(self) -> None:
        """Returns once the messages that an input leads to have been handled."""
        for _ in range(ROUNDS):
            for pump in self._pumps():
                handled = asyncio.Event()
                if pump.call_later(handled.set):
                    try:
                        await asyncio.wait_for(handled.wait(), PATIENCE_S)
                    except TimeoutError:
                        return

    def _pumps(self) -> Iterator[MessagePump]:
        """What an input passes through: the app, then from the focus up to the screen and to the app again."""
        yield self
        if self._screen_stack:
            yield from (self.focused or self.screen).ancestors_with_self


class FrugalApp(OrderlyApp):
    """An application that remembers what the terminal shows."""

    _shown: Sequence[Strip] = ()
    _shown_of: Screen[Any] | None = None
    """The screen whose frame that is; None where lines may have changed since that were not sent."""
    _sized: Size | None = None

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._disable_notifications = True  # `notify` is one line of ours; a rack for toasts costs a layout at start

    @property
    def unhandled(self) -> Exception | None:
        """The error that ended the app; None where it was left."""
        return self._exception

    def _fatal_error(self) -> None:
        """Ends the app, whose caller says what happened; Textual itself prints every local value."""
        self._close_messages_no_wait()

    def watch_suspensions(self) -> None:
        """Forgets what is shown when the terminal was away. To be called once mounted."""
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())

    def forget_shown(self) -> None:
        """The next frame is sent whole: the terminal may show something else by now."""
        self._shown, self._shown_of = (), None

    def watch_signals(self, end: Callable[[], None]) -> None:
        """Calls `end` to leave the app where the system or a cut connection asks for it. To be called once mounted."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for name in ENDING_SIGNALS:
            with suppress(AttributeError, NotImplementedError, RuntimeError):  # no such signal on this system
                loop.add_signal_handler(getattr(signal, name), end)

    def redraw(self) -> None:
        """Sends the whole screen again."""
        self.forget_shown()
        self.screen.refresh()

    def on_resize(self, event: Resize) -> None:
        if self._sized not in (None, event.size):
            self.forget_shown()  # what a terminal keeps of a frame when it changes its size is its own matter
        self._sized = event.size

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        whole = isinstance(renderable, LayoutUpdate | ChopsUpdate) and not self._batch_count
        if not whole or self.is_headless or not self._running:
            self._shown_of = None if renderable is not None else self._shown_of
            super()._display(screen, renderable)
            return
        frame = self._lines_of(renderable, screen) or screen._compositor.render_strips()
        if len(frame) != len(self._shown):
            self._shown = [Strip([], 0)] * len(frame)
        update: Any = Difference(self._shown, frame)
        if update.spans:
            super()._display(screen, update)
        self._shown, self._shown_of = frame, screen

    def _lines_of(self, update: RenderableType | None, screen: Screen[Any]) -> list[Strip]:
        """The frame after an update of some lines of the screen that is shown: the others are as they were; none where
        the update does not hold its lines whole.
        """
        if not isinstance(update, ChopsUpdate) or screen is not self._shown_of:
            return []
        frame = list(self._shown)
        for y in {y for y, _, _ in update.spans}:
            parts = [*update.chops[y].values()]
            if None in parts:
                return []
            frame[y] = Strip.join(parts)
        return frame


class ChangingLines(Widget):
    """A widget of lines that is asked which of them changed at the moment of painting: the others keep their strips."""

    @abstractmethod
    def changed_lines(self) -> Iterable[int]:
        """Brings the lines up to date; those that are now other ones."""

    def refresh_lines(self) -> None:
        """Has the lines that changed painted with the next frame."""
        self.refresh(Region())

    def render_lines(self, crop: Region) -> list[Strip]:
        self._mark_changed_lines()
        return super().render_lines(crop)

    def _exchange_repaint_regions(self) -> Collection[Region]:
        self._mark_changed_lines()
        return super()._exchange_repaint_regions()

    def _mark_changed_lines(self) -> None:
        regions = [Region(0, y, self.size.width, 1) for y in self.changed_lines()]
        if regions:
            self._set_dirty(*regions)


class Difference(CompositorUpdate):
    """The cells in which a frame differs from the one before it."""

    def __init__(self, before: Sequence[Strip], after: Sequence[Strip]) -> None:
        self.after = after
        self.spans = [
            (y, start, end)
            for y, (old, new) in enumerate(zip(before, after, strict=True))
            if old is not new and old != new
            for start, end in spans(old, new)
        ]

    def render_segments(self, console: Console) -> str:
        """The spans, each run told only how its look differs from the run before it: half of what Textual sends."""
        system = console._color_system or ColorSystem.TRUECOLOR
        pen, parts = PLAIN, []
        row = column = -1
        for y, start, end in self.spans:
            ahead = start - column
            parts.append(f"\x1b[{ahead}C" if y == row and ahead > 0 else Control.move_to(start, y).segment.text)
            row, column = y, end
            for text, style, _ in self.after[y].crop(start, end):
                other = pen_of(style, system)
                if text.isspace() and blanks_look_alike(pen, other):
                    parts.append(text)
                    continue
                parts += (change_of_pen(pen, other), text)
                pen = other
        return "".join((*parts, change_of_pen(pen, PLAIN)))
