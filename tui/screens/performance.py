"""The Performance page: the roofline, time per operator, the throughput curve, the machine's layouts, the latencies by
load."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from estimator.results import Evaluation, TrainingReport
from tui.commands.bindings import bindings
from tui.draw.runs import Row
from tui.pages.facts import heading
from tui.pages.performance import VIEWS, performance_page, shows_everything
from tui.pages.speed_facts import performance_facts
from tui.pages.training import training_speed_page
from tui.screens.candidate import CandidatePage, CandidateView, refused_rows
from tui.state.answer import Answer

if TYPE_CHECKING:
    from tui.pages.latency import LatencyFacts

LATENCY = "latency"
"""The view that is replayed, on a page of its own at any size."""


class PerformanceView(CandidateView):
    """Draws the Performance page; `view` is what is shown where there is no room for all."""

    view = VIEWS[0]
    _replayed: tuple[Answer, Evaluation, "LatencyFacts"] | None = None
    """What was worked out last: a resize draws it again."""

    @property
    def views(self) -> tuple[str, ...]:
        """The views that `o` leads through: what is drawn together counts once."""
        return (VIEWS[0], LATENCY) if shows_everything(*self.size) else (*VIEWS, LATENCY)

    def to_next(self) -> None:
        """On to the next view."""
        at = self.views.index(self.view) if self.view in self.views else 0
        self.view = self.views[(at + 1) % len(self.views)]
        self.redraw()

    def draw_run(self, answer: Answer, row: Evaluation, run: TrainingReport, width: int, height: int) -> Sequence[Row]:
        return training_speed_page(heading(answer, row), f"class {row.confidence}", run, width, height)

    def draw_serving(self, answer: Answer, row: Evaluation, width: int, height: int) -> Sequence[Row]:
        if row.performance is None:
            return refused_rows(answer, row, width)
        if self.view == LATENCY:
            from tui.pages.latency import latency_page  # replays are not read before they are looked at

            return latency_page(self._latency(answer, row), width, height)
        return performance_page(performance_facts(answer, row), self.view, width, height)

    def _latency(self, answer: Answer, row: Evaluation) -> "LatencyFacts":
        from tui.pages.latency import latency_facts

        if self._replayed is None or self._replayed[0] is not answer or self._replayed[1] is not row:
            self._replayed = answer, row, latency_facts(answer, row)
        return self._replayed[2]


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
        self.query_one(PerformanceView).to_next()
