"""Keys that arrive together, keys that do nothing, and what is said at the foot of a page."""

from collections.abc import Iterable

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.keys import key_to_character
from textual.message import Message
from textual.pilot import Pilot

from catalog.load import load
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from tests.tui.screens.conftest import screen_text
from tui.app import LlmCalc
from tui.screens.page import Page
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session

CALCULATOR = Calculator(load())


def app_on(session: Session | None = None) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session())


async def press(pilot: Pilot, *keys: str) -> Answer:
    await pilot.press(*keys)
    return await settled(pilot)


async def settled(pilot: Pilot) -> Answer:
    app = pilot.app
    assert isinstance(app, LlmCalc)
    while app._feeder is not None and not app._feeder.done():
        await app._feeder
    await pilot.pause()
    assert app.answer is not None
    return app.answer


async def at_once(pilot: Pilot, keys: Iterable[str]) -> Answer:
    """The keys as one read of the terminal brings them."""
    for key in keys:
        event = Key(key, key if len(key) == 1 else None)
        event.set_sender(pilot.app)
        pilot.app.post_message(event)
    return await settled(pilot)


CLUMPS = (
    ["j"] * 5,
    ["G", "j", "k", "k", "g", "j"],
    ["s", "s", "s"],
    ["w", "plus", "plus", "right_square_bracket"],
    ["j", "w", "j", "2", "j", "enter", "escape", "3", "4"],
    ["x", "1", "j", "x", "escape", "u", "j"],
    ["slash", "p", "5", "enter", "j"],
    ["1", "j", "j", "j", "j", "l", "l", "l", "4"],
    ["1", "enter", "escape", "j", "j", "j", "j", "enter", "4", "k", "enter", "j"],
    ["t", "j", "j", "w", "t"],
    ["m", "8", "b", "enter", "enter", "escape", "j"],
    ["r", "o", "r", "e", "enter", "enter"],
)


@pytest.mark.parametrize("keys", CLUMPS, ids=lambda keys: " ".join(keys))
async def test_keys_of_one_read_do_what_they_do_one_by_one(keys: list[str]) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        together = (await at_once(pilot, keys)).session, screen_text(pilot.app)
    async with app_on().run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for key in keys:
            answer = await press(pilot, key)
        assert together == (answer.session, screen_text(pilot.app))


@pytest.mark.parametrize(
    ("read", "keys"),
    [
        ("?\x1b2", ["question_mark", "escape", "2"]),
        ("?\x1b4ww-", ["question_mark", "escape", "4", "w", "w", "minus"]),
        ("x\x1bjj", ["x", "escape", "j", "j"]),
        ("l\x1b?", ["l", "escape", "question_mark"]),
        ("l\x1b ", ["l", "escape", "space"]),
        ("l\x1bG", ["l", "escape", "G"]),
        ("?\x1bj\x1b2\x1bk", ["question_mark", "escape", "j", "escape", "2", "escape", "k"]),
        ("/p5\x1b\x1b2", ["slash", "p", "5", "escape", "escape", "2"]),
        ("j2\n", ["j", "2", "enter"]),
        ("2\x1bf\x1b", ["2", "escape", "f", "escape"]),
        ("x\x1bb", ["x", "escape", "b"]),
        ("x\x1b\t", ["x", "escape", "tab"]),
        ("3\x1b\x7f", ["3", "escape", "backspace"]),
        ("/p5 g6\x1bbx\r", ["slash", "p", "5", "space", "g", "6", "ctrl+left", "x", "enter"]),
        ("/p5 g6\x1b\x7fx\r", ["slash", "p", "5", "space", "g", "6", "ctrl+w", "x", "enter"]),
    ],
)
async def test_escape_and_the_keys_after_it_in_one_read_all_count(read: str, keys: list[str]) -> None:
    shown = []
    for heard in (keys, [event for event in of_terminal(read) if isinstance(event, Key)]):
        async with app_on().run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            for key in heard:
                event = Key(key, key_to_character(key)) if isinstance(key, str) else key
                event.set_sender(pilot.app)
                pilot.app.post_message(event)
            shown.append(((await settled(pilot)).session, screen_text(pilot.app)))
    assert shown[0] == shown[1]


def of_terminal(read: str) -> list[Message]:
    """What Textual's parser makes of one read after which the terminal says nothing more."""
    parser = XTermParser()
    return [*parser.feed(read), *parser.feed("")]


async def test_five_steps_in_one_read_are_five_rows() -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert (await at_once(pilot, "jjjjj")).cursor == 5


@pytest.mark.parametrize("key", ["m", "r", "ctrl+p"])
async def test_enter_twice_in_one_read_closes_a_dialog_once(key: str) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await press(pilot, key)
        await at_once(pilot, ["enter", "enter", "escape"])
        assert isinstance(pilot.app.screen, Page)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["d"], "d: drop the pin, on 5 Compare"),
        (["0"], "0 does nothing here; ? lists the keys"),
        (["2", "tab"], "tab: next view, on 4 Leaderboard"),
        (["n"], "n: a start-up log, on 2 Memory"),
        (["2", "s"], "s: sort by the next column, on 4 Leaderboard"),
        (["3", "t", "o"], "o: next view, of a served model (t changes)"),
        (["t", "n"], "n: name the pin, on 5 Compare"),
        (["t", "o"], "o: open the pin, on 5 Compare"),
        (["x", "c"], "c does nothing in this panel; esc closes it"),
        (["p", "9"], "9 does nothing in this panel; esc closes it"),
        (["v", "1"], "1 does nothing in this panel; esc closes it"),
        (["l", "5"], "5 does nothing in this panel; esc closes it"),
        (["question_mark", "w"], "w does nothing in this panel; esc closes it"),
        (["vertical_line", "l"], "l does nothing in this panel; esc closes it"),
    ],
)
async def test_a_key_that_does_nothing_says_so_once(keys: list[str], words: str) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await press(pilot, *keys)
        assert words in screen_text(pilot.app).splitlines()[-1]
        await press(pilot, keys[-1])
        assert words not in screen_text(pilot.app)


@pytest.mark.parametrize("panel", ["enter", "x", "z", "v", "b", "l", "question_mark", "vertical_line"])
async def test_a_panel_goes_to_its_last_line_and_back_in_one_key(panel: str) -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await press(pilot, panel)
        start = screen_text(pilot.app)
        await press(pilot, "G")
        last = screen_text(pilot.app)
        await press(pilot, *["j"] * 40)
        assert screen_text(pilot.app) == last
        await press(pilot, "g")
        assert screen_text(pilot.app) == start


async def test_a_message_hides_neither_scenario_nor_tabs_and_goes_with_the_next_key() -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before = screen_text(pilot.app).splitlines()
        pilot.app.say("weights: " + "a reason that takes more than one line of the terminal " * 3)
        await pilot.pause()
        shown = screen_text(pilot.app).splitlines()
        assert shown[:2] == before[:2]
        assert shown[-3].startswith(" ✗ weights: a reason")
        await press(pilot, "g")
        assert screen_text(pilot.app).splitlines() == before


async def test_a_filter_that_is_not_understood_says_why_above_what_is_typed() -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"tpot", "less_than_sign", *"fast")
        *_, reason, line = screen_text(pilot.app).splitlines()
        assert "expected a number" in reason
        assert "tpot<fast" in line
        await press(pilot, "escape")
        assert "expected a number" not in screen_text(pilot.app)
        assert "? help" in screen_text(pilot.app).splitlines()[-1]


async def test_the_cursor_keeps_the_first_row_until_it_is_moved() -> None:
    async with app_on().run_test(size=(80, 24)) as pilot:
        assert (await press(pilot, "plus", "2", "4", "w")).cursor == 0
        moved = await press(pilot, "j", "j")
        assert (await press(pilot, "s", "s")).cursor == 0
        assert moved.cursor == 2


async def test_a_row_that_an_edit_moves_out_of_sight_is_one_line() -> None:
    machines = tuple(f"m{at}" for at in range(3))
    assert machines
    async with app_on().run_test(size=(80, 16)) as pilot:
        followed = (await press(pilot, "j")).selected
        assert followed
        shown = await press(pilot, "s", "S", "j")
        assert shown.selected
        name = shown.selected.candidate.machine
        answer = await press(pilot, "S")
        assert answer.cursor == 0, name


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (Scenario(settings=EngineSettings(memory_utilization=0.95)), "util .95"),
        (Scenario(settings=EngineSettings(max_num_seqs=512)), "seqs 512"),
        (Scenario(placement=Placement(tp=4, pp=2)), "TP4·PP2"),
        (Scenario(placement=Placement(instance="p5.48xlarge")), "only p5.48xlarge"),
        (Scenario(deployment="local"), "local"),
        (Scenario(region="eu-central-1"), "eu-central-1"),
        (Scenario(price_terms="spot"), "spot"),
        (Scenario(engine="sglang"), "sglang"),
    ],
)
async def test_an_input_that_is_not_default_is_a_chip_that_backspace_drops(scenario: Scenario, words: str) -> None:
    async with app_on(Session(scenario=scenario)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        header = screen_text(pilot.app).splitlines()[0]
        assert words in header
        assert "Llama-3.3-70B-Instruct fp8 kv bf16" in header
        assert (await press(pilot, "backspace")).session.scenario == Scenario()
        assert words not in screen_text(pilot.app).splitlines()[0]
        assert "every input is at its default" in (await press(pilot, "backspace")).problem


@pytest.mark.parametrize("size", [(1, 1), (20, 2), (26, 10), (59, 24), (80, 15), (300, 2)])
async def test_no_window_is_too_small_to_survive(size: tuple[int, int]) -> None:
    async with app_on().run_test(size=size) as pilot:
        for key in ("1", "j", "l", "enter", "escape", "2", "j", "3", "o", "4", "j", "x", "escape", "question_mark"):
            await press(pilot, key)
        await press(pilot, "escape")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "Leaderboard" in screen_text(pilot.app)


async def test_braces_change_the_machines_of_the_row_under_the_cursor() -> None:
    app = app_on()
    async with app.run_test(size=(120, 30)) as pilot:
        answer = await press(pilot, "j", "j")
        row = answer.selected
        assert row
        answer = await press(pilot, "right_curly_bracket", "right_curly_bracket")
        assert answer.selected
        assert answer.selected.candidate.machine == row.candidate.machine
        assert answer.selected.candidate.machines == row.candidate.machines + 2
        assert answer.session.scenario.placement.machines == row.candidate.machines + 2
        assert "machines" in screen_text(app)
        answer = await press(pilot, *["left_curly_bracket"] * (row.candidate.machines + 2))
        assert answer.selected
        assert answer.selected.candidate.machines == 1
        assert "a row has one machine at least" in screen_text(app)
        answer = await press(pilot, "backspace")
        assert answer.session.scenario.placement.machines is None
