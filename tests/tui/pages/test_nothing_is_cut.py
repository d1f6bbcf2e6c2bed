"""No title, name, figure or reason is cut, whatever the width from 60 to 250 columns."""

from collections.abc import Iterator, Sequence

import pytest

from catalog.load import load
from estimator.advice.fixes import Change
from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from tests.tui.page_facts import PERFORMANCE
from tui.draw.runs import Row, rows_as_text, wrap_text
from tui.options.fields import sections
from tui.pages import header
from tui.pages.candidate import pane, strip
from tui.pages.facts import heading, memory_facts
from tui.pages.leaderboard import TableContext, candidate_line, note, title_line
from tui.pages.memory import memory_page
from tui.pages.performance import VIEWS, layout_rows, performance_page
from tui.pages.training import training_memory_page, training_speed_page
from tui.screens.framing import FRAME, fit_keys, fit_title
from tui.screens.launch import LaunchView
from tui.screens.money_panels import PLAN_KEYS
from tui.screens.panel import Sheet, SheetView
from tui.screens.panels import PANELS
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session
from tui.tabs import TABS
from tui.widgets.board import PANE, WIDE
from tui.widgets.form import about

CALCULATOR = Calculator(load())
EVERY_WIDTH = range(60, 251)
SOME_WIDTHS = (60, 61, 67, 74, 80, 81, 93, 100, 119, 120, 139, 140, 187, 250)
TALL = 80
"""Lines of a page that has room for all it says."""
PADDING = 6
"""Cells of a panel's margin and frame."""
SCENARIOS = {
    "serving": Scenario(),
    "level": Scenario(
        model="deepseek-ai/DeepSeek-V3",
        weights="fp8-block",
        kv="fp8",
        engine="sglang",
        workload=ServingWorkload(concurrency=300, input_tokens=16_000),
        service_level=ServiceLevel(2.0, 0.05),
    ),
    "training": Scenario(training=TrainingWorkload(method="full")),
    "local": Scenario(deployment="local"),
    "edge": Scenario(deployment="edge", model="Qwen/Qwen3-8B"),
}
ANSWERS = {name: CALCULATOR.answer(Session(scenario=scenario)) for name, scenario in SCENARIOS.items()}


def rows_of(answer: Answer) -> list[Evaluation]:
    """Rows of every verdict, those with the longest names and setups among them."""
    by_length = sorted(answer.rows, key=lambda row: -len(f"{row.candidate.machine}{row.candidate.layout}"))
    kinds = {row.verdict: row for row in answer.rows}.values()
    reasons = sorted(answer.rows, key=lambda row: -len(note(row)))
    return [*answer.rows[:3], *by_length[:6], *kinds, *reasons[:3]]


def cut(rows: Sequence[Row], cells: int) -> Iterator[str]:
    """What ends in an ellipsis, or runs over the edge."""
    for row in rows:
        text = "".join(part for part, _ in row)
        if "…" in text or len(text.rstrip()) > cells:
            yield f"{cells}: {text}"


@pytest.mark.parametrize("view", ["instances", "accelerators"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_names_and_figures_of_the_leaderboard(name: str, view: str) -> None:
    answer = CALCULATOR.answer(Session(scenario=SCENARIOS[name], view=view))
    rows = rows_of(answer)
    for width in EVERY_WIDTH:
        frame = TableContext.of(width - PANE if width >= WIDE else width, answer)
        assert not list(cut([title_line(frame, "", False)], width))
        for row in rows:
            line = rows_as_text([candidate_line(row, 1, False, frame)])
            names = line[: frame.gutter + sum(column.width + 1 for column in frame.columns[:2])]
            assert "…" not in names, line
            if row.verdict == "fits":
                assert "…" not in line
            elif "…" in line:  # the reason between two words; the candidate says it in whole, or where it stands
                remark = line[frame.gutter + sum(column.width + 1 for column in frame.columns[:2]) :]
                assert remark.endswith(" …") or remark.rstrip("…").split()[-1] in note(row), line
                said = rows_as_text(detail(answer, row, width))
                assert words(note(row)) <= words(said) or "…  ! says all" in said


def detail(answer: Answer, row: Evaluation, width: int) -> list[Row]:
    scenario = answer.session.scenario
    if width >= WIDE:
        return pane(row, scenario, answer.best, answer.inventory, PANE - 3)
    return strip(row, scenario, answer.best, answer.inventory, width)


def words(text: str) -> set[str]:
    return set(text.split())


@pytest.mark.parametrize("name", SCENARIOS)
def test_header_and_candidate(name: str) -> None:
    answer = ANSWERS[name]
    for width in EVERY_WIDTH:
        assert not list(cut([header.scenario_row(answer.session.scenario, width)], width))
        for page in TABS:
            assert not list(cut([header.tabs_row(answer, page.name, width)], width))
        for row in rows_of(answer)[:6]:
            short = strip(row, answer.session.scenario, answer.best, answer.inventory, width)
            assert "…  ! says all" in rows_as_text(short) or not list(cut(short, width))
    for row in rows_of(answer):
        rows = pane(row, answer.session.scenario, answer.best, answer.inventory, PANE - 3)
        assert not list(cut(rows, PANE - 3))


@pytest.mark.parametrize("name", ["serving", "level", "local", "edge"])
def test_pages_of_a_served_model(name: str) -> None:
    answer = ANSWERS[name]
    for row in answer.rows[:2]:
        facts = memory_facts(answer, row)
        for width in EVERY_WIDTH:
            assert not list(cut(memory_page(facts, width, TALL, 0), width))


def test_the_performance_page() -> None:
    for width in SOME_WIDTHS:
        for view in VIEWS:
            assert not list(cut(performance_page(PERFORMANCE, view, width, TALL), width))


def test_pages_of_a_run() -> None:
    answer = ANSWERS["training"]
    for row in answer.rows[:3]:
        run = CALCULATOR.detail(answer, row).training
        assert run
        for width in EVERY_WIDTH:
            title = heading(answer, row)
            assert not list(cut(training_memory_page(title, "a device has 80 GiB", run, width, TALL, 0), width))
            assert not list(cut(training_speed_page(title, f"class {row.confidence}", run, width, TALL), width))


SERVING_ONLY = {"layouts", "formats", "sensitivity", "plan", "breakeven"}


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("name", ["serving", "training", "edge"])
def test_panels(name: str, panel: str) -> None:
    if name == "training" and panel in SERVING_ONLY:
        pytest.skip("the key says that it belongs to a served model")
    answer = ANSWERS[name]
    sheet = PANELS[panel](answer, answer.rows[0], "")
    for width in SOME_WIDTHS:
        assert len(fit_title(sheet.title, width)) <= width - FRAME
        assert not list(cut(sheet.body(width - PADDING), width - PADDING))
        check_choices(sheet, width - PADDING)


def check_choices(sheet: Sheet, cells: int) -> None:
    """What is cut of a choice stands in whole under the choices while it is the chosen one."""
    view = SheetView(sheet)
    for at, choice in enumerate(sheet.choices):
        if choice.scenario is None:
            continue
        view.cursor = at
        shown = rows_as_text(view.draw(cells, TALL))
        assert words(choice.title + " " + choice.effect) <= words(
            shown.replace(f"{choice.title.strip()}:", choice.title)
        )
    for at, lines in enumerate(view._choice_lines(cells)):
        if sheet.choices[at].scenario is None:
            assert not list(cut(lines, cells))


def test_the_panel_says_the_whole_reason() -> None:
    answer = ANSWERS["local"]
    for row in rows_of(answer):
        if row.verdict == "not_supported":
            said = rows_as_text(PANELS["why-not"](answer, row, "").body(54))
            assert words(note(row)) <= words(said)


def test_more_choices_than_lines_are_scrolled_with_the_chosen_one_in_sight() -> None:
    choices = [Change(f"change {at}", "an effect", Scenario()) for at in range(30)]
    view = SheetView(Sheet("many", lambda cells: [[("above", "text")]], choices))
    for at in range(30):
        view.cursor = at
        rows = view.draw(60, 12)
        assert len(rows) <= 12
        assert f"change {at} " in rows_as_text(rows)


def test_layouts_and_launch_commands() -> None:
    from tui.screens.launch import forms_of

    answer = ANSWERS["level"]
    row = next(row for row in answer.rows if row.verdict == "fits")
    view = LaunchView(forms_of(answer, row))
    for width in SOME_WIDTHS:
        for form in view.forms:
            assert not list(cut(view._form_rows(form, width - PADDING), width - PADDING))
        rows = layout_rows(PERFORMANCE.layouts, PERFORMANCE.chosen_layout, width - PADDING)
        assert not list(cut(rows, width - PADDING))


def test_the_keys_of_a_panel() -> None:
    for keys in (("", "j/k scrolls"), ("", "j/k moves · enter or 1-9 applies"), (PLAN_KEYS, "j/k scrolls")):
        for cells in EVERY_WIDTH:
            said = fit_keys(keys, cells)
            assert len(said) <= cells - FRAME
            assert "esc" in said
            assert PLAN_KEYS in said or PLAN_KEYS not in keys


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_field_of_the_form_is_takes_two_lines_at_most(name: str) -> None:
    for width in SOME_WIDTHS:
        for section in sections(SCENARIOS[name], CALCULATOR.catalog.inventory):
            for field in section.fields:
                lines = wrap_text(about(field, width - 2), width - 2)
                assert len(lines) <= 2, lines
