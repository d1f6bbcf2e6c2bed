"""The presets as a list: what each asks, one key takes it."""

from collections.abc import Mapping

from estimator.scenario.presets import PRESETS, Preset, cut_to_context
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_presets import TRAINING_PRESETS, TrainingPreset
from tui.draw.figures import tokens
from tui.draw.table import Cell, Column
from tui.screens.page import Page
from tui.screens.table_picker import TablePicker
from tui.state.answer import Answer
from tui.state.readings import level_bounds
from tui.state.session import Session

NAME = Column("preset", "preset", 6, 0, "left")
LOADS = (
    NAME,
    Column("load", "load", 4, 0, "left"),
    Column("cached", "cached", 6, 2),
    Column("bound", "within", 6, 1, "left"),
)
RUNS = (
    NAME,
    Column("method", "method", 6, 0, "left"),
    Column("batch", "batch", 5, 1, "left"),
    Column("machine", "machine", 7, 2, "left"),
)
MARK = " ‹"
"""Behind the preset that is asked for."""


class PresetPicker(TablePicker):
    """A picker of presets. Returns the name of one of the task that is asked."""

    PROMPT = "preset: rag, agent, qlora …"
    WIDTH = 110
    DETAIL = 2

    def __init__(self, scenario: Scenario) -> None:
        self.training = scenario.training is not None
        own: tuple[Preset | TrainingPreset, ...] = TRAINING_PRESETS if scenario.training else PRESETS
        self.presets: Mapping[str, Preset | TrainingPreset] = {f"{each.name} {each.title}": each for each in own}
        now = next((name for name, each in self.presets.items() if each.describes(scenario)), "")
        super().__init__(list(self.presets), now)
        self.now = now

    def columns(self) -> tuple[Column, ...]:
        return RUNS if self.training else LOADS

    def values(self, name: str) -> Mapping[str, Cell]:
        each = self.presets[name]
        return {"preset": Cell(each.name + MARK * (name == self.now)), **asked_cells(each)}

    def called(self, name: str) -> str:
        each = self.presets[name]
        return f"{each.name}, {each.title}"

    def detail_lines(self, cells: int) -> int:
        return self.DETAIL


def asked_cells(preset: Preset | TrainingPreset) -> dict[str, Cell]:
    """A preset's load and level, or its run and machine, in the words of the header."""
    if isinstance(preset, TrainingPreset):
        run = preset.workload
        batch = f"{tokens(run.sequence_length)} x{run.global_batch}"
        return {"method": Cell(run.method), "batch": Cell(batch), "machine": Cell(preset.instance or "")}
    work = preset.workload
    return {
        "load": Cell(f"{tokens(work.input_tokens)}→{tokens(work.output_tokens)} x{work.concurrency}"),
        "cached": Cell(f"{work.prefix_cache_hit:.0%}" if work.prefix_cache_hit else ""),
        "bound": Cell(" ".join(level_bounds(preset.service_level))),
    }


def ask(page: Page) -> None:
    """Asks for a preset of the session's task and applies it."""
    if page.answer is None:
        return
    picker = PresetPicker(page.answer.session.scenario)

    def take(name: str | None) -> None:
        if not name:
            return
        words: list[str] = []

        def applied(answer: Answer) -> Session:
            asked = picker.presets[name].applied_to(answer.session.scenario)
            longest = answer.model.architecture.max_context if asked.model == answer.session.scenario.model else None
            shorter, cut = cut_to_context(asked, longest)
            words.append(cut)
            return answer.session.with_scenario(shorter)

        if not page.edit(applied) and words and words[-1]:
            page.say(words[-1], refused=False)

    page.app.push_screen(picker, take)
