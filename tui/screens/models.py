"""The model picker: the catalogue by fuzzy search, a Hub id or a path by its name."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from catalog.sources import hub
from estimator.errors import InputError
from estimator.models.labels import class_label
from estimator.models.mixers import Mixer
from estimator.models.model import Model
from estimator.printable import without_controls
from tui.draw.figures import count, number, tokens
from tui.draw.runs import Row, clip, fit_row
from tui.draw.table import Cell, Column, fit_columns
from tui.screens.picker import FRAME
from tui.screens.table_picker import WHOLE, TablePicker
from tui.state.calculator import Calculator
from tui.state.model_order import by_standing
from tui.widgets.board import WIDE

BY_HAND = "by hand …"
"""The last choice: a form for a model's numbers."""
SIZE = re.compile(r"\d{1,5}(\.\d{1,3})?[bB]?")
"""A size as people say it: 70B, 9.5b, 14."""
COLUMNS = (
    Column("name", "model", 30, 0, "left", most=44),
    Column("parameters", "params", 7, 0),
    Column("active", "active", 7, 2),
    Column("context", "context", 7, 1),
    Column("class", "class", 14, 2, "left", most=22),
    Column("cache", "KV B/token", 10, 1),
    Column("release", "release", 10, 3),
    Column("licence", "licence", 12, 4, "left", most=18),
)


class ModelPicker(TablePicker):
    """A picker of models. Returns a catalogue id, or the id or path that was typed and is to be resolved."""

    PROMPT = "model: a name, a size (70B), a Hub id (org/name), a folder, config.json or .gguf"
    PREVIEWED = True
    WIDTH = WHOLE
    DETAIL = 4

    def __init__(self, calculator: Calculator, current: str, used: Sequence[str] = ()) -> None:
        known = calculator.catalog.models
        recent = [name for name in (current, *used, *calculator.resolved) if calculator.knows(name)]
        sizes = [size for each in calculator.catalog.inventory.sizes.values() if (size := each.plain_size)]
        super().__init__([*by_standing(known, recent), *sizes, BY_HAND], current)
        self.calculator, self.sizes = calculator, frozenset(sizes)
        self.known = cache(calculator.model)

    def matching(self, query: str) -> list[str]:
        """The catalogue's names that match a query, and the query itself where it could be read from disk or from the
        Hub.
        """
        names, typed = super().matching(query), query.strip()
        if SIZE.fullmatch(typed):
            size = f"{typed.upper().rstrip('B')}B"
            return [size, *(name for name in names if name != size)]
        if origin(typed) is None or self.calculator.knows(typed):
            return names
        named = any(typed.lower() in name.lower() for name in names)
        return [*names, typed] if named else [typed, *names]

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def _columns_at(self, cells: int) -> tuple[Column, ...]:
        return fit_columns(COLUMNS, cells)  # without a look at every model of the catalogue

    def values(self, name: str) -> Mapping[str, Cell]:
        return {
            "name": Cell(without_controls(name)),
            **{key: Cell(text) for key, text in facts(self.known(name)).items()},
        }

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        style = "cursor" if highlighted else "text"
        if name == BY_HAND or self._is_size(name):
            what = "parameters, layers and heads in a form" if name == BY_HAND else "a decoder of that size"
            return fit_row([(name, style), (f"  {what}", "accent")], cells)
        if not self.calculator.knows(name):
            return fit_row([(without_controls(name), style), (f"  from {origin(name)}", "accent")], cells)
        try:
            return super().line(name, cells, highlighted)
        except InputError as error:
            return fit_row([(without_controls(name), "dim"), (f"  {error.complaint}", "warn")], cells)

    def detail_lines(self, cells: int) -> int:
        return 1 if cells >= WIDE * 96 // 100 - FRAME else self.DETAIL  # the rest stands beside the list

    def detail(self, name: str, cells: int) -> str:
        if name == BY_HAND or self._is_size(name) or not self.calculator.knows(name):
            return without_controls(name)
        try:
            return super().detail(name, cells)
        except InputError as error:
            return without_controls(f"{name}: {error.complaint}")

    def _is_size(self, name: str) -> bool:
        return name in self.sizes or bool(SIZE.fullmatch(name))

    def preview(self, name: str, cells: int) -> list[Row]:
        if name == BY_HAND:
            return [[(clip("enter opens a form", cells), "dim")]]
        if not self.calculator.knows(name) and not self._is_size(name):
            return [
                [(clip(without_controls(name), cells), "bold")],
                [(clip(f"enter reads it from {origin(name)}", cells), "dim")],
            ]
        try:
            return [fit_row(row, cells) for row in details(self.known(name), cells)]
        except InputError as error:
            return [[(clip(error.complaint, cells), "warn")]]


def origin(typed: str) -> str | None:
    """Where something typed would be read from; None where it is only a search."""
    if typed.startswith((".", "/", "~")) or typed.endswith((".json", ".gguf")):
        return "disk"
    if "=" in typed:
        return "what is typed"
    return "the Hub" if hub.repository(typed) else None


def facts(model: Model) -> dict[str, str]:
    """The picker's cells of one model."""
    shape = model.architecture
    return {
        "parameters": billions(shape.parameters),
        "active": billions(shape.active_parameters) if shape.is_moe else "",
        "class": without_controls(re.sub("For[A-Z].*|LMHeadModel", "", shape.class_name)),
        "context": tokens(shape.max_context or None),
        "cache": count(2 * growing) if (growing := growing_elements(model)) else "windowed",
        "release": without_controls(model.release),
        "licence": without_controls(model.licence),
    }


def billions(parameters: int) -> str:
    """Parameters as models are named by them: 70.6B."""
    return number(parameters).replace("G", "B")


def growing_elements(model: Model) -> int:
    """Elements of cache that one more token of a long sequence adds."""
    shape = model.architecture
    far = shape.max_context
    return shape.cache_elements(far) - shape.cache_elements(far - 1) if far > 1 else shape.cache_elements(1)


def details(model: Model, cells: int) -> list[Row]:
    """A model in full beside the picker: name, shape, and the layers by kind with what each caches of a token."""
    shape = model.architecture
    lines: list[Row] = [
        [(without_controls(model.id), "bold")],
        [(without_controls(shape.class_name), "dim")],
        [],
        [(f"{count(shape.text_parameters)} parameters", "text")],
    ]
    if shape.is_moe:
        lines.append([(f"{count(shape.active_parameters)} active per token", "text")])
    lines += [
        [(f"hidden {shape.hidden:,}  vocabulary {shape.vocabulary:,}", "text")],
        [(f"context {count(shape.max_context)} tokens", "text")],
        [(f"published in {model.native_weights}", "text")],
        [],
        [("layers  mixer", "title"), ("KV B/token".rjust(max(0, cells - 14)), "title")],
    ]
    for group in shape.groups:
        mixer = group.layer.mixer
        cached = f"{2 * mixer.cache_elements(1):,}" if mixer else "–"
        name = kind(mixer) if mixer else "none"
        room = max(0, cells - 8)
        lines.append(
            [
                (f"{group.count:>6}  ", "text"),
                (f"{clip(name, room - 8):<{max(0, room - 8)}}", "text"),
                (cached.rjust(8), "dim"),
            ]
        )
        if group.layer.mlp:
            lines.append([("        ", "text"), (clip(f"+ {class_label(group.layer.mlp)}", room), "dim")])
    return [*lines, [], [(clip(without_controls(model.source), cells), "dim")]]


def kind(mixer: Mixer) -> str:
    """A mixer by its class, with its window where it has one."""
    window = getattr(mixer, "window", None)
    return class_label(mixer) + (f" {window:,}" if isinstance(window, int) and window else "")
