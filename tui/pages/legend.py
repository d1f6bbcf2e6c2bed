"""The legend of a page on the row under the cursor: its columns with their figures, then its glyphs."""

from estimator.advice.guidance import guidance
from estimator.printable import without_controls
from tui.pages.help_figures import Explained, compared_figures, memory_figures, speed_figures
from tui.pages.leaderboard import note
from tui.state.answer import Answer
from tui.state.columns import columns_of
from tui.state.readings import devices, instance, shortcomings

GLYPHS = {
    "leaderboard": (
        ("▲ ▼", "how the last change moved a figure, better or worse by its colour; u takes it back"),
        ("=", "a tie: its cost can not be told from the row above"),
        ("!", "fits, but misses the service level or holds less than the load asked for"),
        ("⌂", "hardware of your own: an hour is its purchase written off with its power, and no rent"),
        ("*", "an old price: of more than 180 days ago, or from before a known cut"),
        ("★", "best value: lowest price per GB among what fits; of training runs, the cheapest"),
        ("☆ ?", "best value, or the first row, by specifications alone: nothing of this kind was measured (class C)"),
        ("±", "half of the 80 % band, in per cent"),
        ("● ○", "pinned for 5 Compare, with this scenario or another one"),
        ("–", "does not fit, or is not supported; the row says why and what would help"),
    ),
    "memory": (
        ("●", "that many users of that context fit"),
        ("○", "the frontier: the last that fits"),
        ("·", "does not fit"),
    ),
    "performance": (
        ("╱ ─", "the roof: what memory, then arithmetic allow at an intensity"),
        ("● ◆ ▲ ■", "where a step stands under it: prefill, decode alone, at the load, at the most that fits"),
        ("±", "half of the 80 % band, in per cent"),
    ),
    "compare": (
        ("★ ☆", "best of its line, and as good within its band"),
        ("×  %", "against the first pin, the baseline; < > moves another pin there"),
        ("=", "the same as the baseline"),
    ),
    "workload": (("✗", "why what is typed is refused; the last valid scenario stays"),),
}
"""The marks of each page and what they say."""


def legend(answer: Answer, page: str) -> list[Explained]:
    """A page's figures on the row under the cursor, and its marks, explained."""
    glyphs = (Explained(glyph, "", meaning) for glyph, meaning in GLYPHS.get(page, ()))
    return [*_figures(answer, page), *glyphs, *_family(answer, page)]


def subject(answer: Answer, page: str) -> str:
    """The title over a legend: what its figures are read from, and what that lacks."""
    row = answer.selected
    if row is None or page not in ("leaderboard", "memory", "performance"):
        return "on this page"
    missed = shortcomings(row, answer.session.scenario) or [text for text in (note(row),) if text]
    return without_controls(": ".join(filter(None, (f"{instance(row)}, rank {answer.cursor + 1}", ", ".join(missed)))))


def _family(answer: Answer, page: str) -> list[Explained]:
    """What the selected row's accelerators are for."""
    row = answer.selected
    device = answer.inventory.accelerators.get(row.candidate.accelerator) if row else None
    if device is None or page == "workload":
        return []
    words, name = guidance(device), without_controls(device.label or device.name)
    said = (("is for", words.purpose), ("gives up", words.trade_off), ("takes once", words.effort))
    return [Explained(name, verb, text) for verb, text in said if text]


def _figures(answer: Answer, page: str) -> list[Explained]:
    row = answer.selected
    if page == "compare":
        return compared_figures(answer)
    if row is None:
        return []
    if page == "memory":
        return memory_figures(answer, row)
    if page == "performance":
        return speed_figures(answer, row)
    if page != "leaderboard":
        return []
    columns = columns_of(answer.session.scenario, answer.session.columns)
    texts = {"devices": devices(row, answer.inventory)}
    return [
        Explained(column.cell.title, without_controls(texts.get(column.key) or column.text(row)), column.meaning)
        for column in columns
    ]
