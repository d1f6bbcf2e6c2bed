"""What the pages about the selected row share."""

from tui.messages import Edited
from tui.screens.page import Page


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
