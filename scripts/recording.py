"""Draws the README's moving picture and its comparison page from the real app: `python -m scripts.recording`.

The app is driven by keys on the packaged catalogue; each scene is a group of the SVG that CSS shows in its turn. A
reader who asks for less motion, or whose viewer knows no animation, sees the first scene.
"""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from catalog.load import load
from tui.app import LlmCalc
from tui.draw.palette import DEFAULT_THEME
from tui.state.calculator import Calculator
from tui.state.session import Session

DOCS = Path(__file__).parents[1] / "docs"
SIZE = (100, 28)
CELL, LINE, FONT, MARGIN, CAPTION = 8.43, 18, 14, 12, 30
"""Pixels: a cell's width and a line's height, the letters, the frame, the line of the caption."""
BACKGROUND, FOREGROUND, KEY = "#14181d", "#c9d1d9", "#7cc5d9"
MOST_BYTES = 300_000
WORDS = re.compile(r"\S+(?: \S+)*")
"""Text between runs of two spaces and more."""


class Scene(NamedTuple):
    """Keys, and how long what they lead to is looked at."""

    keys: tuple[str, ...]
    shown: str
    """The keys as the caption names them."""
    says: str
    seconds: float = 2.5


SCENES = (
    Scene((), "", "every accelerated EC2 instance for a 70B model, cheapest token first", 3.5),
    Scene(("m", *"qwen3-30b-a3b"), "m", "another model: the catalogue, the Hub, a folder, a .gguf"),
    Scene(("enter",), "enter", "ranked anew; a figure is typical ± the half-width of its band in %"),
    Scene(("+", "+", "+"), "+ + +", "eight times the users"),
    Scene(("w",), "w", "the next weight format"),
    Scene(("2",), "2", "where the memory of one device goes, as the engine counts it"),
    Scene(("3",), "3", "time to first token and per token, operator by operator"),
    Scene(("enter",), "enter", "the working of a figure, with its sources", 3.5),
    Scene(("escape", "4", "space", *"jjjjj", "space", *"jjj", "space", "5"), "space 5", "rows side by side", 4),
)


class Frame(NamedTuple):
    """A screen as lines of runs, with its scene."""

    lines: tuple[tuple[Segment, ...], ...]
    scene: Scene


async def frames() -> list[Frame]:
    """Every scene of the app, drawn."""
    recorded = []
    with tempfile.TemporaryDirectory() as empty:
        catalog = load(user_files=Path(empty))
        app = LlmCalc(Calculator(catalog), Session(), Path(empty) / "session.yaml", DEFAULT_THEME, {}, ())
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            for scene in SCENES:
                for key in scene.keys:
                    await pilot.press(key)
                await app.workers.wait_for_complete()
                await pilot.pause()
                strips = app.screen._compositor.render_strips()
                recorded.append(Frame(tuple(tuple(strip) for strip in strips), scene))
    return recorded


class Palette:
    """Styles of the SVG by what they look like, each a class of its sheet."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, style: Style) -> str:
        """The class of a run's letters; empty for plain ones."""
        color = _hex(style.color, FOREGROUND)
        rule = (f"fill:{color}" if color != FOREGROUND else "") + (";font-weight:bold" if style.bold else "")
        return self._names.setdefault(rule, f"s{len(self._names)}") if rule else ""

    def sheet(self) -> str:
        return "".join(f".{name}{{{rule.lstrip(';')}}}" for rule, name in self._names.items())


def _hex(color: object, otherwise: str) -> str:
    triplet = color.get_truecolor() if color is not None and not color.is_default else None  # type: ignore[attr-defined]
    return triplet.hex if triplet else otherwise


def picture(shown: Sequence[Frame]) -> str:
    """The scenes as one SVG: moving where there are several."""
    palette, groups, steps = Palette(), [], []
    whole, at = sum(frame.scene.seconds for frame in shown), 0.0
    for number, frame in enumerate(shown):
        groups.append(f'<g class="f f{number}">{_lines(frame, palette)}{_caption(frame.scene)}</g>')
        start, at = 100 * at / whole, at + frame.scene.seconds
        if len(shown) > 1:
            hidden = "0%{visibility:hidden}" if number else ""
            steps.append(
                f"@keyframes k{number}{{{hidden}{start:.2f}%{{visibility:visible}}{100 * at / whole:.2f}%,100%"
                f"{{visibility:hidden}}}}.f{number}{{animation:k{number} {whole:g}s step-end infinite}}"
            )
    width = 2 * MARGIN + SIZE[0] * CELL
    height = 2 * MARGIN + SIZE[1] * LINE + CAPTION
    letters = f"font:{FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
    still = "@media (prefers-reduced-motion:reduce){.f{animation:none!important}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
        f"<style>text{{{letters};fill:{FOREGROUND}}}.f{{visibility:hidden}}.f0{{visibility:visible}}"
        f"{palette.sheet()}.key{{fill:{KEY};font-weight:bold}}{''.join(steps)}{still}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{"".join(groups)}</svg>\n'
    )


def _lines(frame: Frame, palette: Palette) -> str:
    parts = []
    for row, line in enumerate(frame.lines):
        column, y = 0, MARGIN + row * LINE
        for segment in line:
            style, text = segment.style or Style(), segment.text
            x, width = MARGIN + column * CELL, len(text) * CELL
            column += segment.cell_length
            behind, letters = _hex(style.bgcolor, BACKGROUND), style
            if style.reverse:
                behind, letters = _hex(style.color, FOREGROUND), Style(color=BACKGROUND, bold=style.bold)
            if behind not in (BACKGROUND, "#000000"):
                parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{LINE}" fill="{behind}"/>')
            name = palette.name(letters)
            kind = f' class="{name}"' if name else ""
            parts += [  # viewers collapse spaces, so that what stands apart is placed apart
                f'<text x="{x + word.start() * CELL:.1f}" y="{y + FONT}" textLength="{len(word[0]) * CELL:.1f}"{kind}>'
                f"{escape(word[0], quote=False)}</text>"
                for word in WORDS.finditer(text)
            ]
    return "".join(parts)


def _caption(scene: Scene) -> str:
    y = MARGIN + SIZE[1] * LINE + 22
    keys = f'<tspan class="key">{escape(scene.shown)}</tspan>  ' if scene.shown else ""
    return f'<text x="{MARGIN}" y="{y}">{keys}{escape(scene.says)}</text>'


def main() -> None:
    shown = asyncio.run(frames())
    for name, scenes in (("recording.svg", shown), ("compare.svg", shown[-1:])):
        text = picture(scenes)
        if len(text.encode()) > MOST_BYTES:
            raise SystemExit(f"{name}: {len(text.encode()):,} bytes, at most {MOST_BYTES:,}")
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}: {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
