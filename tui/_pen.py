"""How a terminal writes: the pen of a style, and the shortest way from one pen to another."""

from functools import lru_cache
from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style
from textual.strip import SGR_STYLES


class Pen(NamedTuple):
    """What a terminal writes with: codes of its attributes, of its foreground and of its background (ECMA-48 SGR)."""

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
