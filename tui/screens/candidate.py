"""The base of pages about the selected row."""

from abc import abstractmethod
from collections.abc import Sequence

from estimator.results import Evaluation, TrainingReport
from tui.draw.runs import Row, wrap_text
from tui.pages.facts import bench_of, changes, heading
from tui.pages.memory import advice_rows, heading_row
from tui.screens.page import Page
from tui.state.answer import Answer
from tui.state.readings import refusal
from tui.state.view import step_rows
from tui.widgets.drawing import Drawing


def refused_rows(answer: Answer, row: Evaluation, cells: int) -> list[Row]:
    """Why a row has no figures, and the changes that would give it some."""
    rows: list[Row] = [heading_row(heading(answer, row), "", cells)]
    rows += [[(f" {line}", "warn")] for line in wrap_text(refusal(row), cells - 2)]
    advice = advice_rows([(each.title, each.effect) for each in changes(bench_of(answer, row), row)], cells)
    return [*rows, [], *advice, [], [("   ! ", "key"), ("applies one of them", "dim")]] if advice else rows


class CandidateView(Drawing):
    """Draws the selected row on a page: a run, a served model, or why there is nothing to draw."""

    def draw(self, width: int, height: int) -> Sequence[Row]:
        answer = self.answer
        row = answer.selected if answer else None
        if answer is None or row is None:
            return [[("  No row is shown; esc clears the filter.", "dim")]]
        if row.training is not None:
            return self.draw_run(answer, row, row.training, width, height)
        if row.memory is None:
            return refused_rows(answer, row, width)
        return self.draw_serving(answer, row, width, height)

    @abstractmethod
    def draw_run(self, answer: Answer, row: Evaluation, run: TrainingReport, width: int, height: int) -> Sequence[Row]:
        """The lines of a training run on this page."""

    @abstractmethod
    def draw_serving(self, answer: Answer, row: Evaluation, width: int, height: int) -> Sequence[Row]:
        """The lines of a served model that has a memory report on this page."""


class CandidatePage(Page):
    """A page about one row of the leaderboard; it can move on to the next."""

    def action_step(self, by: int) -> None:
        """Goes on to another row of the leaderboard."""
        self.edit(lambda answer: step_rows(answer, by))

    def action_measure(self) -> None:
        """Asks for a measurement of one's own: a benchmark's result or a start-up log is pasted."""
        from tui.screens.measure import Measure

        answer = self.answer
        row = answer.selected if answer else None
        if answer is None or row is None:
            return
        if row.performance is None:
            self.say("a measured point belongs to a row that serves")
            return
        self.app.push_screen(Measure(bench_of(answer, row)), self.take_scenario)
