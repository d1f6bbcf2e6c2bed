"""The leaderboard page: pictures by size, and what each key does."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from catalog.load import load
from estimator.scenario.scenario import Scenario
from tests.tui.board import PlainCalculator
from tests.tui.screens.conftest import page_text, screen_text
from tui.app import LlmCalc
from tui.commands.all import COMMANDS
from tui.commands.command import EVERYWHERE
from tui.draw.runs import rows_as_text
from tui.pages.leaderboard import TableContext, candidate_line
from tui.screens.page import Page
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session
from tui.widgets.board import Board
from tui.widgets.drawing import Drawing

SIZES = [(60, 20), (80, 24), (120, 40), (160, 50)]


def application(session: Session | None = None, kept_in: Path | None = None, **options) -> LlmCalc:
    return LlmCalc(PlainCalculator(), session or Session(), kept_in, **options)


def answer(pilot: Pilot) -> Answer:
    assert isinstance(pilot.app, LlmCalc)
    assert pilot.app.answer is not None
    return pilot.app.answer


async def press(pilot: Pilot, *keys: str) -> Answer:
    await pilot.press(*keys)
    await pilot.pause()
    return answer(pilot)


def line_with(text: str, shown: str) -> str:
    return next(line for line in shown.splitlines() if text in line)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_opens_on_ranked_rows(size: tuple[int, int], screen: SnapshotAssertion) -> None:
    async with application().run_test(size=size) as pilot:
        await pilot.pause()
        assert page_text(pilot.app) == screen


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_edit_marks_every_figure_it_moved(size: tuple[int, int], screen: SnapshotAssertion) -> None:
    async with application().run_test(size=size) as pilot:
        await press(pilot, "j", "plus")
        assert page_text(pilot.app) == screen


async def test_recommendations_are_the_cheapest_of_each_kind(screen: SnapshotAssertion) -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        shown = await press(pilot, "tab", "tab")
        prices = [row.cost.price_usd_per_hour for row in shown.rows]
        assert prices == sorted(prices)
        assert len(shown.rows) == 5
        assert page_text(pilot.app) == screen


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_tabs_stand_in_one_line(size: tuple[int, int], screen: SnapshotAssertion) -> None:
    async with application().run_test(size=size) as pilot:
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[1] + "\n" == screen


async def test_below_its_least_size_it_says_what_it_needs(screen: SnapshotAssertion) -> None:
    async with application().run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        assert screen_text(pilot.app) == screen
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "g6e.12xlarge" in screen_text(pilot.app)


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("w", lambda scenario: scenario.weights == "int8"),
        ("c", lambda scenario: scenario.kv == "fp8"),
        ("minus", lambda scenario: scenario.workload.concurrency == 8),
        ("plus", lambda scenario: scenario.workload.concurrency == 32),
        ("left_square_bracket", lambda scenario: scenario.workload.input_tokens == 1024),
        ("right_square_bracket", lambda scenario: scenario.workload.input_tokens == 4096),
    ],
)
async def test_a_key_edits_one_assumption_and_undo_takes_it_back(key: str, asked) -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        before = answer(pilot).board
        edited = await press(pilot, key)
        assert asked(edited.session.scenario)
        assert edited.board is not before
        assert (await press(pilot, "u")).session.scenario == Scenario()
        assert asked((await press(pilot, "ctrl+r")).session.scenario)


async def test_changed_cells_say_how_until_the_next_edit() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        await press(pilot, "plus")
        row = line_with("p4d.24xlarge", screen_text(pilot.app))
        assert "▲" in row
        assert "▼" in row
        await press(pilot, "dollar_sign", *"spot", "enter")
        row = line_with("p4d.24xlarge", screen_text(pilot.app))
        assert "▼" in row
        assert "▲" not in row


async def test_a_training_run_has_its_own_columns_keys_and_detail() -> None:
    async with LlmCalc(Calculator(load()), Session()).run_test(size=(150, 40)) as pilot:
        asked = await press(pilot, "t", "plus", "right_square_bracket", "w")
        run = asked.session.scenario.training
        assert run is not None
        assert (run.method, run.global_batch, run.sequence_length) == ("qlora", 32, 4096)
        assert asked.rows[0].training is not None
        shown = screen_text(pilot.app)
        assert all(title in shown for title in ("setup", "$/run", "MFU", "train qlora"))
        back = await press(pilot, "t")
        assert back.session.scenario == Scenario()
        assert (await press(pilot, "t")).session.scenario.training == run


async def test_the_whole_way_on_the_real_catalogue() -> None:
    async with LlmCalc(Calculator(load()), Session()).run_test(size=(80, 24)) as pilot:
        first = answer(pilot)
        assert len(first.rows) > 80
        assert first.rows[0].verdict == "fits"
        assert first.rows[-1].verdict != "fits"
        for key in ("w", "c", "plus", "right_square_bracket", "tab", "s", "S", "G", "u"):
            shown = await press(pilot, key)
            assert not shown.problem, key
            assert shown.rows, key
        await press(pilot, "g")  # the last rows are devices that the engine does not run on
        assert "GiB" in screen_text(pilot.app)


async def test_moving_does_not_count_as_an_edit() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        moved = await press(pilot, "j", "j", "k", "G", "g", "ctrl+d")
        assert moved.selected is not None
        assert moved.selected != moved.rows[0]
        assert moved.board is (await press(pilot, "u")).board


async def test_filter_narrows_as_one_types_and_letters_are_text() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        typed = await press(pilot, "slash", *"p5 tpot", "less_than_sign", "7", "m", "s")
        assert [row.candidate.machine for row in typed.rows] == ["p5.48xlarge", "p5e.48xlarge"]
        assert typed.session.scenario == Scenario()
        kept = await press(pilot, "enter", "j")
        assert kept.selected is not None
        assert kept.selected.candidate.machine == "p5e.48xlarge"
        assert "/p5 tpot<7ms 2 of 11" in screen_text(pilot.app)
        assert len((await press(pilot, "escape")).rows) == 11


async def test_keys_work_after_a_panel_over_filtered_rows_is_closed() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"p5", "enter", "question_mark", "escape")
        assert pilot.app.focused is None
        assert (await press(pilot, "s")).session.sort


async def test_what_is_missed_is_marked_before_what_is_best() -> None:
    shown = application().answer
    assert shown is not None
    best = next(row for row in shown.rows if row.best_value)
    frame = TableContext.of(80, shown)
    measured = best._replace(confidence="A")
    assert rows_as_text([candidate_line(measured, 2, False, frame)])[3] == "★"
    assert rows_as_text([candidate_line(best._replace(holds_load=False), 2, False, frame)])[3] == "!"


async def test_a_row_of_specifications_alone_neither_leads_nor_wears_the_badge_silently() -> None:
    shown = application().answer
    assert shown is not None
    best = next(row for row in shown.rows if row.best_value)._replace(confidence="C")
    frame = TableContext.of(80, shown)
    assert rows_as_text([candidate_line(best, 2, False, frame)])[3] == "☆"
    assert rows_as_text([candidate_line(best._replace(best_value=False), 1, False, frame)])[3] == "?"
    assert rows_as_text([candidate_line(best._replace(best_value=False), 3, False, frame)])[3] == " "


async def test_a_tie_is_with_the_row_that_is_shown_above() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        assert "5=p4de.24xlarge" in screen_text(pilot.app)
        await press(pilot, "slash", *"p4de", "enter")
        assert "1 p4de.24xlarge" in screen_text(pilot.app)
        await press(pilot, "escape", "s", "s", "S")
        assert "=" not in screen_text(pilot.app)


async def test_a_filter_that_is_not_understood_leaves_the_rows_and_says_why() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        shown = await press(pilot, "slash", *"tpot", "less_than_sign", *"fast")
        assert len(shown.rows) == 11
        assert "expected a number" in shown.problem


async def test_sort_goes_through_the_columns_and_back_to_the_rank() -> None:
    async with application().run_test(size=(160, 50)) as pilot:
        ranked = [row.candidate.machine for row in answer(pilot).rows]
        seen = {}
        for _ in range(20):
            shown = await press(pilot, "s")
            seen[shown.session.sort] = [row.candidate.machine for row in shown.rows]
            if not shown.session.sort:
                break
        assert seen[""] == ranked
        assert seen["price"][0] == "g6e.12xlarge"
        assert seen["users"][0] == "p6-b200.48xlarge"
        await press(pilot, "s", "s")
        backwards = await press(pilot, "S")
        assert backwards.session.reverse


async def test_choosing_a_model_by_a_part_of_its_name() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        await press(pilot, "m", *"gpt oss")
        chosen = await press(pilot, "enter")
        assert chosen.session.scenario.model == "openai/gpt-oss-20b"
        assert chosen.session.scenario.weights == "mxfp4"
        assert chosen.model.id == "openai/gpt-oss-20b"
        assert "gpt-oss-20b" in screen_text(pilot.app)


async def test_the_model_picker_shows_the_layers(screen: SnapshotAssertion) -> None:
    async with application().run_test(size=(160, 50)) as pilot:
        await press(pilot, "m")
        assert page_text(pilot.app) == screen
        assert (await press(pilot, "escape")).session == Session()


async def test_choosing_a_region_by_its_place_changes_the_prices() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        before = answer(pilot).rows[0].cost.price_usd_per_hour
        await press(pilot, "r", *"frank")
        chosen = await press(pilot, "enter")
        assert chosen.session.scenario.region == "eu-central-1"
        assert chosen.rows[0].cost.price_usd_per_hour == pytest.approx(before * 1.2)


async def test_help_lists_every_key_that_works_here() -> None:
    async with application().run_test(size=(120, 160)) as pilot:
        await press(pilot, "question_mark")
        shown = screen_text(pilot.app)
        for command in COMMANDS:
            if command.where in (EVERYWHERE, "leaderboard"):
                assert f"{command.title}. " in shown, command.id
        assert "Less memory for the engine" not in shown
        await press(pilot, "escape")
        assert "g6e.12xlarge" in screen_text(pilot.app)


async def test_help_follows_the_keymap() -> None:
    async with application(remapped={"undo": "ctrl+z"}).run_test(size=(120, 120)) as pilot:
        await press(pilot, "w")
        assert (await press(pilot, "ctrl+z")).session == Session()
        await press(pilot, "question_mark")
        assert "^z" in line_with("Undo", screen_text(pilot.app))


async def test_the_palette_runs_a_command() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+p", *"cache format")
        assert (await press(pilot, "enter")).session.scenario.kv == "fp8"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("frankfurt", lambda scenario: scenario.region == "eu-central-1"),
        ("int4-awq", lambda scenario: scenario.weights == "int4-awq"),
        ("rag", lambda scenario: scenario.workload.input_tokens > 2048),
        ("spot", lambda scenario: scenario.price_terms == "spot"),
        ("p5.48", lambda scenario: scenario.placement.instance == "p5.48xlarge"),
    ],
)
async def test_the_palette_takes_values(typed: str, asked) -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+p", *typed)
        assert asked((await press(pilot, "enter")).session.scenario)


async def test_the_palette_finds_the_pages_own_commands() -> None:
    async with application(Session(screen="compare")).run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+p", *"cost against speed")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Page)
        assert "Nothing is pinned" in screen_text(pilot.app)


async def test_an_edit_that_can_not_be_answered_is_refused_and_the_answer_stays() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        app.edit(lambda answer: answer.session.with_weights("nf4"))
        await pilot.pause()
        assert answer(pilot).session == Session()
        assert "✗ weights: nf4 is not served by vllm" in screen_text(app)
        assert not (await press(pilot, "w")).problem


async def test_a_long_refusal_is_read_to_its_end() -> None:
    reason = "TP64 holds 8 copies of the cache, 3 ranks can not share it; legal: 1, 2, 4, 8"
    async with application().run_test(size=(80, 24)) as pilot:
        pilot.app.say(f"decode-context-parallel: {reason}")
        await pilot.pause()
        *_, first, second = screen_text(pilot.app).splitlines()
        assert first.startswith(" ✗ decode-context-parallel: TP64")
        assert second.endswith("legal: 1, 2, 4, 8")
        assert "Leaderboard" in screen_text(pilot.app).splitlines()[1]
        await press(pilot, "j")
        assert "legal: 1, 2, 4, 8" not in screen_text(pilot.app)
        assert "? help" in screen_text(pilot.app).splitlines()[-1]


@pytest.mark.parametrize(
    ("key", "said"),
    [("u", "nothing to undo"), ("ctrl+r", "nothing to redo"), ("ctrl+n", "measured points: there are none; n on")],
)
async def test_a_key_that_has_nothing_to_do_says_so(key: str, said: str) -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        assert (await press(pilot, key)).problem.startswith(f"✗ {said}")


async def test_the_status_is_whole_or_not_there() -> None:
    async with application().run_test(size=(60, 20)) as pilot:
        assert "…" not in screen_text(pilot.app).splitlines()[1]
        await press(pilot, "tab")
        assert "…" not in screen_text(pilot.app).splitlines()[1]


async def test_a_session_that_can_not_be_saved_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with application(kept_in=tmp_path / "file" / "session.yaml").run_test(size=(80, 24)) as pilot:
        assert "not saved" in (await press(pilot, "plus")).problem
        assert not (await press(pilot, "plus")).problem


async def test_a_fault_of_ours_costs_one_line_and_not_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("float division by zero")

    async with application().run_test(size=(80, 24)) as pilot:
        monkeypatch.setattr(PlainCalculator, "rank", broken)
        assert "internal error" in (await press(pilot, "plus")).problem
        assert answer(pilot).session == Session()
        monkeypatch.setenv("LLMCALC_DEBUG", "1")
        with pytest.raises(ZeroDivisionError):
            pilot.app.edit(lambda answer: answer.session.more_users())


async def test_control_c_says_how_to_quit() -> None:
    async with application().run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+c")
        assert pilot.app.is_running
        assert "✓ q quits" in screen_text(pilot.app)


async def test_escape_never_quits_and_q_keeps_the_session(tmp_path: Path) -> None:
    kept_in = tmp_path / "state" / "session.yaml"
    app = application(kept_in=kept_in)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "escape", "escape")
        assert app.is_running
        await press(pilot, "plus", "j", "q")
    assert "concurrency: 32" in kept_in.read_text()
    assert 'selection: "g7e.12xlarge"' in kept_in.read_text()


async def test_a_move_of_the_cursor_makes_no_line_of_the_table_again() -> None:
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.press("j")
        await pilot.pause()
        table = app.screen.query_one(Board).table
        assert table
        made = {key: id(line) for key, line in table._lines.items()}
        await pilot.press("j")
        await pilot.pause()
        assert app.screen.query_one(Board).table is table
        assert {key for key in table._lines if key not in made} <= {(1, False), (2, True)}
        assert all(id(table._lines[key]) == line for key, line in made.items())


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_lines_that_were_kept_are_those_that_a_whole_paint_makes(size: tuple[int, int]) -> None:
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=size) as pilot:
        for keys in (
            "jjj",
            "w",
            "tab",
            "s",
            "plus",
            "space",
            "2",
            "jj",
            "c",
            "3",
            "o",
            "5",
            "4",
            "t",
            "j",
            "d",
            "zero",
        ):
            await pilot.press(*([keys] if len(keys) > 2 and keys != "jjj" else keys))
            await pilot.pause()
            kept = app.screen._compositor.render_strips()
            for widget in app.screen.query(Drawing):
                widget._stale = True
                widget.refresh()
            await pilot.pause()
            assert app.screen._compositor.render_strips() == kept, keys
