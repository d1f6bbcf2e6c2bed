"""The Compare page: pins side by side, and all of them on one chart of cost against speed."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult

from estimator.errors import InputError
from tui.commands.bindings import bindings
from tui.draw.runs import Row, fit_row
from tui.draw.tradeoff import tradeoff
from tui.pages.compare import FIXED, Cursor, compare_page, compare_table, empty_page
from tui.pages.comparison import lines_for
from tui.pages.cost_facts import cost_curves
from tui.screens.page import Page
from tui.state.answer import Answer
from tui.state.pins import LETTERS, Pins, dropped_pin, moved_pin, renamed_pin
from tui.state.session import Session
from tui.widgets.drawing import Drawing, scroll_to


class CompareView(Drawing):
    """Draws the table of pins, or their chart; the cursor is a figure of a pin."""

    cursor = Cursor(0, 0)
    chart = False
    top = 0

    @property
    def pins(self) -> Pins:
        return self.answer.session.pins if self.answer else ()

    @property
    def answers(self) -> list[Answer | None]:
        """The answer of each pin; None where its scenario can not be asked any more."""
        return [_answer_of(self.answer, at) for at in range(len(self.pins))]

    def draw(self, width: int, height: int) -> Sequence[Row]:
        answers = self.answers
        self.move(0, 0)
        if self.chart and self.pins:
            level = self.answer.session.scenario.service_level.tpot_s if self.answer else None
            rows = tradeoff(width, height - 1, cost_curves(self.pins, answers), 1 / level if level else None)
            return [*rows, fit_row([(" down is cheaper, right is faster for one user · g table", "dim")], width)]
        if self.pins:
            rows, chosen = compare_table(answers, self.cursor, width, height)
            self.top = scroll_to(self.top, chosen, len(rows), height - FIXED)
            table = rows[self.top : self.top + height - FIXED]
            return compare_page(self.pins, answers, self.cursor, width, height, table)
        return empty_page(width, height)

    def move(self, lines: int, columns: int) -> None:
        """Moves the cursor by lines and columns, held inside the table."""
        most = len(lines_for(self.answers)) - 1
        line, column = self.cursor.line + lines, self.cursor.column + columns
        self.cursor = Cursor(max(0, min(line, most)), max(0, min(column, len(self.pins) - 1)))


class CompareScreen(Page):
    """The Compare page's keys; a pin is moved, dropped, named and opened by the session's verbs."""

    NAME = "compare"
    BINDINGS = bindings(NAME)

    def body(self) -> ComposeResult:
        yield self.bound(CompareView())

    @property
    def view(self) -> CompareView:
        return self.query_one(CompareView)

    def action_move(self, by: int) -> None:
        self.view.move(by, 0)
        self.view.redraw()

    def action_column(self, by: int) -> None:
        self.view.move(0, by)
        self.view.redraw()

    def action_shift(self, by: int) -> None:
        """Moves the chosen pin by some places, the cursor with it; the first place is the baseline's."""
        at = self.view.cursor.column
        self._change_pins(lambda pins: moved_pin(pins, at, by))
        self.action_column(by)

    def action_drop(self) -> None:
        at = self.view.cursor.column
        self._change_pins(lambda pins: dropped_pin(pins, at))

    def action_open(self) -> None:
        """Makes the chosen pin's scenario the session's, on the leaderboard."""
        at = self.view.cursor.column

        def change(answer: Answer) -> Session:
            if not answer.session.pins:
                raise InputError("open", "nothing is pinned")
            return answer.session.opening(answer.session.pins[at])

        if not self.edit(change):
            self.app.call_later(self.app.run_action, "app.page('leaderboard')")

    def action_chart(self) -> None:
        self.view.chart = not self.view.chart
        self.view.redraw()

    def action_rename(self) -> None:
        from tui.screens.name import NameLine

        at, pins = self.view.cursor.column, self.view.pins
        if not pins:
            self.say("nothing is pinned")
            return

        def rename(name: str | None) -> None:
            if name is not None:
                self._change_pins(lambda pins: renamed_pin(pins, at, name))

        self.app.push_screen(NameLine(f"name of pin {LETTERS[at]}", pins[at].label), rename)

    def action_panel(self, name: str) -> None:
        """Opens a panel about the chosen pin; what it offers would change the pin's scenario, so it is only read."""
        from tui.screens.panel import Panel
        from tui.screens.panels import PANELS

        view = self.view
        answer = _answer_of(view.answer, view.cursor.column)
        if answer is None:
            self.say("no pin is shown")
            return
        line = lines_for(view.answers)[view.cursor.line]
        self.app.push_screen(Panel(PANELS[name](answer, answer.rows[0], line.working)), self.take_scenario)

    def copied_text(self) -> str:
        """The comparison as a table, for the clipboard."""
        from tui.screens.exports import comparison_text

        return comparison_text(self.view.answers, self._labels) if self.view.pins else ""

    def exported_text(self, ending: str) -> str:
        """The comparison as a file of a kind: a report, JSON, or its rows as CSV."""
        from tui.screens.exports import comparison_json, comparison_report, table_csv

        answers = self.view.answers
        if ending == "csv":
            return table_csv([answer.rows[0] for answer in answers if answer is not None])
        return comparison_json(answers, self._labels) if ending == "json" else comparison_report(answers, self._labels)

    @property
    def _labels(self) -> list[str]:
        return [pin.label for pin in self.view.pins]

    def _change_pins(self, change: Callable[[Pins], Pins]) -> None:
        self.edit(lambda answer: answer.session.with_pins(change(answer.session.pins)))


def _answer_of(answer: Answer | None, at: int) -> Answer | None:
    """The answer of one pin; None where there is none, or its scenario can not be asked any more."""
    if answer is None or answer.pinned is None or at >= len(answer.session.pins):
        return None
    try:
        return answer.pinned(answer.session.pins[at])
    except (InputError, KeyError):
        return None
