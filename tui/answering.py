"""The application without its pages: the session, its history, and the answer that everything else draws."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.reactive import reactive

from estimator.errors import InputError
from tui import fault
from tui._textual import FrugalApp
from tui.draw import palette
from tui.state import store
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.editing import Change
from tui.state.last_frame import Drawings, LastFrame
from tui.state.session import History, Session

if TYPE_CHECKING:
    from catalog.load import Catalog


class AnsweringApp(FrugalApp):
    """The application's state: pages hand it changes, it answers once, and `answer` flows down to them."""

    answer: reactive[Answer | None] = reactive(None, repaint=False, init=False)

    def __init__(
        self,
        calculator: Calculator,
        session: Session,
        kept_in: Path | None = None,
        theme: str = palette.DEFAULT_THEME,
        remapped: Mapping[str, str] | None = None,
        notices: tuple[str, ...] = (),
        answer: Answer | None = None,
        frame: LastFrame | None = None,
        opening: Drawings | None = None,
    ) -> None:
        """`answer` is the session's, where it was worked out already. `frame` keeps what was drawn for it; `opening` is
        what it kept of this very question, shown first.
        """
        super().__init__(ansi_color=theme == palette.NO_COLOUR_THEME or None)
        self.calculator = calculator
        self.kept_in = kept_in
        self.stamp = store.stamp(kept_in)
        """When the file was last read or written here."""
        self.unsaved = ""
        """Why the session could not be saved the last time; it is said once, not after every edit."""
        self._said_keys: set[tuple[str, str, str]] = set()
        """Keys that do nothing, by page and task, of which that was said."""
        self.remapped = dict(remapped or {})
        self.set_keymap(self.remapped)
        for each in palette.THEMES:
            self.register_theme(each)
        self.theme = theme
        self.stylesheet.set_variables(self.get_css_variables())
        self.frame, self.opening = frame, opening or {}
        self.history = History(session)
        if not self.opening:
            self.set_reactive(AnsweringApp.answer, self._first_answer(session, notices, answer))

    def answer_opening(self) -> None:
        """Replaces the last frame by the answer: after the first paint, or before the first key has its effect."""
        if self.answer is None:
            self.answer = self._first_answer(self.history.now, self.calculator.catalog.problems, None)

    def _first_answer(self, session: Session, notices: tuple[str, ...], answer: Answer | None) -> Answer:
        """A session that can not be answered any more gives way to the default one, and says so."""
        answer, complaint = (answer, "") if answer else self._attempt(session)
        if answer is None:
            copy = store.set_aside(self.kept_in) if self.kept_in else None
            kept = f"; kept as {copy.name}" if copy else ""
            answer, notices = self.calculator.answer(Session()), (*notices, f"session: {complaint}{kept}")
        self.history = History(answer.session)
        return answer._replace(problem=f"✗ {' · '.join(notices)}" if notices else "")

    def edit(self, change: Change) -> str:
        """Makes a change of the session as it is now; returns why it was refused, or nothing."""
        assert self.answer is not None
        try:
            session = change(self.answer)
        except InputError as error:
            self.say(str(error))
            return str(error)
        return self.show(self.history.to(session))

    def show(self, history: History) -> str:
        """Answers a history's present session; one that can not be answered is refused and the last answer stays."""
        answer, complaint = self._attempt(history.now)
        if answer is None:
            self.say(complaint)
            return complaint
        moved_only = self.history.now.with_cursor_of(history.now) == history.now
        self.history = history
        self.answer = answer
        if not moved_only:
            self.save()
        return ""

    def adopt(self, session: Session, kept_in: Path, notice: str = "") -> str:
        """Goes on with another session, written back to its own file; returns why it can not be answered, or nothing.

        The one before is saved where it is kept.
        """
        self.save()
        answer, complaint = self._attempt(session)
        if answer is None:
            self.say(complaint)
            return complaint
        self.history, self.kept_in, self.stamp = History(answer.session), kept_in, store.stamp(kept_in)
        self.answer = answer._replace(before={}, problem=notice)
        return ""

    def keep_in(self, path: Path) -> str:
        """Writes the session to a file, where it is kept from now on; returns a complaint, or nothing."""
        complaint = self._write(path)
        if not complaint:
            self.kept_in, self.unsaved = path, ""
        return complaint

    def _write(self, path: Path) -> str:
        complaint = store.save(self.history.now, path)
        self.stamp = store.stamp(path)
        return complaint

    def answer_from(self, catalog: "Catalog") -> None:
        """Answers the present session from another catalogue, since its prices have changed."""
        self.calculator.take(catalog)
        self.answer = self.calculator.answer(self.history.now)

    def _attempt(self, session: Session) -> tuple[Answer | None, str]:
        """The answer, or None and why there is none; a fault of ours is told in a line too."""
        try:
            return self.calculator.answer(session, self.answer), ""
        except InputError as error:
            return None, str(error)
        except Exception as error:
            return None, fault.describe_internal_error(error)

    def notify(self, message: str, *, severity: str = "information", **_: Any) -> None:
        """Shows one line in the place of the hints until the next key; there are no toasts."""
        self.say(message, refused=severity != "information")

    def unsay(self) -> None:
        """Takes away the message in the place of the hints."""
        if self.answer and self.answer.problem:
            self.answer = self.answer._replace(problem="")

    def say(self, text: str, refused: bool = True) -> None:
        """Shows, until the next key, what was refused and why, or what was done."""
        if self.answer:
            self.answer = self.answer._replace(problem=f"✗ {text}" if refused else f"✓ {text}")

    def save(self) -> None:
        complaint = ""
        if self.kept_in:
            complaint = store.changed_by_another(self.kept_in, self.stamp) or self._write(self.kept_in)
        if complaint and complaint != self.unsaved:
            self.say(complaint)
        self.unsaved = complaint
