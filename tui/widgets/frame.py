"""The frame around every page: what is asked, where one is, and which keys there are."""

from collections.abc import Iterable, Mapping, Sequence

from textual.geometry import Size

from estimator.printable import without_controls
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.commands.all import HINTS, commands_at
from tui.commands.command import EVERYWHERE, Command, key_name, keys_of
from tui.draw.figures import number, tokens
from tui.draw.runs import Row, Run, clip, fit_row, justify, width, wrap_text
from tui.state import readings
from tui.state.answer import Answer
from tui.tabs import TABS
from tui.widgets.drawing import Drawing

LEAST_WIDTH = 60
LEAST_HEIGHT = 16
SERVING = ("layouts", "measure", "performance-view")
"""Commands that say nothing about a training run."""


class Head(Drawing):
    """The scenario in one line, and the tabs with the status beside them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page

    def draw(self, width: int, height: int) -> Sequence[Row]:
        if self.answer is None:
            return ()
        if self.app.size.width < LEAST_WIDTH or self.app.size.height < LEAST_HEIGHT:
            return too_small(self.app.size, width)
        said = problem_rows(self.answer.problem, width) if self.answer.problem else []
        return [*[scenario_row(self.answer, width), tabs_row(self.answer, self.page, width)][: 2 - len(said)], *said]


class Hints(Drawing):
    """The commands that work here, as many as there is room for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page

    def draw(self, width: int, height: int) -> Sequence[Row]:
        training = bool(self.answer and self.answer.session.scenario.training)
        works = (
            each
            for each in (*commands_at(self.page), *commands_at(EVERYWHERE))
            if not (training and each.id in SERVING)
        )
        return [hint_row(works, getattr(self.app, "remapped", {}), width)]


def too_small(have: Size, cells: int) -> list[Row]:
    """All that a page shows where it has no room."""
    return [
        [(clip(f"{have.width}x{have.height} is too small.", cells), "warn")],
        [(clip(f"llmcalc-tui needs {LEAST_WIDTH}x{LEAST_HEIGHT}.", cells), "text")],
    ]


def problem_rows(problem: str, cells: int) -> list[Row]:
    """What went wrong, or what was done, in place of the tabs; a long one takes the scenario's line too."""
    style = "bad" if problem.startswith("✗") else "good"
    first, *more = wrap_text(problem, cells - 2)
    return [fit_row([(f" {line}", style)], cells) for line in (first, " ".join(more)) if line]


def scenario_row(answer: Answer, cells: int) -> Row:
    """` Llama-3.3-70B-Instruct fp8 kv bf16 │ 2k→512 x16 │ TTFT<1s │ us-east-1 on-demand`."""
    scenario = answer.session.scenario
    formats, load = _training(scenario.training) if scenario.training else _serving(scenario)
    name: Run = (without_controls(scenario.model.rpartition("/")[2]), "bold")
    groups: list[Row] = [[name, *formats], *load, [(f"{scenario.region} ", "text"), (scenario.price_terms, "dim")]]
    if points := readings.own_points(scenario):
        groups.append([(points, "accent")])
    row: Row = [(" ", "text")]
    for group in groups:
        row += [(" │ ", "grid"), *group] if len(row) > 1 else group
    if width(row) > cells:  # the name of the model gives way, the figures stay
        row[1] = (clip(name[0], max(8, len(name[0]) - (width(row) - cells))), "bold")
    return fit_row(row, cells)


def _serving(scenario: Scenario) -> tuple[Row, list[Row]]:
    """The formats, and the load with its service level."""
    workload = scenario.workload
    load = f"{workload.requests_per_second:g}/s" if workload.requests_per_second else f"x{workload.concurrency:,}"
    request = f"{tokens(workload.input_tokens)}→{tokens(workload.output_tokens)} {load}"
    if workload.prefix_cache_hit:
        request += f" {workload.prefix_cache_hit:.0%} cached"
    asked = " ".join(readings.level_bounds(scenario.service_level))
    formats: Row = [(f" {scenario.weights}", "accent"), (" kv ", "dim"), (scenario.kv, "accent")]
    return formats, [[(request, "text")], *([[(asked, "text")]] if asked else [])]


def _training(run: TrainingWorkload) -> tuple[Row, list[Row]]:
    """The method and optimizer, and the batches with the data."""
    rank = f" r{run.lora_rank}" if run.adapters else ""
    formats: Row = [(f" train {run.method}{rank}", "accent"), (f" {run.optimizer}", "dim")]
    batch = f"{tokens(run.sequence_length)} x{run.global_batch:,}"
    epochs = f" x{run.epochs:g}" if run.epochs != 1 else ""
    return formats, [[(batch, "text")], [(f"{number(run.dataset_tokens)} tokens{epochs}", "text")]]


def tabs_row(answer: Answer, here: str, cells: int) -> Row:
    """The pages by their keys, this one marked, and the status."""
    row: Row = [(" ", "text")]
    for page in TABS:
        if page.name == here:
            row += [(f"[{page.key} {page.title}]", "tab"), (" ", "text")]
        else:
            row += [(f"{page.key} ", "key"), (f"{page.title} ", "dim")]
    return justify(row, status(answer, cells - width(row) - 1), cells)


def status(answer: Answer, cells: int) -> Row:
    """The filter and what it leaves, or the view and the date of the prices."""
    session = answer.session
    if session.filter:
        found = f"{len(answer.rows)} of {len(answer.board.rows)}"
        return [(clip(f"/{without_controls(session.filter)}", cells - len(found) - 1), "accent"), (f" {found} ", "dim")]
    dates = [row.cost.price_as_of for row in answer.board.rows if row.cost.price_as_of]
    said = [*([] if session.view == "instances" else [session.view]), *([f"prices {max(dates)}"] if dates else [])]
    while said and len(" · ".join(said)) > cells:
        said.pop()
    return [(" · ".join(said), "dim"), (" ", "text")]


def hint_row(commands: Iterable[Command], remapped: Mapping[str, str], cells: int) -> Row:
    """`j k move  / filter  m model`: commands of one word share it; what has no room is left off, help never is."""
    groups: dict[str, list[str]] = {}
    for command in commands:
        if command.hint:
            groups.setdefault(command.hint, []).append(key_name(keys_of(command, remapped)[0]))
    rank = {word: at for at, word in enumerate(HINTS)} | {"help": len(HINTS) + 1}
    order = sorted(groups, key=lambda word: rank.get(word, len(HINTS)))
    hints: list[Row] = [[(" ".join(groups[word]), "key"), (f" {word}", "dim")] for word in order]
    while len(hints) > 1 and 1 + sum(width(hint) + 2 for hint in hints) - 2 > cells:
        del hints[-2]
    row: Row = []
    for hint in hints:
        row += [("  " if row else " ", "text"), *hint]
    return fit_row(row, cells)
