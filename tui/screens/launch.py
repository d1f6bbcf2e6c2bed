"""The launch command of the selected row: every form it is wanted in, each flag with its reason."""

from collections.abc import Sequence
from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size

from estimator.advice.launch import launch
from estimator.engines.profiles import container_image
from estimator.errors import InputError
from estimator.printable import without_controls
from estimator.results import Evaluation
from estimator.training.recipes import recipe
from tui.draw.runs import Row, hang, wrap_text
from tui.pages.facts import bench_of, heading
from tui.pages.launch_forms import Form, command_forms, recipe_forms
from tui.screens.framing import fit_keys, fit_title
from tui.screens.modal import Modal
from tui.screens.scrolling import scroll_bindings
from tui.state.answer import Answer
from tui.widgets.drawing import Drawing


def forms_of(answer: Answer, row: Evaluation) -> tuple[Form, ...]:
    """The forms of a row's launch command. Raises InputError where there is nothing to start."""
    scenario = answer.session.scenario
    if row.training:
        return recipe_forms(recipe(answer.model, scenario, row, answer.inventory))
    command = launch(answer.model, scenario, row, answer.inventory)
    image = container_image(bench_of(answer, row).engine, scenario.engine_version)
    return command_forms(command, row, image)


def broken(line: str, cells: int, style: str = "text") -> list[Row]:
    """A line of a command or file in as many rows as it takes; `↪` marks that a row only goes on, and is not copied."""
    if len(line) <= cells:
        return [[(line, style)]]
    indent = len(line) - len(line.lstrip())
    first, *more = wrap(line.strip(), max(cells - indent - 4, 10), break_on_hyphens=False)
    rows: list[Row] = [[(" " * indent + first, style)]]
    return rows + [[(" " * (indent + 2) + "↪ ", "dim"), (each, style)] for each in more]


class LaunchView(Drawing):
    """Draws one form of a launch command: its text, then the reasons of its flags."""

    at = 0
    top = 0

    def __init__(self, forms: Sequence[Form]) -> None:
        super().__init__()
        self.forms = forms

    @property
    def form(self) -> Form:
        return self.forms[self.at]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(len(self._form_rows(form, width)) for form in self.forms)

    def draw(self, width: int, height: int) -> Sequence[Row]:
        rows = self._form_rows(self.form, width)
        self.top = max(0, min(self.top, len(rows) - height))
        return rows[self.top : self.top + height]

    def _form_rows(self, form: Form, width: int) -> list[Row]:
        tabs: Row = []
        for each in self.forms:
            tabs += [(f"[{each.name}]" if each is form else f" {each.name} ", "tab" if each is form else "dim")]
        rows: list[Row] = [tabs, []]
        for line in form.text.splitlines():
            rows += broken(without_controls(line), width)
        if form.reasons:
            rows.append([])
        names = min(max((len(flag) for flag, _ in form.reasons), default=0), width // 2)
        for flag, why in form.reasons:
            if len(flag) > names:
                rows += [*broken(f" {flag}", width, "accent"), *hang([(" " * (names + 3), "text")], why, "dim", width)]
            else:
                rows += hang([(f" {flag:<{names}}  ", "accent")], why, "dim", width)
        for note in form.notes:
            rows += [[(f" {line}", "warn")] for line in wrap_text(f"! {note}", width - 2)]
        return rows


FORM_KEYS = ("l", "right", "tab", "h", "left", "shift+tab")
"""Keys to the next form, and to the one before."""


class LaunchPanel(Modal[str | None]):
    """The modal of a launch command. Returns the text that is to be copied, or None; acts on nothing itself."""

    CSS_PATH = "panel.tcss"
    BINDINGS = [  # noqa: RUF012
        *scroll_bindings("scroll", "dismiss(None)"),
        Binding(",".join(FORM_KEYS[:3]), "form(1)", "Next form", show=False),
        Binding(",".join(FORM_KEYS[3:]), "form(-1)", "Form before", show=False),
        Binding("y,enter", "copy", "Copy", show=False),
    ]

    def __init__(self, answer: Answer, row: Evaluation) -> None:
        super().__init__()
        self.forms = forms_of(answer, row)
        self.title_text = f"launch · {heading(answer, row)}"

    def compose(self) -> ComposeResult:
        view = LaunchView(self.forms)
        view.border_title = fit_title(self.title_text, self.app.size.width)
        keys = ("h l form", "j k scrolls · y copies") if len(self.forms) > 1 else ("", "j k scrolls · y copies")
        view.border_subtitle = fit_keys(keys, self.app.size.width)
        yield view

    def hears(self, key: str) -> bool:
        """Whether a key does something here; where there is one form there is none to go on to."""
        return super().hears(key) and (len(self.forms) > 1 or key not in FORM_KEYS)

    @property
    def view(self) -> LaunchView:
        return self.query_one(LaunchView)

    def action_form(self, by: int) -> None:
        self.view.at = (self.view.at + by) % len(self.forms)
        self.view.top = 0
        self.view.redraw()

    def action_scroll(self, by: int) -> None:
        self.view.top += by
        self.view.redraw()

    def action_copy(self) -> None:
        self.dismiss(self.view.form.text)


def panel_of(answer: Answer) -> LaunchPanel:
    """The launch modal of the selected row. Raises InputError where nothing can be started there."""
    row = answer.selected
    if row is None:
        raise InputError("launch", "no row is shown; esc clears the filter")
    return LaunchPanel(answer, row)
