"""A model by a few numbers: one line each, what they come to under them."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from catalog.sources import manual
from estimator.errors import InputError
from estimator.printable import without_controls
from tui.draw.figures import number, tokens
from tui.screens.modal import Modal

FIELDS = (
    ("total", "8B", "parameters in all"),
    ("hidden", "4096", "width of the residual stream"),
    ("layers", "32", "decoder layers"),
    ("heads", "32", "query heads of a layer"),
    ("kv-heads", "8", "key and value heads; empty: one for each query head"),
    ("experts", "", "experts of a layer; empty: dense"),
    ("active-experts", "", "experts that a token takes"),
)
"""Name, what stands there at first, and what it is."""


class ByHand(Modal[str | None]):
    """A modal that takes a model's numbers. Returns the parameters as the command line takes them, or None."""

    CSS_PATH = "by_hand.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False, priority=True),
        Binding("down", "app.focus_next", "Next", show=False, priority=True),
        Binding("up", "app.focus_previous", "Before", show=False, priority=True),
    ]

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = "a model by hand"
            frame.border_subtitle = "↑↓ tab field · enter takes it · esc closes"
            for name, text, meaning in FIELDS:
                line = Input(text, placeholder=meaning, id=name, select_on_focus=True)
                line.cursor_blink = False
                with Horizontal():
                    yield Static(name, markup=False)
                    yield line
            yield Static(self._reading()[1], id="reading", markup=False)

    @property
    def written(self) -> str:
        """The typed numbers as `--model` takes them."""
        lines = {line.id: line.value.strip() for line in self.query(Input)} or {name: text for name, text, _ in FIELDS}
        return ",".join(f"{name}={value}" for name, value in lines.items() if value)

    def _reading(self) -> tuple[bool, str]:
        """Whether it is a model, and what it comes to or why it is none."""
        try:
            model = manual.read(self.written)
        except (InputError, ValueError) as error:
            return False, f"✗ {without_controls(str(error))}"
        if model is None:
            return False, "✗ nothing is given"
        shape = model.architecture
        active = f", {number(shape.active_parameters)} active" if shape.is_moe else ""
        cached = f"{2 * (shape.cache_elements(2) - shape.cache_elements(1)):,.0f} B of KV a token"
        return (
            True,
            f"✓ {number(shape.parameters)} parameters{active}, {cached}, {tokens(shape.max_context)} of context",
        )

    @on(Input.Changed)
    def read(self) -> None:
        self.query_one("#reading", Static).update(self._reading()[1])

    @on(Input.Submitted)
    def take(self) -> None:
        if self._reading()[0]:
            self.dismiss(self.written)
