"""The rows of the leaderboard, as many as there is room for."""

from collections.abc import Sequence

from textual import events
from textual.message import Message

from tui.draw.leaderboard import Frame, candidate_line, heading_line, lines, title_line
from tui.draw.runs import Row
from tui.widgets.drawn import Drawn


class Rows(Drawn):
    """The line-drawn table. It scrolls by half pages, so that most steps send nothing but the cursor."""

    class Chosen(Message):
        """A row was clicked."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    class Scrolled(Message):
        """The wheel turned by so many rows."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    _top = 0

    @property
    def half_page(self) -> int:
        return max(1, (self.size.height - 1) // 2)

    def draw(self, width: int, height: int) -> Sequence[Row]:
        answer = self.answer
        if answer is None:
            return ()
        frame = Frame.of(width, answer.before, answer.inventory)
        shown = lines(answer.rows, answer.session.view)
        cursor = shown.index(answer.cursor) if shown else 0
        self._top = scrolled(self._top, cursor, len(shown), height - 1)
        rows = [title_line(frame, answer.session.sort, answer.session.reverse)]
        for each in shown[self._top : self._top + height - 1]:
            if isinstance(each, str):
                rows.append(heading_line(each, width))
            else:
                rows.append(candidate_line(answer.rows[each], each + 1, each == answer.cursor, frame))
        if not shown:
            rows.append(heading_line("no row passes the filter; esc clears it", width))
        return rows

    def on_click(self, event: events.Click) -> None:
        at = self._top + event.y - 1
        shown = lines(self.answer.rows, self.answer.session.view) if self.answer else []
        if event.y >= 1 and at < len(shown) and isinstance(position := shown[at], int):
            self.post_message(self.Chosen(position))

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Scrolled(-1))


def scrolled(top: int, cursor: int, total: int, height: int) -> int:
    """The first line to show: as before while the cursor is in sight, else half a page beyond it."""
    if height <= 0 or total <= height:
        return 0
    if cursor < top:
        top = cursor - height // 2
    elif cursor >= top + height:
        top = cursor - (height - 1) // 2
    if cursor <= 1:
        top = 0
    return max(0, min(top, total - height))
