"""The workload page: every input of the scenario, and what it comes to in one line."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from tui.commands.bindings import bindings
from tui.options.fields import stepped, typed
from tui.screens.page import Page
from tui.state.messages import Edited
from tui.widgets.form import Editor, Form

PICKED = {"model": "app.model", "region": "app.region"}
"""Fields that a picker fills."""


class WorkloadScreen(Page):
    """Moves over the fields; a typed value is taken where it is valid, else refused in place with the reason."""

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

    def action_section(self, by: int) -> None:
        """The first field of the next group, or of the one before."""
        form = self.form
        starts = [at for at, spot in enumerate(form.spots) if at == 0 or spot.section != form.spots[at - 1].section]
        beyond = [at for at in starts if (at > form.cursor if by > 0 else at < form.cursor)]
        form.choose((beyond[0] if by > 0 else beyond[-1]) if beyond else (starts[0] if by > 0 else starts[-1]))

    def action_change(self, by: int) -> None:
        """One step: the next choice, twice or half."""
        if self.answer:
            self._take(lambda scenario: stepped(scenario, self.form.chosen.field, by))

    async def action_type(self) -> None:
        """Opens the field for typing; a model or a region is picked from a list."""
        field = self.form.chosen.field
        if field.name in PICKED:
            await self.run_action(PICKED[field.name])
        else:
            self.query_one(Editor).open(self.form.chosen, self.form.top)

    def action_clear(self) -> None:
        """Back to the default of an optional field."""
        name = self.form.chosen.field.name
        self._take(lambda scenario: typed(scenario, name, ""))

    def action_finish(self, by: int) -> None:
        """Takes what was typed and goes on to the next field; what is refused stays open."""
        editor = self.query_one(Editor)
        name, text = self.form.chosen.field.name, editor.value
        if self._take(lambda scenario: typed(scenario, name, text)):
            editor.close()
            self.action_move(by)

    @on(Input.Changed)
    def check(self, event: Input.Changed) -> None:
        """Says at once why a text would be refused; nothing is taken before enter."""
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

    def _take(self, edit: Callable[[Scenario], Scenario]) -> bool:
        """Posts the edited scenario; what is refused is said and changes nothing."""
        if self.answer is None:
            return False
        session = self.answer.session
        try:
            changed = session.with_scenario(edit(session.scenario))
        except InputError as error:
            self.form.refused = error.complaint
            self.form.redraw()
            return False
        self.form.refused = ""
        self.post_message(Edited(changed))
        return True
