"""The first two lines of every page: the scenario with all that is not default, and the tabs with the status."""

from collections.abc import Mapping, Sequence

from estimator.printable import without_controls
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.draw.figures import number, tokens
from tui.draw.runs import Row, clip, fit_row, justify, width
from tui.state.answer import Answer
from tui.state.chips import Chip, chips
from tui.state.readings import is_owned, load
from tui.tabs import TABS

MOST_STATUS = 34
"""Cells for which a filter shortens the titles of the tabs."""
SHORTEST_MODEL = 8
"""Cells of the model's name that always stay."""


def scenario_row(scenario: Scenario, cells: int) -> Row:
    """The scenario line: ` Llama-3.3-70B-Instruct fp8 kv bf16 │ 2k→512 x16 │ util .95 · TP4 │ us-east-1 on-demand`.

    Where it is too long the default place goes first, then chips from the right (`+2` says how many), and the model's
    name last.
    """
    formats, load = _training(scenario.training) if scenario.training else _serving(scenario)
    groups: list[Row] = [[_model(scenario), *formats], *load]
    shown = chips(scenario)
    plain = Scenario()
    here = (scenario.region, scenario.price_terms) == (plain.region, plain.price_terms)
    options = []
    if here and scenario.deployment == "cloud":
        options.append(_join(groups, shown, [(f"{scenario.region} ", "text"), (scenario.price_terms, "dim")]))
    options += [_join(groups, shown[:count], [], len(shown) - count) for count in range(len(shown), -1, -1)]
    if scenario.training:  # the data, then the optimizer, before the model's name
        options += [_join(less, (), [], len(shown)) for less in (groups[:-1], [groups[0][:-1], *groups[1:-1]])]
    row = next((row for row in options if width(row) <= cells), options[-1])
    if width(row) > cells:
        name, style = row[1]
        row[1] = (clip(name, max(SHORTEST_MODEL, len(name) - (width(row) - cells))), style)
    return fit_row(row, cells)


def _join(groups: Sequence[Row], shown: Sequence[Chip], place: Row, hidden: int = 0) -> Row:
    """The groups between bars: what is asked, the chips, how many more there are, the place."""
    named: Row = []
    for chip in shown:
        named += [*([(" · ", "grid")] if named else []), (chip.text, "accent")]
    if hidden:
        named += [(" " if named else "", "text"), (f"+{hidden}", "warn")]
    row: Row = [(" ", "text")]
    for group in (*groups, named, place):
        if group:
            row += [(" │ ", "grid"), *group] if len(row) > 1 else group
    return row


def _model(scenario: Scenario) -> tuple[str, str]:
    return without_controls(scenario.model.rpartition("/")[2]), "bold"


def _serving(scenario: Scenario) -> tuple[Row, list[Row]]:
    """The formats, and the load."""
    workload = scenario.workload
    answer = "" if workload.encodes else f"→{tokens(workload.output_tokens)}"
    request = f"{tokens(workload.input_tokens)}{answer} {load(workload)}"
    formats: Row = [(f" {scenario.weights}", "accent")]
    if not workload.encodes:
        formats += [(" kv ", "dim"), (scenario.kv, "accent")]
    return formats, [[(request, "text")]]


def _training(run: TrainingWorkload) -> tuple[Row, list[Row]]:
    """The method and optimizer, and the batches with the data."""
    rank = f" r{run.lora_rank}" if run.adapters else ""
    formats: Row = [(f" train {run.method}{rank}", "accent"), (f" {run.optimizer}", "dim")]
    batch = f"{tokens(run.sequence_length)} x{run.global_batch:,}"
    epochs = f" x{run.epochs:g}" if run.epochs != 1 else ""
    return formats, [[(batch, "text")], [(f"{number(run.dataset_tokens)} tokens{epochs}", "text")]]


def tabs_row(answer: Answer, here: str, cells: int) -> Row:
    """The line of tabs: the pages by their keys, this one marked, and the status; other titles are shortened where they
    must.
    """
    counts = {"compare": f"·{len(answer.session.pins)}" if answer.session.pins else ""}
    needed = min(width(status(answer, cells)), MOST_STATUS) if answer.session.filter else 1
    row: Row = []
    for shortened in range(len(TABS) + 1):
        row = _tabs(here, counts, shortened)
        if width(row) + needed <= cells:
            break
    return justify(row, status(answer, cells - width(row) - 1), cells)


def tab_at(answer: Answer, here: str, cells: int, x: int) -> str:
    """The page whose tab stands at a cell of the tabs' line; empty beside the tabs."""
    text = "".join(part for part, _ in tabs_row(answer, here, cells))
    starts = [(max(text.find(f" {page.key} "), text.find(f"[{page.key} ")), page.name) for page in TABS]
    last = text.find("  ", starts[-1][0])
    under = [name for start, name in starts if 0 <= start <= x]
    return under[-1] if under and not 0 <= last < x else ""


def _tabs(here: str, counts: Mapping[str, str], shortened: int) -> Row:
    """The tabs, so many titles of the others in their short form, the longest titles first."""
    longest = sorted((page for page in TABS if page.name != here), key=lambda page: -len(page.title))
    brief = {page.name for page in longest[:shortened]}
    row: Row = [(" ", "text")]
    for page in TABS:
        count = counts.get(page.name, "")
        if page.name == here:
            row += [(f"[{page.key} {page.title}{count}]", "tab"), (" ", "text")]
        else:
            row += [(f"{page.key} ", "key"), (f"{page.short if page.name in brief else page.title}{count} ", "dim")]
    return row


def status(answer: Answer, cells: int) -> Row:
    """The status beside the tabs: the filter and what it leaves, or the view and the date of the prices."""
    session = answer.session
    if session.filter:
        share = f"{len(answer.rows)} of {len(answer.board.rows)}"
        return [
            (clip(f"/{without_controls(session.filter)}", cells - len(share) - 1), "accent"),
            (f" {share} ", "dim"),
        ]
    dated = [row for row in answer.board.rows if row.cost.price_as_of]
    rented = [row for row in dated if not is_owned(row)]
    dates = [row.cost.price_as_of or "" for row in rented or dated]
    words = [*([] if session.view == "instances" else [session.view]), *([f"prices {max(dates)}"] if dates else [])]
    while words and len(" · ".join(words)) > cells:
        words.pop()
    return [(" · ".join(words), "dim"), (" ", "text")]
