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
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple, cast

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.control import Control
from rich.style import Style
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.events import Event, InputEvent, Key, Paste, Resize
from textual.geometry import Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import SGR_STYLES, Strip
from textual.widgets import Input

ROUNDS = 3
"""Times that messages go up from the focus to the app after an input: what it does, what that opens or closes, and what
the screen does that is then on top (measured: two are enough for every page and panel)."""
PATIENCE_S = 1.0
"""Longest wait for the effect of one input; work that takes longer belongs to a worker."""
ENDING_SIGNALS = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGXCPU")
"""Signals that end a program which does not handle them; each would leave the terminal in its full-screen state."""
JOIN = 4
"""Unchanged cells between two changes that are cheaper to send again than to jump over, which takes four bytes
(measured over 14 cursor moves at 80x24, median: 40 cells 819 bytes, 4 cells 536)."""

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


class OrderlyApp(App[None]):
    """An application that takes one input after the other, however many arrive at once."""

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._inputs: deque[Event] = deque()
        self._feeder: asyncio.Task[None] | None = None

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
        """What is meant by an input: of a key with alt a step by words in a line of text, else escape and the key."""
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
    _sized: Size | None = None

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._disable_notifications = True  # `notify` is one line of ours; a rack for toasts costs a layout at start

    def watch_suspensions(self) -> None:
        """Forgets what is shown when the terminal was away. To be called once mounted."""
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())

    def forget_shown(self) -> None:
        """The next frame is sent whole: the terminal may show something else by now."""
        self._shown = ()

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
            super()._display(screen, renderable)
            return
        frame = screen._compositor.render_strips()
        if len(frame) != len(self._shown):
            self._shown = [Strip([], 0)] * len(frame)
        update: Any = Difference(self._shown, frame)
        if update.spans:
            super()._display(screen, update)
        self._shown = frame


class Pen(NamedTuple):
    """How a terminal writes: codes of its attributes, of its foreground and of its background (ECMA-48 SGR)."""

    attributes: tuple[str, ...] = ()
    foreground: tuple[str, ...] = ()
    background: tuple[str, ...] = ()


PLAIN = Pen()


@lru_cache(maxsize=512)
def pen_of(style: Style | None, system: ColorSystem) -> Pen:
    """The pen of a style, in the colours that the terminal has; a plain one without a style."""
    if style is None:
        return PLAIN
    attributes = style._attributes & style._set_attributes
    return Pen(
        attributes=tuple(SGR_STYLES[bit] for bit in range(attributes.bit_length()) if attributes & (1 << bit)),
        foreground=tuple(style.color.downgrade(system).get_ansi_codes()) if style.color else (),
        background=tuple(style.bgcolor.downgrade(system).get_ansi_codes(foreground=False)) if style.bgcolor else (),
    )


@lru_cache(maxsize=4096)
def change_of_pen(old: Pen, new: Pen) -> str:
    """The shortest sequence from one pen to another; what can not be taken away alone is reset with all the rest."""
    if old == new:
        return ""
    codes: tuple[str, ...] = ()
    if (old.attributes, new.attributes) == (BOLD, ()):
        codes = NOT_BOLD
    elif old.attributes and old.attributes != new.attributes:
        return _reset(new)
    elif old.attributes != new.attributes:
        codes = new.attributes
    for before, after in ((old.foreground, new.foreground), (old.background, new.background)):
        if before != after:
            if not after:
                return _reset(new)
            codes += after
    return min(f"\x1b[{';'.join(codes)}m", _reset(new), key=len)


def blanks_look_alike(one: Pen, other: Pen) -> bool:
    """Whether two pens write the same blank: on one ground, and with nothing that is drawn over or under it."""
    return one.background == other.background and not SEEN_ON_BLANKS & {*one.attributes, *other.attributes}


def _reset(pen: Pen) -> str:
    return f"\x1b[{';'.join(('0', *pen.attributes, *pen.foreground, *pen.background))}m"


BOLD, NOT_BOLD = ("1",), ("22",)
SEEN_ON_BLANKS = {"4", "7", "9", "21", "51", "52", "53"}
"""Attributes that one sees on a blank: lines under, through, over and around it, and ink and ground exchanged."""


class Difference(CompositorUpdate):
    """The cells in which a frame differs from the one before it."""

    def __init__(self, before: Sequence[Strip], after: Sequence[Strip]) -> None:
        self.after = after
        self.spans = [
            (y, start, end)
            for y, (old, new) in enumerate(zip(before, after, strict=True))
            if old != new
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


def spans(old: Strip, new: Strip) -> Iterator[tuple[int, int]]:
    """The stretches in which two lines of cells differ, joined over short gaps; wide characters make the line one
    stretch.
    """
    before, after = _cells(old), _cells(new)
    if len(before) != len(after) or len(after) != new.cell_length:
        yield 0, new.cell_length
        return
    start = end = -1
    for x, (one, other) in enumerate(zip(before, after, strict=True)):
        if one == other or looks_alike(one, other):
            continue
        if start < 0:
            start = x
        elif x - end > JOIN:
            yield start, end
            start = x
        end = x + 1
    if start >= 0:
        yield start, end


def looks_alike(one: tuple[str, Style | None], other: tuple[str, Style | None]) -> bool:
    """Whether two cells are blanks that differ in nothing that is seen."""
    pens = (pen_of(style, ColorSystem.TRUECOLOR) for _, style in (one, other))
    return one[0] == other[0] == " " and blanks_look_alike(*pens)


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(character, segment.style) for segment in strip for character in segment.text]
