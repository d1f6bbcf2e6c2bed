"""Draws docs/leaderboard.svg, the README's picture: the application as it opens, on the packaged catalogue.

python -m scripts.leaderboard_picture
"""

import asyncio
import re
import tempfile
from pathlib import Path

from catalog.load import load
from tui.app import LlmCalc
from tui.draw.palette import DEFAULT_THEME
from tui.state.calculator import Calculator
from tui.state.session import Session

TARGET = Path(__file__).parents[1] / "docs" / "leaderboard.svg"
SIZE = (112, 30)


async def picture() -> str:
    """The first frame as SVG, in whatever monospaced font the reader has."""
    with tempfile.TemporaryDirectory() as empty:
        kept_in = Path(empty) / "session.yaml"
        app = LlmCalc(Calculator(load(user_files=Path(empty))), Session(), kept_in, DEFAULT_THEME, {}, ())
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            svg = app.export_screenshot(title="llmcalc-tui")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    TARGET.write_text(asyncio.run(picture()))
