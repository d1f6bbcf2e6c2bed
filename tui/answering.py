"""The application without its pages: the session, its history, and the answer that everything else draws."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual import on
from textual.reactive import reactive

from estimator.errors import InputError
from tui import fault
from tui._textual import FrugalApp
from tui.draw import palette
from tui.state import store
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.messages import Edited, Refused
from tui.state.session import History, Session


class AnsweringApp(FrugalApp):
    """Widgets post `Edited`, it answers once, `answer` flows down; nothing else holds state."""

    answer: reactive[Answer | None] = reactive(None, repaint=False, init=False)

    def __init__(
        self,
        calculator: Calculator,
        session: Session,
        kept_in: Path | None = None,
        theme: str = palette.DEFAULT_THEME,
        remapped: Mapping[str, str] | None = None,
        notices: tuple[str, ...] = (),
    ) -> None:
        super().__init__(ansi_color=theme == palette.NO_COLOUR_THEME or None)
        self.calculator = calculator
        self.kept_in = kept_in
        self.unsaved = ""
        """Why the session could not be saved the last time; it is said once, not after every edit."""
        self.remapped = dict(remapped or {})
        self.set_keymap(self.remapped)
        for each in palette.THEMES:
            self.register_theme(each)
        self.theme = theme
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_reactive(AnsweringApp.answer, self._first_answer(session, notices))

    def _first_answer(self, session: Session, notices: tuple[str, ...]) -> Answer:
        """A session that can not be answered any more gives way to the default one, and says so."""
        answer, complaint = self._attempt(session)
        if answer is None:
            copy = store.set_aside(self.kept_in) if self.kept_in else None
            kept = f"; kept as {copy.name}" if copy else ""
            answer, notices = self.calculator.answer(Session()), (*notices, f"session: {complaint}{kept}")
        self.history = History(answer.session)
        return answer._replace(problem=f"✗ {' · '.join(notices)}" if notices else "")

    @on(Edited)
    def take(self, event: Edited) -> None:
        self.show(self.history.to(event.session))

    @on(Refused)
    def refuse(self, event: Refused) -> None:
        self.say(event.reason)

    def edit(self, verb: Callable[[Session], Session]) -> None:
        try:
            self.show(self.history.to(verb(self.history.now)))
        except InputError as error:
            self.say(str(error))

    def show(self, history: History) -> None:
        """Answers the session of now; one that can not be answered is refused and the last answer stays."""
        answer, complaint = self._attempt(history.now)
        if answer is None:
            self.say(complaint)
            return
        moved_only = replace(self.history.now, selection=history.now.selection) == history.now
        self.history = history
        self.answer = answer
        if not moved_only:
            self.save()

    def _attempt(self, session: Session) -> tuple[Answer | None, str]:
        """The answer, or None and why there is none; a fault of ours is told in a line too."""
        try:
            return self.calculator.answer(session, self.answer), ""
        except InputError as error:
            return None, str(error)
        except Exception as error:
            return None, fault.describe_internal_error(error)

    def notify(self, message: str, *, severity: str = "information", **_: Any) -> None:
        """One line in place of the tabs until the next edit; there are no toasts."""
        self.say(message, refused=severity != "information")

    def say(self, text: str, refused: bool = True) -> None:
        """What was refused and why, or what was done."""
        if self.answer:
            self.answer = self.answer._replace(problem=f"✗ {text}" if refused else f"✓ {text}")

    def save(self) -> None:
        complaint = store.save(self.history.now, self.kept_in) if self.kept_in else ""
        if complaint and complaint != self.unsaved:
            self.say(complaint)
        self.unsaved = complaint
