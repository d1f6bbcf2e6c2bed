"""The performance page: the roofline, time per operator, the throughput curve and the machine's layouts."""

from collections.abc import Sequence

from textual.app import ComposeResult

from estimator.scenario.scenario import Scenario
from tui.commands.bindings import bindings
from tui.draw.runs import Row
from tui.pages.facts import bench_of, heading, performance_facts
from tui.pages.performance import VIEWS, performance_page
from tui.pages.training import training_speed_page
from tui.screens.candidate import CandidatePage, refused_rows
from tui.state.messages import Edited, Refused
from tui.widgets.drawing import Drawing


class PerformanceView(Drawing):
    """The page's rows; `view` is what is shown where there is no room for all."""

    view = VIEWS[0]

    def draw(self, width: int, height: int) -> Sequence[Row]:
        answer = self.answer
        row = answer.selected if answer else None
        if answer is None or row is None:
            return [[("  No row is shown; esc clears the filter.", "dim")]]
        if row.training is not None:
            aside = f"class {row.confidence}"
            return training_speed_page(heading(answer, row), aside, row.training, width, height)
        if row.performance is None:
            return refused_rows(answer, row, width)
        return performance_page(performance_facts(answer, row), self.view, width, height)


class PerformanceScreen(CandidatePage):
    """Chooses what is shown; everything else is the app's."""

    NAME = "performance"
    BINDINGS = bindings(NAME)
    CSS_PATH = "performance.tcss"

    @property
    def figure(self) -> str:
        return "ttft"

    def body(self) -> ComposeResult:
        yield self.bound(PerformanceView())

    def action_next_view(self) -> None:
        shown = self.query_one(PerformanceView)
        shown.view = VIEWS[(VIEWS.index(shown.view) + 1) % len(VIEWS)]
        shown.redraw()

    def action_measure(self) -> None:
        from tui.screens.measure import Measure

        answer = self.answer
        row = answer.selected if answer else None
        if answer is None or row is None:
            return
        if row.performance is None:
            self.post_message(Refused("a measured point belongs to a row that serves" + " (t)" * bool(row.training)))
            return
        session = answer.session

        def take(scenario: Scenario | None) -> None:
            if scenario is not None:
                self.post_message(Edited(session.with_scenario(scenario)))

        self.app.push_screen(Measure(bench_of(answer, row)), take)
