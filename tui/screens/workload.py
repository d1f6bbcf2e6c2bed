"""The Workload page: every input of the scenario, and what it comes to in one line."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from estimator.errors import InputError
from estimator.models.drafter import drafter_upload
from estimator.scenario.scenario import Scenario
from tui.commands.bindings import bindings
from tui.options.fields import Field, stepped, typed
from tui.screens.page import Page
from tui.state.answer import Answer
from tui.state.session import Session
from tui.widgets.form import Editor, Form, field_named

PICKED = {"model": "app.model", "region": "app.region"}
"""Fields that a picker fills."""


def unmoved(field: Field, by: int) -> str:
    """Why a step leaves a field as it was."""
    if field.is_number and field.name not in PICKED:
        return f"{field.name} goes no {'higher' if by > 0 else 'lower'} than {field.shown}"
    return f"{field.name} has no steps; enter {'chooses' if field.name in PICKED else 'types'} it"


class WorkloadScreen(Page):
    """The Workload page's keys: over the fields; a typed value is taken where it is valid, else refused with the
    reason.
    """

    NAME = "workload"
    BINDINGS = bindings(NAME)
    CSS_PATH = "workload.tcss"

    def body(self) -> ComposeResult:
        yield self.bound(Form())
        yield Editor()

    @property
    def form(self) -> Form:
        return self.query_one(Form)

    def action_move(self, by: int) -> None:
        self.form.choose(self.form.cursor + by)

    def action_end(self, by: int) -> None:
        """Moves to the first field or the last one."""
        self.form.choose(0 if by < 0 else len(self.form.spots) - 1)

    def action_section(self, by: int) -> None:
        """Moves to the first field of the next group, or of the one before."""
        form = self.form
        starts = [at for at, spot in enumerate(form.spots) if at == 0 or spot.section != form.spots[at - 1].section]
        beyond = [at for at in starts if (at > form.cursor if by > 0 else at < form.cursor)]
        form.choose((beyond[0] if by > 0 else beyond[-1]) if beyond else (starts[0] if by > 0 else starts[-1]))

    def action_change(self, by: int) -> None:
        """Changes the field by one step: the next choice, twice or half."""
        name = self.form.field
        before = self.answer
        taken = self._take(lambda answer: stepped(answer.session.scenario, field_named(name, answer), by))
        if taken and before and self.answer and self.answer.session.scenario == before.session.scenario:
            self.say(unmoved(self.form.chosen.field, by))

    async def action_type(self) -> None:
        """Opens the field for typing; a model or a region is picked from a list."""
        field = self.form.chosen.field
        if field.name in PICKED:
            await self.run_action(PICKED[field.name])
        else:
            self.query_one(Editor).open(self.form.chosen, self.form.top)

    def action_clear(self) -> None:
        """Sets an optional field back to its default."""
        name = self.form.field
        self._take(lambda answer: typed(answer.session.scenario, name, ""))

    def action_finish(self, by: int) -> None:
        """Takes the typed value and goes on to the next field; a refused one stays open, a drafter that is not at hand
        is fetched first.
        """
        name, text = self.form.field, self.query_one(Editor).value
        drafter = drafter_upload(text.strip() or None) if name == "draft-model" else None
        calculator = self.session_editor.calculator
        if drafter is None or calculator.knows(drafter):
            self._finish(name, text, by)
            return
        from tui.screens.fetch import Fetch

        self.app.push_screen(Fetch(drafter, calculator), lambda model: self._finish(name, text, by) if model else None)

    def _finish(self, name: str, text: str, by: int) -> None:
        if not self._take(lambda answer: typed(answer.session.scenario, name, text)):
            return
        self.query_one(Editor).close()
        self.action_move(by)
        if name == "engine" and self.answer:
            asked = self.answer.session.scenario
            note = self.answer.inventory.newer_version(asked.engine, asked.engine_version)
            if note:
                self.say(note, refused=False)

    @on(Input.Changed)
    def check(self, event: Input.Changed) -> None:
        """Says at once why a typed value would be refused; nothing is taken before enter."""
        form, editor = self.form, self.query_one(Editor)
        if not editor.display or self.answer is None:
            return
        try:
            typed(self.answer.session.scenario, form.chosen.field.name, event.value)
        except InputError as error:
            form.refused = error.complaint
        else:
            form.refused = ""
        form.redraw()

    @on(Input.Submitted)
    def submit(self) -> None:
        self.action_finish(0)

    @on(Editor.Left)
    def forget(self) -> None:
        self.form.refused = ""
        self.form.redraw()

    def _take(self, edit: Callable[[Answer], Scenario]) -> bool:
        """Makes the edit; what is refused changes nothing, and is said under the form while the field is typed into."""

        def change(answer: Answer) -> Session:
            return answer.session.with_scenario(edit(answer))

        complaint = self.edit(change)
        if complaint and self.query_one(Editor).display:
            self.form.refused = complaint.removeprefix(f"{self.form.field}: ")
            self.session_editor.unsay()
        else:
            self.form.refused = ""
        self.form.redraw()
        return not complaint
