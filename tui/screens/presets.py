"""The presets as a list: what each asks, one key takes it."""

from collections.abc import Mapping

from estimator.scenario.presets import PRESETS, Preset, cut_to_context
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_presets import TRAINING_PRESETS, TrainingPreset
from tui.draw.figures import tokens
from tui.draw.runs import Row, fit_row
from tui.screens.page import Page
from tui.screens.picker import Picker
from tui.state.answer import Answer
from tui.state.readings import level_bounds
from tui.state.session import Session

MARK = " ‹"
"""Behind the preset that is asked for."""


class PresetPicker(Picker):
    """A picker of presets. Returns the name of one of the task that is asked."""

    PROMPT = "preset: rag, agent, qlora …"
    DETAIL = 2

    def __init__(self, scenario: Scenario) -> None:
        own: tuple[Preset | TrainingPreset, ...] = TRAINING_PRESETS if scenario.training else PRESETS
        self.presets: Mapping[str, Preset | TrainingPreset] = {f"{each.name} {each.title}": each for each in own}
        now = next((name for name, each in self.presets.items() if each.describes(scenario)), "")
        super().__init__(list(self.presets), now)
        self.now = now
        self.names_cells = 2 + max(len(each.name) + len(MARK) * each.describes(scenario) for each in own)

    def heading(self, cells: int) -> list[Row]:
        return [fit_row([(f"{'preset':<{self.names_cells}}what it asks", "title")], cells)]

    def line(self, name: str, cells: int, highlighted: bool) -> Row:
        each = self.presets[name]
        mark = MARK if name == self.now else ""
        return fit_row(
            [
                (f"{each.name + mark:<{self.names_cells}}", "cursor" if highlighted else "text"),
                (asked(each), "text"),
            ],
            cells,
        )

    def detail(self, name: str) -> str:
        each = self.presets[name]
        return f"{asked(each)}: {each.title}"


def asked(preset: Preset | TrainingPreset) -> str:
    """A preset's load and level, or its run, in the words of the header."""
    if isinstance(preset, TrainingPreset):
        run = preset.workload
        return " ".join((run.method, f"{tokens(run.sequence_length)} x{run.global_batch}", preset.instance or ""))
    work = preset.workload
    cached = f" {work.prefix_cache_hit:.0%} cached" if work.prefix_cache_hit else ""
    load = f"{tokens(work.input_tokens)}→{tokens(work.output_tokens)} x{work.concurrency}{cached}"
    return " ".join((load, *level_bounds(preset.service_level)))


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
