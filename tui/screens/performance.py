"""The Performance page: the roofline, time per operator, the throughput curve and the machine's layouts."""

from collections.abc import Sequence

from textual.app import ComposeResult

from estimator.results import Evaluation, TrainingReport
from tui.commands.bindings import bindings
from tui.draw.runs import Row
from tui.pages.facts import heading, performance_facts
from tui.pages.performance import VIEWS, performance_page
from tui.pages.training import training_speed_page
from tui.screens.candidate import CandidatePage, CandidateView, refused_rows
from tui.state.answer import Answer


class PerformanceView(CandidateView):
    """Draws the Performance page; `view` is what is shown where there is no room for all."""

    view = VIEWS[0]

    def draw_run(self, answer: Answer, row: Evaluation, run: TrainingReport, width: int, height: int) -> Sequence[Row]:
        return training_speed_page(heading(answer, row), f"class {row.confidence}", run, width, height)

    def draw_serving(self, answer: Answer, row: Evaluation, width: int, height: int) -> Sequence[Row]:
        if row.performance is None:
            return refused_rows(answer, row, width)
        return performance_page(performance_facts(answer, row), self.view, width, height)


class PerformanceScreen(CandidatePage):
    """The Performance page's keys: they choose what is shown; everything else is the app's."""

    NAME = "performance"
    BINDINGS = bindings(NAME)

    @property
    def figure(self) -> str:
        return "ttft"

    def body(self) -> ComposeResult:
        yield self.bound(PerformanceView())

    def action_next_view(self) -> None:
        shown = self.query_one(PerformanceView)
        shown.view = VIEWS[(VIEWS.index(shown.view) + 1) % len(VIEWS)]
        shown.redraw()
