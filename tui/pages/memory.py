"""The Memory page as rows: narrow terminals stack its parts, wide ones put them side by side."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from estimator.serving.memory.cache import LayerKind
from tui.draw.grid import fit_grid
from tui.draw.runs import Row, fit_row, hang, justify, side_by_side, width
from tui.pages.memory_parts import Usage, bar_row, layer_rows, part_rows, weight_rows
from tui.pages.solver import Capacity, capacity_rows

WIDE = 120
"""Columns from which the page is drawn in two."""
LEFT = 72
LEAST_GRID = 6
"""Lines that reasons leave to the layers and the grid of what fits."""
USERS = (1, 4, 16, 64, 256, 1024, 4096)


class Switch(NamedTuple):
    """An engine setting with the keys that move it."""

    keys: str
    name: str
    value: str


class MemoryFacts(NamedTuple):
    """What the Memory page shows, worked out."""

    heading: str
    aside: str
    usage: Usage
    reasons: Sequence[str]
    kinds: Sequence[LayerKind]
    kinds_note: str
    """How the ranks share the cache."""
    fits: Callable[[int, int], bool]
    """Whether so many users of that context fit on the whole candidate."""
    longest: int
    """The model's own limit."""
    asked: tuple[int, int]
    """Users on the candidate, tokens of a request."""
    switches: Sequence[Switch]
    solved_users: Sequence[int]
    capacities: Sequence[Capacity]
    advice: Sequence[tuple[str, str]] = ()
    """What to change and what it brings."""
    before: Usage | None = None
    """Usage of this candidate before the last change of the scenario."""
    note: str = ""
    """What the reader must know of how this engine counts."""
    verdict: str = ""
    """Why it does not fit; empty where it does."""


def memory_page(facts: MemoryFacts, cells: int, lines: int, cursor: int = -1) -> list[Row]:
    """The Memory page in at most `lines` rows of exactly `cells` columns."""
    head = [
        heading_row(facts.heading, facts.aside, cells),
        bar_row(facts.usage, cells),
    ]
    for mark, text, style in (("!", facts.note, "warn"), ("✗", facts.verdict, "bad")):
        if text:
            head += hang([(f" {mark} ", style)], text, style, cells)
    room = lines - len(head) - 1
    draw = _side_by_side if cells >= WIDE else _stacked
    return [*head, *draw(facts, cells, room, cursor)[:room], switch_row(facts.switches, cells)]


def heading_row(heading: str, aside: str, cells: int) -> Row:
    """A page's first row: what it is about, and beside it as much of a word on it as there is room for."""
    while aside and len(heading) + len(aside) + 4 > cells:
        aside = aside.partition(" · ")[2]
    return justify([(f" {heading}", "bold")], [(f"{aside} ", "dim")] if aside else [], cells)


def _stacked(facts: MemoryFacts, cells: int, lines: int, cursor: int) -> list[Row]:
    parts = part_rows(facts.usage, facts.reasons, cells, cursor, facts.before, lines - LEAST_GRID)
    advice = _section(f"   {_advice_title(facts)}", advice_rows(facts.advice, cells), cells)
    if facts.verdict:
        parts += advice
    kinds = layer_rows(facts.kinds, facts.kinds_note, cells)[: max(lines - len(parts) - 4, 1)]
    grid = _grid(facts, cells, lines - len(parts) - len(kinds))
    rows = [*parts, *kinds, *grid]
    if lines - len(rows) >= len(facts.capacities) + 3:
        rows += [*_blank(cells), *_capacities(facts, cells)]
    if not facts.verdict and lines - len(rows) >= len(advice):
        rows += advice
    return rows + _blank(cells) * (lines - len(rows))


def _side_by_side(facts: MemoryFacts, cells: int, lines: int, cursor: int) -> list[Row]:
    right = cells - LEFT - 2
    left_rows = [
        *part_rows(facts.usage, facts.reasons, LEFT, cursor, facts.before, lines),
        *_section("   layers, as one rank caches them", layer_rows(facts.kinds, facts.kinds_note, LEFT), LEFT),
        *_section(f"   {_advice_title(facts)}", advice_rows(facts.advice, LEFT), LEFT),
    ]
    right_rows = [
        *_grid(facts, right, min(len(USERS) + 2, lines)),
        *_blank(right),
        *_capacities(facts, right),
        *_section(" weights by kind of tensor", weight_rows(facts.usage.report.weights, right, 9), right),
    ]
    rows = _blank(cells) + side_by_side(left_rows, right_rows, LEFT, right, "  ")
    return rows + _blank(cells) * (lines - len(rows))


def _advice_title(facts: MemoryFacts) -> str:
    return "what would make it fit (! applies it)" if facts.verdict else "what would change it (x applies it)"


def _section(title: str, rows: Sequence[Row], cells: int) -> list[Row]:
    return [*_blank(cells), fit_row([(title, "title")], cells), *rows] if rows else []


def advice_rows(advice: Sequence[tuple[str, str]], cells: int) -> list[Row]:
    """Rows of changes with their gains, as `KV cache in fp8   61 → 122 users`."""
    names = max((len(title) for title, _ in advice if len(title) <= cells // 2), default=0)
    rows: list[Row] = []
    for title, effect in advice:
        if len(title) <= names:
            rows += hang([(f"   {title:<{names}}  ", "text")], effect, "dim", cells)
        else:
            rows += hang([("   ", "text")], ": ".join(filter(None, (title, effect))), "text", cells)
    return rows


def _grid(facts: MemoryFacts, cells: int, lines: int) -> list[Row]:
    """The grid with the asked load among its lines."""
    if lines < 3:
        return []
    users = sorted({*USERS, facts.asked[0]})
    first = max(min(users.index(facts.asked[0]) - (lines - 1) // 2, len(users) - (lines - 1)), 0)
    powers = [each for power in range(10, 27) if (each := 2**power) <= facts.longest]
    contexts = sorted({*powers, facts.asked[1]})
    columns = max((cells - 7) // 6, 1)
    first_context = max(min(len(contexts) - columns, _covering(contexts, facts.asked[1]) - 1), 0)
    return fit_grid(
        cells, users[first : first + lines - 1], contexts[first_context:][:columns], facts.fits, facts.asked
    )


def _covering(contexts: Sequence[int], tokens: int) -> int:
    return next((index for index, each in enumerate(contexts) if each >= tokens), len(contexts) - 1)


def _capacities(facts: MemoryFacts, cells: int) -> list[Row]:
    return capacity_rows(cells, facts.solved_users, facts.asked[1], facts.capacities)


def _blank(cells: int) -> list[Row]:
    return [fit_row([], cells)]


def switch_row(switches: Sequence[Switch], cells: int) -> Row:
    """The engine's switches in one row, as many as there is room for: `, . utilization 0.90   { } sequences 1,024`."""
    row: Row = []
    for switch in switches:
        gap = ("   " if row else " ", "text")
        entry: Row = [gap, (switch.keys, "key"), (f" {switch.name} ", "dim"), (switch.value, "accent")]
        if width([*row, *entry]) > cells:
            break
        row += entry
    return fit_row(row, cells)
