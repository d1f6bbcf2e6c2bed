"""The form of the workload page, and the line editor that stands over one of its fields."""

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from estimator.errors import InputError
from estimator.units import hours_text, quantity
from tui.draw.cells import seconds_cell, wait_cell
from tui.draw.figures import number, usd
from tui.draw.runs import Row, clip, fit_row, justify, width, wrap_text
from tui.options.fields import Field, sections
from tui.pages.form import Spot, form_rows, lay_out
from tui.pages.leaderboard import TableContext, candidate_line, title_line
from tui.state import readings
from tui.state.answer import Answer
from tui.widgets.drawing import Drawing, scroll_to
from tui.widgets.frame import LEAST_HEIGHT, LEAST_WIDTH

HEAD = 2
"""Rows over the form: the scenario and the tabs."""
FOOT = 2
"""Rows under the form: what the field is, what the scenario comes to."""
LEAST_STANDINGS = 4
"""Rows of the leaderboard that are worth showing under the form."""


class Form(Drawing):
    """Draws the form's fields; `field` names the chosen one, `refused` says why the text typed into it can not be."""

    field = "model"
    refused = ""
    top = 0
    spots: Sequence[Spot] = ()

    def draw(self, width: int, height: int) -> Sequence[Row]:
        if self.answer is None:
            return ()
        shown = sections(self.answer.session.scenario, self.answer.inventory)
        self.spots = lay_out(shown, width, height - FOOT)
        rows = form_rows(shown, self.spots, width, self.cursor, self.refused)
        room = max(height - FOOT, 1)
        self.top = scroll_to(self.top, self.spots[self.cursor].y, len(rows), room)
        visible = rows[self.top : self.top + room]
        visible += standings(self.answer, width, room - len(visible))
        blank: list[Row] = [[]] * (room - len(visible))
        return [*visible, *blank, *self._foot(width)]

    def _foot(self, cells: int) -> list[Row]:
        """What the field is, or why its text is refused, and what the scenario comes to; a long text takes the whole
        foot.
        """
        field = self.spots[self.cursor].field
        text, style = (f"✗ {self.refused}", "bad") if self.refused else (about(field, cells - 2), "text")
        first, *more = wrap_text(text, cells - 2)
        keys = "h/l next  " if field.choices else "h/l half, twice  " if field.is_number else ""
        how: Row = [("enter", "key"), (" type  ", "dim"), (keys, "dim")]
        room = not more and not self.refused and len(first) + 1 + width(how) < cells
        rows = [justify([(f" {first}", style)], how if room else [], cells)]
        rows += [fit_row([(f" {line}", style)], cells) for line in ([clip(" ".join(more), cells - 2)] if more else [])]
        return [*rows, result_row(self.answer, cells) if self.answer else []][:FOOT]

    def on_click(self, event: events.Click) -> None:
        """Chooses the field under the pointer."""
        under = [
            at for at, spot in enumerate(self.spots) if spot.y == event.y + self.top and event.x < spot.x + spot.cells
        ]
        if under and event.y < self.size.height - FOOT:
            self.choose(under[0])

    @property
    def cursor(self) -> int:
        """Place of the chosen field among the fields; the first where it is not shown any more."""
        return next((at for at, spot in enumerate(self.spots) if spot.field.name == self.field), 0)

    def choose(self, at: int) -> None:
        if not self.spots:  # nothing was drawn yet
            return
        self.field = self.spots[max(0, min(at, len(self.spots) - 1))].field.name
        self.redraw()

    @property
    def chosen(self) -> Spot:
        """The chosen field's place on the form; in a window too small to draw in, as if it had the room."""
        if not self.spots and self.answer is not None:
            shown = sections(self.answer.session.scenario, self.answer.inventory)
            self.spots = lay_out(shown, LEAST_WIDTH, LEAST_HEIGHT)
        return self.spots[self.cursor]


class Editor(Input):
    """The line editor over the value of the form's chosen field."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "close", "Leave", show=False),
        Binding("down,tab", "screen.finish(1)", "Next field", show=False, priority=True),
        Binding("up,shift+tab", "screen.finish(-1)", "Field before", show=False, priority=True),
    ]

    class Left(Message):
        """Message: typing is over."""

    def __init__(self) -> None:
        super().__init__(select_on_focus=True, compact=True)
        self.cursor_blink = False
        self.display = self.can_focus = False

    def open(self, spot: Spot, top: int) -> None:
        """Opens over one field of a form whose first shown row is `top`."""
        self.styles.offset = (spot.x, spot.y - top + HEAD)
        self.styles.width = spot.cells
        self.value, self.placeholder = spot.field.text, spot.field.shown
        self.display = self.can_focus = True
        self.focus()

    def on_blur(self) -> None:
        self.close()

    def action_close(self) -> None:
        self.close()

    def close(self) -> None:
        if self.display:
            self.display = self.can_focus = False
            self.screen.set_focus(None)
            self.post_message(self.Left())


def about(field: Field, cells: int) -> str:
    """What a field is; of choices that one line has no room for, how many there are and those beside the chosen one:
    `optimizer: 3 of 9, adamw-8bit ‹adamw-4bit› adafactor`.
    """
    text, choices = f"{field.name}: {field.option.help}", field.choices
    if len(text) <= cells or len(choices) < 3:
        return text
    if field.text not in choices:
        return f"{field.name}: one of {len(choices)}, the first is {choices[0]}"
    at = choices.index(field.text)
    before, after = (choices[(at + by) % len(choices)] for by in (-1, 1))
    return f"{field.name}: {at + 1} of {len(choices)}, {before} ‹{field.text}› {after}"


def field_named(name: str, answer: Answer) -> Field:
    """A field of the form with what the session holds now. Raises InputError where it does not apply any more."""
    shown = sections(answer.session.scenario, answer.inventory)
    field = next((field for section in shown for field in section.fields if field.name == name), None)
    if field is None:
        raise InputError(name, "does not apply here")
    return field


def standings(answer: Answer, cells: int, lines: int) -> list[Row]:
    """Rows under the form: the first of the leaderboard, where the form leaves room for a few."""
    if lines < LEAST_STANDINGS + 3:
        return []
    frame = TableContext.of(cells, answer)
    shown = answer.rows[: lines - 3]
    rule: Row = [(" " + "─" * (cells - 2), "grid")]
    ranked = [candidate_line(row, at + 1, at == answer.cursor, frame) for at, row in enumerate(shown)]
    return [[], rule, title_line(frame, answer.session.sort, answer.session.reverse), *ranked]


def result_row(answer: Answer, cells: int) -> Row:
    """The first row of the leaderboard in one line, or what keeps everything from fitting."""
    best = answer.board.rows[0] if answer.board.rows else None
    if best is None or best.verdict != "fits":
        return fit_row([(" Nothing fits; the leaderboard says by how much.", "warn")], cells)
    fits = sum(row.verdict == "fits" for row in answer.board.rows)
    figures = [readings.devices(best, answer.inventory), readings.layout_or_setup(best)]
    if best.cost.price_usd_per_hour is not None:
        figures.append(f"{usd(best.cost.price_usd_per_hour)}/h")
    if best.training:
        run = best.training
        figures += [hours_text(run.hours.typical), usd(run.usd.typical) if run.usd else "no price"]
        figures.append(f"{number(run.tokens_per_s.typical)} tok/s")
    else:
        figures.append(f"TTFT {wait_cell(readings.ttft(best))}")
        figures.append(f"TPOT {seconds_cell(readings.tpot(best))}")
        figures.append(quantity(readings.users(best) or 0, "user"))
    name, fit = f" {readings.instance(best)} ", f"{fits} fit "
    while len(name) + len("  ".join(figures)) + len(fit) >= cells and len(figures) > 1:
        figures.pop()
    return justify([(name, "bold"), ("  ".join(figures), "text")], [(fit, "dim")], cells)
