"""The README: its figures are the measured pages', its pictures the app's, its links lead somewhere."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.badges import FOLDER, badges, drawn
from scripts.readme_figures import BENCHMARKS, rewritten, section
from scripts.recording import MOST_BYTES, SCENES, frames, picture

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_figures_are_the_measured_pages() -> None:
    """To the digit: what writes docs/accuracy.md or docs/benchmarks.md writes them too."""
    assert rewritten(README) == README


def test_every_measurement_it_quotes_is_on_the_page_of_benchmarks() -> None:
    assert set(BENCHMARKS) <= set(section("benchmarks.md", "Measured"))
    with pytest.raises(KeyError):
        section("benchmarks.md", "Guessed")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?://)([^)]+)\)", README))))
def test_a_link_leads_to_a_file_and_a_heading(target: str) -> None:
    path, _, anchor = target.partition("#")
    assert (ROOT / path).exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
        assert anchor in slugs


@pytest.mark.parametrize("badge", list(badges()), ids=lambda badge: badge[0])
def test_a_badge_says_what_the_project_says(badge: tuple[str, str, str]) -> None:
    name, label, value = badge
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == drawn(label, value)


async def test_the_moving_picture_is_drawn_from_the_app() -> None:
    shown = await frames()
    text = picture(shown)
    assert len(text.encode()) <= MOST_BYTES
    assert text.count("@keyframes") == len(SCENES)
    words = ["".join(segment.text for line in frame.lines for segment in line) for frame in shown]
    assert "Llama-3.3-70B-Instruct" in words[0]
    assert "qwen3-30b-a3b" in words[1]
    assert "Qwen3-30B-A3B" in words[2]
    assert "x128" in words[3]
    assert all(one != other for one, other in pairwise(words))
    assert "@keyframes" not in picture(shown[-1:])
    for name in ("recording.svg", "compare.svg"):
        kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert kept.startswith("<svg")
        assert len(kept.encode()) <= MOST_BYTES
