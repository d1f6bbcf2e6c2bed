"""Draws the README's badges from pyproject.toml and the wheel's limit: `python -m scripts.badges`.

They stand in the repository, so that no other server learns who reads the page.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "badges"
LETTER, PADDING = 6.6, 6
"""Pixels: a letter of 11-pixel sans, and the room beside a word."""


def badges() -> Iterator[tuple[str, str, str]]:
    """Name of the file, label and value of each badge."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    minors = [int(found[1]) for each in project["classifiers"] if (found := re.search(r":: 3\.(\d+)$", each))]
    yield "python", "python", f"3.{min(minors)} – 3.{max(minors)}"
    yield "licence", "licence", project["license"]
    yield "wheel", "wheel", "pure Python"


def drawn(label: str, value: str) -> str:
    """A badge as SVG: the label on grey, the value on blue."""
    left, right = (round(len(text) * LETTER + 2 * PADDING) for text in (label, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{label}: {value}"><rect width="{left}" height="20" fill="#555"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="#2f7d95"/>'
        f'<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{label}</text><text x="{left + right / 2:g}" y="14">{value}</text></g></svg>\n'
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, label, value in badges():
        (FOLDER / f"{name}.svg").write_text(drawn(label, value), encoding="utf-8")
