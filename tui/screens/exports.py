"""Texts that are taken away from a page: for the clipboard, and files that others can read and repeat."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from catalog import atomic
from estimator import documents
from estimator.errors import InputError
from estimator.printable import printable
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.cli import json_output, table_output, text_output
from tui.options.options import given_options
from tui.pages.comparison import Line, compare_line, lines_for
from tui.screens.launch import forms_of
from tui.state.answer import Answer
from tui.state.chips import chips
from tui.state.pins import LETTERS

FORMS = {
    "Markdown report": "md",
    "CSV, one line a row": "csv",
    "JSON, as the headless verbs print it": "json",
    "SVG of the screen": "svg",
}
"""What `e` writes, and the ending of its file."""


ALWAYS = frozenset({"model", "weights", "kv", "train"})
"""Options that a command line says even where they are the default: it stays right when a default changes."""


def reproduced(scenario: Scenario, verb: str = "rank", instance: str = "") -> str:
    """The command line that answers a scenario without the interface."""
    plain = given_options(Scenario(training=TrainingWorkload() if scenario.training else None))
    asked = given_options(scenario)
    values = {name: value for name, value in asked.items() if plain.get(name) != value or name in ALWAYS}
    values |= {"instance": instance} if instance else {}
    words = [word for name, value in values.items() for word in (f"--{name}", _typed(value))]
    return shlex.join(["llmcalc-tui", verb, *words])


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def row_text(answer: Answer) -> str:
    """The selected row with its titles, and the command that gives it again: for the clipboard."""
    row = answer.selected
    if row is None:
        return ""
    scenario = answer.session.scenario
    table = _markdown(scenario, [row])
    return f"{table}\n\n{reproduced(scenario, 'estimate', row.candidate.machine)}\n"


def comparison_text(answers: Sequence[Answer | None], labels: Sequence[str]) -> str:
    """The comparison as a Markdown table, the first pin the baseline."""
    titles = ["", *(f"{LETTERS[at]} {label}" for at, label in enumerate(labels))]
    rows = [[line.title, *_cells(line, answers)] for line in lines_for(answers)]
    return table_output.markdown_table(titles, rows)


def _cells(line: Line, answers: Sequence[Answer | None]) -> list[str]:
    return [" ".join(filter(None, (cell.text, cell.delta, cell.mark))) for cell in compare_line(line, answers)]


def report(answer: Answer) -> str:
    """The leaderboard as a report: question, table, assumptions, sources, and the command line that repeats it."""
    scenario = answer.session.scenario
    rows = [row for row in answer.rows if row.verdict == "fits"]
    return "\n\n".join(
        (
            f"# {printable(text_output.scenario(scenario))}",
            _markdown(scenario, rows),
            _assumptions(scenario),
            _sources(answer, rows),
            f"## Repeat it\n\n```\n{reproduced(scenario)} --format markdown\n```\n",
        )
    )


def comparison_report(answers: Sequence[Answer | None], labels: Sequence[str]) -> str:
    """The comparison as a report: the table, then for each pin its question, the command that gives it again, and what
    starts it.
    """
    parts = ["# Comparison", comparison_text(answers, labels)]
    for at, answer in enumerate(answers):
        if answer is not None:
            scenario, row = answer.session.scenario, answer.rows[0]
            command = reproduced(scenario, "estimate", row.candidate.machine)
            parts.append(
                f"## {LETTERS[at]} {printable(labels[at])}\n\n{printable(text_output.scenario(scenario))}\n\n"
                f"{_sources(answer, [row])}\n\n```\n{command}\n```\n\n{_started_by(answer, row)}"
            )
    return "\n\n".join(parts) + "\n"


def _started_by(answer: Answer, row: Evaluation) -> str:
    """The launch command or the recipe of a pin, or why there is none."""
    try:
        first = forms_of(answer, row)[0]
    except InputError as error:
        return f"Not started: {printable(error.reason)}"
    return f"Start it:\n\n```\n{first.text.strip()}\n```"


def table_csv(rows: Sequence[Evaluation]) -> str:
    """Every figure of some rows as CSV, a line each."""
    return table_output.csv_table([documents.document(row) for row in rows]) + "\n"


def table_json(scenario: Scenario, rows: Sequence[Evaluation]) -> str:
    """Some rows as `rank --format json` prints them."""
    page = {"scenario": json_output.scenario(scenario), "rows": [documents.document(row) for row in rows]}
    return json_output.document(page) + "\n"


def comparison_json(answers: Sequence[Answer | None], labels: Sequence[str]) -> str:
    """The comparison as JSON: pins in order, each with its scenario and its row."""
    pins = [
        {
            "name": label,
            "scenario": json_output.scenario(answer.session.scenario),
            "row": documents.document(answer.rows[0]),
        }
        for label, answer in zip(labels, answers, strict=True)
        if answer is not None
    ]
    return json_output.document({"pins": pins}) + "\n"


def write(name: str, ending: str, text: str, folder: Path | None = None) -> Path:
    """Writes an export to a new file in a folder (the current one), never over another. Raises OSError."""
    folder = folder or Path.cwd()
    names = (f"{name}.{ending}", *(f"{name}-{number}.{ending}" for number in range(2, 1000)))
    path = next(folder / each for each in names if not (folder / each).exists())
    atomic.write(path, text)
    return path


def _markdown(scenario: Scenario, rows: Sequence[Evaluation]) -> str:
    titles = text_output.leaderboard_titles(scenario)
    return table_output.markdown_table(titles, text_output.leaderboard_cells(scenario, rows))


def _assumptions(scenario: Scenario) -> str:
    words = [f"- {chip.text}" for chip in chips(scenario)] or ["- every other input is at its default"]
    return "## Assumptions\n\n" + "\n".join(words)


def _sources(answer: Answer, rows: Sequence[Evaluation]) -> str:
    """Prices, engine and model with their sources, and what the confidence classes are."""
    costs = [row.cost for row in rows if row.cost.price_as_of]
    lines = [f"- model: {printable(answer.model.source or answer.model.id)}"]
    if costs:
        kinds = ", ".join(sorted({cost.price_kind or "" for cost in costs} - {""}))
        lines.append(f"- prices: {kinds}, {max(cost.price_as_of or '' for cost in costs)}")
    lines.append("- class A is measured on this kind of device, B transferred from its kin, C from specifications only")
    return "## Sources\n\n" + "\n".join(lines)
