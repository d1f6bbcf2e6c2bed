"""The Memory page: where the bytes of one device go, what would still fit, and the engine's switches."""

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult

from estimator.errors import InputError
from estimator.results import Evaluation, TrainingReport
from estimator.scenario.scenario import EngineSettings
from estimator.serving.memory import ServingMemory
from tui.commands.bindings import bindings
from tui.draw.figures import size
from tui.draw.runs import Row
from tui.pages.facts import bench_of, heading, memory_facts
from tui.pages.memory import memory_page
from tui.pages.training import training_memory_page
from tui.screens.candidate import CandidatePage, CandidateView
from tui.state.answer import Answer
from tui.state.session import Session

PARTS = ("weights", "kv", "activation", "runtime", "graphs", "reserve", "free")
UTILIZATION_STEP = 0.01


class MemoryView(CandidateView):
    """Draws the Memory page; `cursor` is the part whose working `enter` shows."""

    cursor = 0
    parts: tuple[str, ...] = PARTS

    def draw_run(self, answer: Answer, row: Evaluation, run: TrainingReport, width: int, height: int) -> Sequence[Row]:
        self.parts = tuple(part.name for part in run.memory.parts)
        self.cursor = min(self.cursor, len(self.parts) - 1)
        usable = f"a device has {size(run.memory.usable_bytes)}"
        return training_memory_page(heading(answer, row), usable, run, width, height, self.cursor)

    def draw_serving(self, answer: Answer, row: Evaluation, width: int, height: int) -> Sequence[Row]:
        self.parts = PARTS
        return memory_page(memory_facts(answer, row), width, height, self.cursor)


class MemoryScreen(CandidatePage):
    """The Memory page's keys: over the parts, and of the engine's switches, which count for every page."""

    NAME = "memory"
    BINDINGS = bindings(NAME)

    def body(self) -> ComposeResult:
        yield self.bound(MemoryView())

    def action_move(self, by: int) -> None:
        view = self.query_one(MemoryView)
        view.cursor = max(0, min(view.cursor + by, len(view.parts) - 1))
        view.redraw()

    def action_switch(self, name: str, by: int) -> None:
        """Moves one engine setting a step up or down from what the engine uses now."""

        def change(answer: Answer) -> Session:
            if answer.selected is None or answer.selected.memory is None:
                raise InputError(name, "no row with an engine's memory is shown")
            memory = bench_of(answer, answer.selected).memory
            settings = step_setting(answer.session.scenario.settings, memory, name, by)
            return answer.session.with_scenario(replace(answer.session.scenario, settings=settings))

        self.edit(change)

    @property
    def figure(self) -> str:
        """The figure under the cursor, whose working `enter` shows."""
        view = self.query_one(MemoryView)
        return view.parts[view.cursor]


def step_setting(settings: EngineSettings, memory: ServingMemory, name: str, by: int) -> EngineSettings:
    """Engine settings with one of them a step from what `memory` uses: 0.01, or a factor of two."""
    if name == "utilization":
        level = round(memory.utilization + by * UTILIZATION_STEP, 2)
        return replace(settings, memory_utilization=min(max(level, UTILIZATION_STEP), 1.0))
    if name == "sequences":
        return replace(settings, max_num_seqs=_doubled(memory.max_num_seqs, by))
    return replace(settings, max_num_batched_tokens=_doubled(memory.max_num_batched_tokens, by))


def _doubled(value: int, by: int) -> int:
    return value * 2 if by > 0 else max(value // 2, 1)
