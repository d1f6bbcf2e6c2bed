"""The list of what runs on a machine: models by formats that fit, growing while one looks; one of them is taken."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from textual import work

from estimator.advice.reverse import Runnable, runs_on
from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.models.model import Model
from estimator.printable import without_controls
from estimator.scenario.scenario import Scenario
from estimator.units import quantity
from tui.draw.cells import count_cell, hours_cell, seconds_cell
from tui.draw.figures import count, number, percent, tokens
from tui.draw.runs import Row, fit_row
from tui.draw.table import Cell, Column, fit_columns
from tui.screens.machines import MachinePicker
from tui.screens.page import Page
from tui.screens.table_picker import WHOLE, TablePicker
from tui.state import readings
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.model_order import by_standing

SLICE_S = 0.015
"""Longest work between two looks at the keyboard; one model takes up to 10 ms on eight devices."""
REDRAWN_S = 0.2
"""Least time between two frames while the list grows: what is sent must be worth it."""
NAME = Column("name", "model", 30, 0, "left", most=44)
SERVING = (
    NAME,
    Column("format", "format", 11, 0, "left"),
    Column("parameters", "params", 7, 4),
    Column("users", "users", 6, 0),
    Column("speed", "tok/s", 6, 1),
    Column("tpot", "TPOT", 6, 3),
    Column("context", "longest", 8, 2),
    Column("class", "class", 5, 5),
)
TRAINING = (
    NAME,
    Column("parameters", "params", 7, 2),
    Column("setup", "setup", 20, 4, "left"),
    Column("speed", "tok/s", 6, 1),
    Column("time", "time", 6, 0),
    Column("mem", "mem", 5, 3),
)


class ReversePicker(TablePicker):
    """A picker of models that run on a machine. Returns the name of one of `runnable`.

    The list grows by appending, so that nothing moves under the cursor.
    """

    PROMPT = "narrow down: qwen 8b fp8 …"
    WIDTH = WHOLE

    def __init__(self, answer: Answer, machine: Machine, calculator: Calculator) -> None:
        super().__init__([])
        self.answer, self.machine, self.calculator = answer, machine, calculator
        self.runnable: dict[str, Runnable] = {}
        known = calculator.catalog.models
        fetched = [name for name in calculator.resolved if name not in known]
        self.order = by_standing(known, (answer.session.scenario.model, *fetched))
        self.looked_at = 0

    def on_mount(self) -> None:
        self.grow()

    @work(exclusive=True, exit_on_error=False)
    async def grow(self) -> None:
        """Judges one model after the other, in slices between which keys are taken."""
        sliced = shown = time.monotonic()
        for each in self._answers():
            if each is not None:
                self.runnable[f"{each.name} {each.weights}"] = each
            if time.monotonic() - sliced > SLICE_S:
                if time.monotonic() - shown > REDRAWN_S:
                    self._show()
                    shown = time.monotonic()
                await asyncio.sleep(0)
                sliced = time.monotonic()
        self._show()

    def _answers(self) -> Iterator[Runnable | None]:
        """Every answer of every model, and a None after each model."""
        answer, scenario = self.answer, self.answer.session.scenario
        for at, name in enumerate(self.order, 1):
            try:
                model = self._model(name)
            except InputError:
                continue
            asked = replace(scenario, model=name)
            yield from runs_on(self.machine, model, asked, answer.inventory, answer.prices)
            self.looked_at = at
            yield None

    def _model(self, name: str) -> Model:
        """A model of this session or of the catalogue, which looking at does not make one of the session's."""
        return self.calculator.resolved.get(name) or self.calculator.catalog.model(name)

    def _show(self) -> None:
        chosen = self.matches[self.cursor] if self.matches else ""
        self.names = list(self.runnable)
        self.matches = self.matching(self.query_text)
        self.cursor = self.matches.index(chosen) if chosen in self.matches else 0
        self.redraw()

    def subject(self) -> str:
        scenario = self.answer.session.scenario
        users = quantity(scenario.workload.concurrency, "user")
        asked = f" at {tokens(scenario.workload.total_tokens)} tokens, {users}"
        return self.machine.id + ("" if scenario.training else asked)

    def columns(self) -> tuple[Column, ...]:
        return TRAINING if self.answer.session.scenario.training else SERVING

    def _columns_at(self, cells: int) -> tuple[Column, ...]:
        return fit_columns(self.columns(), cells)  # the same while the list grows

    def values(self, name: str) -> Mapping[str, Cell]:
        each = self.runnable[name]
        row, shape = each.row, self._model(each.name).architecture
        run = row.training
        return {
            "name": Cell(without_controls(each.name.rpartition("/")[2])),
            "format": Cell(each.weights, "accent"),
            "parameters": Cell(number(shape.parameters).replace("G", "B")),
            "users": Cell(count_cell(readings.users(row))),
            "speed": Cell(count_cell(readings.run_speed(row) if run else readings.throughput(row))),
            "tpot": Cell(seconds_cell(readings.tpot(row))),
            "context": Cell(tokens(each.longest_tokens)),
            "class": Cell(row.confidence),
            "setup": Cell(readings.setup(row)),
            "time": Cell(hours_cell(readings.run_hours(row))),
            "mem": Cell(percent(readings.run_memory_share(row))),
        }

    def nothing(self, cells: int) -> Row:
        looking = self.looked_at < len(self.order)
        return fit_row([("looking …" if looking else "nothing fits there", "dim")], cells)

    def status(self) -> str:
        left = f", {self.looked_at} of {len(self.order)} models" if self.looked_at < len(self.order) else ""
        return f"{count(len(self.matches))} fit{left}"


def ask(page: Page, calculator: Calculator) -> None:
    """Asks for a machine, lists what runs on it, and makes what is chosen there the session's scenario."""
    answer = page.answer
    if answer is None:
        return
    current = answer.selected.candidate.machine if answer.selected else ""
    picker = MachinePicker(answer.inventory, answer.prices, current)

    def list_models(name: str | None) -> None:
        if name and page.answer:
            listed = ReversePicker(page.answer, picker.machines[name], calculator)
            page.app.push_screen(listed, lambda chosen: take(listed.runnable[chosen].scenario if chosen else None))

    def take(scenario: Scenario | None) -> None:
        page.take_scenario(scenario)

    page.app.push_screen(picker, list_models)
