"""Colours: our themes, and what each style name of a drawing looks like in them.

A drawing names meanings ("good", "kv"); only this module knows colours. No meaning rests on a tint: every figure that
matters also carries a glyph, and every hue here is far enough from the next one to survive 256 colours.
"""

from dataclasses import replace
from functools import cache

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

DEFAULT_THEME = "dusk"
NO_COLOUR_THEME = "ansi"

_DUSK = {
    "text": "#c9d1d9",
    "bold": "bold #eef2f6",
    "dim": "#8b949e",
    "faint": "#5d6673",
    "title": "bold #8fb8de",
    "grid": "#3a424d",
    "accent": "#7cc5d9",
    "key": "bold #7cc5d9",
    "cursor": "bold #7cc5d9",
    "tab": "bold #14181d on #7cc5d9",
    "good": "#8fc98b",
    "warn": "#e0b465",
    "bad": "#e58a8a",
    "up": "bold #e0b465",
    "down": "bold #a9a1e8",
    "badge": "bold #f0c674",
    "weights": "#7fa7e0",
    "kv": "#8fc98b",
    "activation": "#e0b465",
    "runtime": "#b59ad6",
    "graphs": "#d58fb5",
    "reserve": "#8b949e",
    "free": "#5d6673",
    "axis": "#8b949e",
    "compute": "#e0b465",
    "memory": "#7fa7e0",
    "network": "#b59ad6",
    "latency": "#8b949e",
    "series0": "#7cc5d9",
    "series1": "#e0b465",
    "series2": "#b59ad6",
    "series3": "#8fc98b",
    "better": "bold #8fc98b",
    "worse": "bold #e0b465",
    "gathered": "#d58fb5",
    "overhead": "#5d6673",
}
_PAPER = {
    "text": "#30363d",
    "bold": "bold #0d1117",
    "dim": "#656d76",
    "faint": "#8c959f",
    "title": "bold #20548c",
    "grid": "#c4ccd4",
    "accent": "#0b6b80",
    "key": "bold #0b6b80",
    "cursor": "bold #0b6b80",
    "tab": "bold #ffffff on #0b6b80",
    "good": "#24702f",
    "warn": "#8a5a00",
    "bad": "#b02a37",
    "up": "bold #8a5a00",
    "down": "bold #4f46a5",
    "badge": "bold #8a5a00",
    "weights": "#20548c",
    "kv": "#24702f",
    "activation": "#8a5a00",
    "runtime": "#6b3fa0",
    "graphs": "#a02c6d",
    "reserve": "#656d76",
    "free": "#8c959f",
    "axis": "#656d76",
    "compute": "#8a5a00",
    "memory": "#20548c",
    "network": "#6b3fa0",
    "latency": "#656d76",
    "series0": "#0b6b80",
    "series1": "#8a5a00",
    "series2": "#6b3fa0",
    "series3": "#24702f",
    "better": "bold #24702f",
    "worse": "bold #8a5a00",
    "gathered": "#a02c6d",
    "overhead": "#8c959f",
}
_ANSI = {
    "text": "default",
    "bold": "bold",
    "dim": "dim",
    "faint": "dim",
    "title": "bold",
    "grid": "dim",
    "accent": "cyan",
    "key": "bold cyan",
    "cursor": "bold reverse",
    "tab": "reverse",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "up": "bold yellow",
    "down": "bold magenta",
    "badge": "bold yellow",
    "weights": "blue",
    "kv": "green",
    "activation": "yellow",
    "runtime": "magenta",
    "graphs": "red",
    "reserve": "dim",
    "free": "dim",
    "axis": "dim",
    "compute": "yellow",
    "memory": "blue",
    "network": "magenta",
    "latency": "dim",
    "series0": "cyan",
    "series1": "yellow",
    "series2": "magenta",
    "series3": "green",
    "better": "bold green",
    "worse": "bold yellow",
    "gathered": "magenta",
    "overhead": "dim",
}
_STYLES = {"dusk": _DUSK, "paper": _PAPER, "ansi": _ANSI}
NAMES = frozenset(_DUSK)
FILLED = frozenset({"tab", "cursor"})
"""Styles that show on a blank: they have a background in some theme."""

THEMES = (
    Theme(
        name="dusk",
        primary="#7cc5d9",
        secondary="#7fa7e0",
        accent="#7cc5d9",
        warning="#e0b465",
        error="#e58a8a",
        success="#8fc98b",
        foreground="#c9d1d9",
        background="#14181d",
        surface="#1b2027",
        panel="#232a33",
    ),
    Theme(
        name="paper",
        primary="#0b6b80",
        secondary="#20548c",
        accent="#0b6b80",
        warning="#8a5a00",
        error="#b02a37",
        success="#24702f",
        foreground="#30363d",
        background="#fbfaf7",
        surface="#f2f1ec",
        panel="#e6e8ea",
        dark=False,
    ),
    replace(BUILTIN_THEMES["ansi-dark"], name="ansi"),
)


@cache
def style(theme: str, name: str) -> Style:
    """The look of one style name. Raises KeyError for a name that no palette has."""
    return Style.parse(_STYLES[theme][name])
