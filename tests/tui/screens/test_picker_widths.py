"""No picker cuts a title, a heading, a number or a reason, whatever the width from 60 to 250 columns."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from catalog.load import load
from catalog.sources.this_machine import ThisMachine
from estimator.cost.offers import offers
from estimator.scenario.placement import machine_named
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tui.draw.runs import rows_as_text, wrap_text
from tui.screens.exports import FORMS
from tui.screens.help import help_rows, key_entries, page_entries
from tui.screens.machines import MachinePicker
from tui.screens.models import ModelPicker
from tui.screens.palette import Palette, entries
from tui.screens.picker import FRAME, KEYS, Picker, fit_prompt
from tui.screens.presets import PresetPicker
from tui.screens.region import RegionPicker
from tui.screens.reverse import ReversePicker
from tui.screens.sessions import SessionPicker
from tui.screens.table_picker import TablePicker
from tui.screens.terms import TermsPicker, elsewhere_text
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session
from tui.state.session_files import SavedSession
from tui.tabs import TABS

CALCULATOR = Calculator(load())
EVERY_WIDTH = range(60 * 96 // 100 - FRAME, 251 - FRAME)
SOME_WIDTHS = (*EVERY_WIDTH[:50:3], *EVERY_WIDTH[50::20])


def answer_of(**scenario: object) -> Answer:
    return CALCULATOR.answer(Session(scenario=Scenario(**scenario)))  # type: ignore[arg-type]


SERVING = answer_of()
TRAINING = answer_of(training=TrainingWorkload())
LOCAL = answer_of(deployment="local", model="Qwen/Qwen3-8B", engine="llamacpp", weights="gguf-q4_k_m")


def machines() -> MachinePicker:
    picker = MachinePicker(SERVING.inventory, SERVING.prices, "")
    here = ThisMachine(words="AMD EPYC 9654 96-Core Processor, 1,536 GiB RAM")
    picker.said = f"this machine: {here.words}"
    return picker


def regions(machine: str) -> RegionPicker:
    answer = CALCULATOR.answer(Session(scenario=Scenario()).selecting(machine))
    return RegionPicker(
        CALCULATOR.catalog.regions,
        "ap-northeast-1",
        f"64x {machine}: 12,288 vCPU of the quota “G and VT”",
        lambda region: CALCULATOR.quote_in(answer, region),
    )


def terms(answer: Answer, at: int, owned: bool = False) -> TermsPicker:
    row = answer.rows[at]
    machine = machine_named(row.candidate, answer.inventory)
    device = answer.inventory.accelerators[row.candidate.accelerator]
    listed = offers(machine, device, answer.prices, answer.session.scenario.ownership)
    elsewhere = "" if owned else elsewhere_text(answer, row)
    return TermsPicker(listed, "savings-1y", row.candidate.machine, 64, owned, elsewhere)


def sessions() -> SessionPicker:
    saved = datetime(2026, 11, 30, 12, 0)
    long = SavedSession(Path("/the/plans/of/some/team/" + "a name of eighty cells " * 3 + ".yaml"), saved, "8B fp8", 8)
    other = SavedSession(Path("/short.yaml"), saved, "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16 nvfp4", 0)
    return SessionPicker([long, other], other.path)


def reverse(answer: Answer) -> ReversePicker:
    """What runs on a large machine, of the models with the longest names and of the first ones."""
    largest = next(each for each in answer.inventory.machines.values() if each.id == "p5.48xlarge")
    picker = ReversePicker(answer, largest, CALCULATOR)
    picker.order = [*picker.order[:4], *sorted(picker.order, key=len)[-4:]]
    picker.runnable = {f"{each.name} {each.weights}": each for each in picker._answers() if each is not None}
    picker.names = list(picker.runnable)
    assert len(picker.names) > 4
    return picker


TABLES: Mapping[str, TablePicker] = {
    "machines": machines(),
    "regions": regions("p6e-gb200.36xlarge"),
    "terms": terms(SERVING, 0),
    "terms without a price": terms(SERVING, 31),
    "terms of what is owned": terms(LOCAL, 0, owned=True),
    "sessions": sessions(),
    "presets": PresetPicker(Scenario()),
    "presets of a run": PresetPicker(TRAINING.session.scenario),
    "models": ModelPicker(CALCULATOR, ""),
    "reverse": reverse(SERVING),
    "reverse of a run": reverse(TRAINING),
}


def detail_of(picker: Picker, name: str, cells: int) -> str:
    """What stands under the choices of the highlighted one, in the lines that it has; its words whatever the breaks."""
    lines = wrap_text(picker.detail(name, cells), cells + 2 - 4)
    return "".join("".join(lines[: picker.detail_lines(cells)]).split())


@pytest.mark.parametrize("name", TABLES)
def test_titles_figures_and_reasons_of_a_table(name: str) -> None:
    picker = TABLES[name]
    longest = sorted(picker.names, key=len)[-6:]
    for cells in EVERY_WIDTH:
        heading = rows_as_text(picker.heading(cells))
        shown = picker.columns_at(cells)
        assert "…" not in heading
        assert all(len(line) <= cells for line in heading.split("\n"))
        assert heading.split("\n")[-1].split() == [word for each in shown for word in each.title.split()]
        for choice in {*picker.names[:6], *longest}:
            if name == "models" and not CALCULATOR.knows(choice):
                continue
            line, values = rows_as_text([picker.line(choice, cells, False)]), picker.values(choice)
            assert len(line) <= cells
            for column in shown:
                text = values[column.key].text.strip() if column.key in values else ""
                words = column.align == "left"
                in_detail = words and "".join(text.split()) in detail_of(picker, choice, cells)
                assert text in line or in_detail, (cells, line)


@pytest.mark.parametrize("name", TABLES)
def test_what_has_no_column_is_in_the_detail(name: str) -> None:
    picker = TABLES[name]
    for cells in SOME_WIDTHS:
        shown = {each.key for each in picker.columns_at(cells)}
        for choice in picker.names[:4]:
            said = detail_of(picker, choice, cells)
            values = picker.values(choice)
            for key in (each.key for each in picker.columns() if each.key in values and each.key not in shown):
                assert "".join(values[key].text.split()) in said, (cells, key, said)


def test_the_device_and_the_price_are_what_stays_of_a_machine() -> None:
    narrow = TABLES["machines"].columns_at(EVERY_WIDTH[0])
    assert [each.key for each in narrow] == ["machine", "devices", "price"]


@pytest.mark.parametrize("page", [each.name for each in TABS])
def test_the_palette_says_a_choice_whole(page: str) -> None:
    picker = Palette(entries(SERVING, page, CALCULATOR.catalog.regions, {}))
    for cells in SOME_WIDTHS:
        for choice in picker.names:
            line = rows_as_text([picker.line(choice, cells, False)])
            entry = picker.choices[choice]
            assert entry.title in line
            assert "".join(f"{entry.title}:{entry.detail}".split()) == detail_of(picker, choice, cells)


def test_the_forms_of_an_export() -> None:
    picker = Picker(list(FORMS))
    for cells in EVERY_WIDTH:
        assert [rows_as_text([picker.line(each, cells, False)]) for each in FORMS] == list(FORMS)


@pytest.mark.parametrize("page", [each.name for each in TABS])
def test_help_breaks_its_lines(page: str) -> None:
    for answer in (SERVING, TRAINING):
        lines = [*page_entries(answer, page), *key_entries([])]
        for cells in EVERY_WIDTH:
            text = rows_as_text(help_rows(lines, cells))
            assert "…" not in text.replace(" …", "")
            assert all(len(line) <= cells for line in text.split("\n"))


@pytest.mark.parametrize("picker", [*TABLES.values(), Picker([]), Palette({})], ids=lambda each: type(each).__name__)
def test_what_is_asked_for_and_the_keys_fit_beside_the_status(picker: Picker) -> None:
    for cells in EVERY_WIDTH:
        assert len(fit_prompt(picker.PROMPT, cells)) <= cells
        assert len(picker.status()) <= cells
    assert all(len(rows_as_text([keys])) <= EVERY_WIDTH[0] for keys in KEYS)
