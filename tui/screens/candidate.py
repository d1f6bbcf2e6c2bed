"""What the pages about the selected row share."""

from estimator.results import Evaluation
from tui.draw.runs import Row, wrap_text
from tui.pages.facts import bench_of, changes, heading
from tui.pages.memory import advice_rows, heading_row
from tui.screens.page import Page
from tui.state.answer import Answer
from tui.state.columns import refusal
from tui.state.messages import Edited


def refused_rows(answer: Answer, row: Evaluation, cells: int) -> list[Row]:
    """Why a row has no figures, and the changes that would give it some."""
    rows: list[Row] = [heading_row(heading(answer, row), "", cells)]
    rows += [[(f" {line}", "warn")] for line in wrap_text(refusal(row), cells - 2)]
    advice = advice_rows([(each.title, each.effect) for each in changes(bench_of(answer, row), row)], cells)
    return [*rows, [], *advice, [], [("   ! ", "key"), ("applies one of them", "dim")]] if advice else rows


class CandidatePage(Page):
    """A page about one row of the leaderboard; it can move on to the next."""

    def on_screen_resume(self) -> None:
        """The page stays with its row, whatever an edit does to the order."""
        answer = self.answer
        if answer is not None and answer.selected is not None and not answer.session.selection:
            self.post_message(Edited(answer.session.selecting(answer.selected.candidate.machine)))

    def action_step(self, by: int) -> None:
        answer = self.answer
        if answer is not None and answer.rows:
            row = answer.rows[max(0, min(answer.cursor + by, len(answer.rows) - 1))]
            self.post_message(Edited(answer.session.selecting(row.candidate.machine)))
