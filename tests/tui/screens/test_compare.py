"""The comparison: what is pinned, how two figures stand to each other, and what each key does with a pin."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from catalog.load import load
from estimator.results import Band
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_workload import TrainingWorkload
from tests.tui.board import PlainCalculator
from tests.tui.screens.conftest import page_text, screen_text
from tui.app import LlmCalc
from tui.pages.comparison import SERVING, TRAINING, compare_line, distinct_labels
from tui.screens.compare import CompareView
from tui.state import store
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.pins import MOST_PINS, Pin, moved_pin
from tui.state.session import Session

CALCULATOR = Calculator(load())
BASE = Scenario()
PINS = (
    Pin(BASE, "g7e.2xlarge"),
    Pin(BASE, "g6e.12xlarge"),
    Pin(Scenario(kv="fp8"), "p5.48xlarge", name="fast"),
)
SIZES = [(60, 20), (80, 24), (100, 30), (140, 45)]


def app_on(session: Session) -> LlmCalc:
    return LlmCalc(CALCULATOR, session)


async def press(pilot: Pilot, *keys: str) -> Answer:
    await pilot.press(*keys)
    await pilot.pause()
    assert isinstance(pilot.app, LlmCalc)
    assert pilot.app.answer is not None
    return pilot.app.answer


PLAIN_PINS = (
    Pin(BASE, "g6e.12xlarge"),
    Pin(BASE, "p4d.24xlarge"),
    Pin(Scenario(kv="fp8"), "p5.48xlarge", name="fast"),
)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pins_side_by_side(size: tuple[int, int], screen: SnapshotAssertion) -> None:
    app = LlmCalc(PlainCalculator(), Session(pins=PLAIN_PINS, screen="compare"))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert page_text(pilot.app) == screen


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_empty_comparison_says_how_it_is_filled(size: tuple[int, int], screen: SnapshotAssertion) -> None:
    async with app_on(Session(screen="compare")).run_test(size=size) as pilot:
        await pilot.pause()
        assert page_text(pilot.app) == screen


async def test_space_pins_the_row_with_its_scenario_and_again_drops_it() -> None:
    async with app_on(Session()).run_test(size=(80, 24)) as pilot:
        pinned = await press(pilot, "j", "space")
        machine = pinned.rows[1].candidate.machine
        assert pinned.session.pins == (Pin(BASE, machine),)
        await press(pilot, "k")
        assert any(line.startswith("●") and machine in line for line in screen_text(pilot.app).splitlines())
        assert "5 Compare·1" in screen_text(pilot.app)
        other = await press(pilot, "c")
        assert any(line.startswith("○") and machine in line for line in screen_text(pilot.app).splitlines())
        assert other.session.pins == pinned.session.pins
        assert not (await press(pilot, "u", "j", "space")).session.pins


async def test_what_serves_is_not_compared_with_what_trains() -> None:
    async with app_on(Session(pins=PINS)).run_test(size=(80, 24)) as pilot:
        refused = await press(pilot, "t", "space")
        assert refused.session.pins == PINS
        assert "not compared" in refused.problem


async def test_at_most_eight_are_pinned() -> None:
    pins = tuple(Pin(BASE, machine) for machine in list(CALCULATOR.catalog.inventory.machines)[:MOST_PINS])
    async with app_on(Session(pins=pins)).run_test(size=(80, 24)) as pilot:
        assert f"{MOST_PINS} are compared at most" in (await press(pilot, "space")).problem


async def test_the_keys_of_the_page_change_the_pins() -> None:
    async with app_on(Session(pins=PINS, screen="compare")).run_test(size=(80, 24)) as pilot:
        moved = await press(pilot, "l", "less_than_sign")
        assert moved.session.pins == (PINS[1], PINS[0], PINS[2])
        assert pilot.app.screen.query_one(CompareView).cursor.column == 0
        named = await press(pilot, "n", *"cheap", "enter")
        assert named.session.pins[0].name == "cheap"
        assert "A cheap" in screen_text(pilot.app)
        assert (await press(pilot, "d")).session.pins == (PINS[0], PINS[2])
        opened = await press(pilot, "l", "o")
        assert opened.session.scenario == PINS[2].scenario
        assert opened.session.screen == "leaderboard"
        assert opened.selected
        assert opened.selected.candidate.machine == "p5.48xlarge"
        assert (await press(pilot, "u")).session.pins == (PINS[0], PINS[2])


async def test_the_chosen_pin_is_told_by_a_glyph() -> None:
    async with app_on(Session(pins=PINS, screen="compare")).run_test(size=(80, 24)) as pilot:
        for key, letter in (("h", "A"), ("l", "B"), ("l", "C")):
            await press(pilot, key)
            assert [word[:2] for word in screen_text(pilot.app).split() if word[0] == "›" and len(word) > 1] == [
                f"›{letter}"
            ]


async def test_enter_explains_the_figure_under_the_cursor() -> None:
    async with app_on(Session(pins=PINS, screen="compare")).run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        view = pilot.app.screen.query_one(CompareView)
        await press(pilot, "l", *["j"] * 30)
        while "TPOT" not in next(line for line in screen_text(pilot.app).splitlines() if line.startswith("›")):
            await press(pilot, "k")
        assert view.cursor.column == 1
        await press(pilot, "enter")
        assert "why · g6e.12xlarge" in screen_text(pilot.app)
        assert "› time per output token" in screen_text(pilot.app)


async def test_the_chart_names_the_asked_point_of_every_pin() -> None:
    async with app_on(Session(pins=PINS, screen="compare")).run_test(size=(100, 30)) as pilot:
        await press(pilot, "g")
        shown = screen_text(pilot.app)
        assert "$ per 1M tokens" in shown
        for words in ("A 16", "B 16", "C 16", "● A g7e.2xlarge", "◆ B g6e.12xlarge", "▲ C fast"):
            assert words in shown
        await press(pilot, "g")
        assert "all alike" in screen_text(pilot.app)


async def test_pins_stand_on_the_roofline_and_the_throughput_chart() -> None:
    session = Session(scenario=Scenario(placement=Placement(instance="g7e.24xlarge")), pins=PINS, screen="performance")
    async with app_on(session).run_test(size=(180, 50)) as pilot:
        await pilot.pause()
        assert "C H100 16" in screen_text(pilot.app)
        assert screen_text(pilot.app).count("C H100") >= 2


@pytest.mark.parametrize(("lines", "pins"), [(SERVING, PINS), (TRAINING, ())], ids=["serving", "training"])
def test_every_line_reads_off_every_pin(lines, pins) -> None:
    run = Scenario(training=TrainingWorkload())
    chosen = pins or (Pin(run, "p5.48xlarge"), Pin(run, "g6e.48xlarge"))
    answers = [CALCULATOR.pinned(pin) for pin in chosen]
    for line in lines:
        cells = compare_line(line, answers)
        assert len(cells) == len(answers)
        assert all(cell.text for cell in cells), line.title
        assert not cells[0].delta
        assert [cell.mark for cell in cells].count("★") <= 1


def test_a_ratio_is_what_the_two_figures_give() -> None:
    answers = [CALCULATOR.pinned(pin) for pin in PINS]
    line = next(line for line in SERVING if line.title == "$/hour")
    prices = [answer.rows[0].cost.price_usd_per_hour for answer in answers]
    assert all(prices)
    cells = compare_line(line, answers)
    assert cells[1].delta == f"{prices[1] / prices[0]:.1f}×"
    assert [cell.mark for cell in cells] == ["★", "", ""]


def test_figures_within_each_others_bands_are_a_tie() -> None:
    (base,) = [CALCULATOR.pinned(PINS[0])]
    row = base.rows[0]
    assert row.performance
    slower = Band(*(1.1 * each for each in row.performance.tpot_s))
    other = base._replace(rows=(row._replace(performance=row.performance._replace(tpot_s=slower)),))
    line = next(line for line in SERVING if line.title == "TPOT")
    cells = compare_line(line, [base, other])
    assert cells[1].delta == "="
    assert [cell.mark for cell in cells] == ["", ""]


def test_a_moved_pin_keeps_the_others_in_order() -> None:
    assert moved_pin(PINS, 0, 2) == (PINS[1], PINS[2], PINS[0])
    assert moved_pin(PINS, 0, -1) == PINS


def test_pins_are_in_the_session_file(tmp_path) -> None:
    path = tmp_path / "session.yaml"
    for pins in (PINS, (Pin(Scenario(training=TrainingWorkload(method="full")), "p5.48xlarge"),)):
        assert not store.save(Session(pins=pins), path)
        assert store.load(path).pins == pins


@pytest.mark.parametrize(
    "text",
    [
        "pins: 3",
        "pins: [1]",
        'pins: [{"machine": 3}]',
        'pins: [{"machine": "g6.xlarge", "concurrency": "many"}]',
        "pins: [" + ", ".join(['{"machine": "g6.xlarge"}'] * 9) + "]",
        "schema: 3",
    ],
)
def test_pins_that_are_none_are_refused_with_their_place(text: str, tmp_path) -> None:
    from estimator.errors import InputError

    path = tmp_path / "session.yaml"
    path.write_text(text + "\n")
    with pytest.raises(InputError) as refused:
        store.load(path)
    assert "session.yaml:1" in str(refused.value)


def test_a_session_file_without_a_schema_is_read(tmp_path) -> None:
    path = tmp_path / "session.yaml"
    path.write_text("concurrency: 32\n")
    assert store.load(path).scenario.workload.concurrency == 32


async def test_a_pin_that_can_not_be_asked_any_more_leaves_the_others() -> None:
    session = Session(pins=(*PINS[:2], Pin(BASE, "nothing.xlarge")), screen="compare")
    async with app_on(session).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = screen_text(pilot.app).splitlines()
        devices = next(line for line in shown if "devices" in line)
        assert devices.split()[-1] == "–"
        assert "1xRTXPRO6000" in devices


async def test_a_pin_that_was_dropped_moved_or_named_comes_back_with_u() -> None:
    async with app_on(Session(pins=PINS, screen="compare")).run_test(size=(80, 24)) as pilot:
        await press(pilot, "d")
        await press(pilot, "n", *"cheap", "enter")
        assert (await press(pilot, "u")).session.pins == PINS[1:]
        assert (await press(pilot, "u")).session.pins == PINS
        assert (await press(pilot, "ctrl+r")).session.pins == PINS[1:]
        moved = await press(pilot, "plus", "greater_than_sign", "u")
        assert moved.session.pins == PINS[1:]
        assert moved.session.scenario != BASE
        assert (await press(pilot, "u")).session.scenario == BASE


def test_the_chart_tells_pins_of_one_machine_apart() -> None:
    pins = (Pin(BASE, "p5.48xlarge"), Pin(replace(BASE, kv="fp8"), "p5.48xlarge"), Pin(BASE, "p4d.24xlarge"))
    named = (*pins, replace(pins[0], name="mine"))
    answers = [CALCULATOR.pinned(pin) for pin in named]
    first, second, other, own = distinct_labels(named, answers)
    assert (first, second) == ("p5.48xlarge fp8 kv bf16", "p5.48xlarge fp8 kv fp8")
    assert (other, own) == ("p4d.24xlarge", "mine")


@pytest.mark.parametrize("size", [(60, 16), (60, 20), (80, 24), (120, 30), (250, 60)])
async def test_no_name_of_what_is_compared_is_cut_and_the_cursor_stays_in_sight(size: tuple[int, int]) -> None:
    longest = "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16"
    asked = replace(BASE, model=longest, weights="bf16", region="ap-northeast-1")
    pins = (Pin(BASE, "p5.48xlarge"), Pin(asked, "p6-b200.48xlarge"), Pin(replace(BASE, kv="fp8"), "p5.48xlarge"))
    async with app_on(Session(pins=pins, screen="compare")).run_test(size=size) as pilot:
        await pilot.pause()
        for _ in range(20):
            page = screen_text(pilot.app)
            assert "…" not in page
            assert any(line.startswith("›") for line in page.splitlines()), page
            await press(pilot, "l", "j")
        await press(pilot, *("k" * 20), "h")
        words = "".join(screen_text(pilot.app).split())
        assert all(part in words for part in ("Nemotron-3-", "Super-120B-", "ap-northeast-1"))
