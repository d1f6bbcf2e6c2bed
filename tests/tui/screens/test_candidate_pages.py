"""The pages about the selected row, drawn from hand-made facts, and driven on the real catalogue."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from catalog.load import load
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from tests.tui.board import PlainCalculator
from tests.tui.page_facts import MEMORY, PERFORMANCE
from tests.tui.screens.conftest import page_text, screen_text
from tui.app import LlmCalc
from tui.screens import memory, performance
from tui.screens.panel import SheetView
from tui.state.calculator import Calculator
from tui.state.session import Session

SIZES = [(60, 20), (80, 24), (120, 40), (160, 50)]
pytestmark = pytest.mark.asyncio


def size_id(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=size_id)
async def test_memory_page(size: tuple[int, int], screen: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_facts", lambda *_: MEMORY)
    app = LlmCalc(PlainCalculator(), Session())
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert page_text(app) == screen


@pytest.mark.parametrize("size", SIZES, ids=size_id)
async def test_performance_page(
    size: tuple[int, int], screen: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "performance_facts", lambda *_: PERFORMANCE)
    app = LlmCalc(PlainCalculator(), Session())
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await pilot.pause()
        assert page_text(app) == screen


@pytest.mark.parametrize("size", SIZES, ids=size_id)
async def test_workload_page(size: tuple[int, int], screen: SnapshotAssertion) -> None:
    app = LlmCalc(PlainCalculator(), Session())
    async with app.run_test(size=size) as pilot:
        await pilot.press("1")
        await pilot.pause()
        assert page_text(app) == screen


def on_p4d() -> LlmCalc:
    """The application on the real catalogue, one machine asked for."""
    scenario = Scenario(placement=Placement(instance="p4d.24xlarge"))
    return LlmCalc(Calculator(load()), Session(scenario=scenario))


async def test_switches_move_what_the_engine_uses() -> None:
    app = on_p4d()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "full_stop", "full_stop", "left_curly_bracket", "less_than_sign")
        await pilot.pause()
        settings = app.history.now.scenario.settings
        assert settings == EngineSettings(
            memory_utilization=0.94,
            max_num_seqs=settings.max_num_seqs,
            max_num_batched_tokens=settings.max_num_batched_tokens,
        )
        assert settings.max_num_seqs
        assert settings.max_num_batched_tokens
        assert "utilization 0.94" in screen_text(app)
        await pilot.press("u", "u", "u", "u")
        assert app.history.now.scenario.settings == EngineSettings()


async def test_the_working_starts_at_the_part_under_the_cursor() -> None:
    app = on_p4d()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "j", "enter")
        await pilot.pause()
        assert "› KV pool on one device" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "[2 Memory]" in screen_text(app)


async def test_the_working_on_the_performance_page_starts_at_its_times() -> None:
    app = on_p4d()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "enter")
        await pilot.pause()
        assert "› time to first token" in screen_text(app)


async def test_what_fits_is_taken_with_one_key() -> None:
    app = on_p4d()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("x")
        await pilot.pause()
        assert "what fits" in screen_text(app)
        before = app.history.now.scenario.workload.concurrency
        await pilot.press("1")
        await pilot.pause()
        assert app.history.now.scenario.workload.concurrency > before


async def test_a_row_that_does_not_fit_is_made_to() -> None:
    app = LlmCalc(
        Calculator(load()),
        Session(scenario=Scenario(weights="bf16", placement=Placement(instance="g5.12xlarge", machines=1))),
    )
    async with app.run_test(size=(100, 30)) as pilot:
        assert app.answer
        assert app.answer.board.rows[0].verdict == "does_not_fit"
        await pilot.press("!")
        await pilot.pause()
        assert "left for the KV cache" in screen_text(app)
        await pilot.press("1")
        await pilot.pause()
        assert app.answer.board.rows[0].verdict == "fits"


async def test_copies_of_the_cache_are_striped_with_one_key() -> None:
    placement = Placement(instance="p5en.48xlarge", tp=8)
    app = LlmCalc(Calculator(load()), Session(scenario=Scenario("deepseek-ai/DeepSeek-V3", placement=placement)))
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.answer
        before = app.answer.board.rows[0].memory
        await pilot.press("2")
        await pilot.pause()
        assert "whole on 8 ranks" in screen_text(app)
        await pilot.press("x")
        await pilot.pause()
        (line,) = [line for line in screen_text(app).splitlines() if "decode context parallel 8" in line]
        await pilot.press(line.split()[1])
        await pilot.pause()
        assert app.history.now.scenario.settings == EngineSettings(decode_context_parallel=8)
        after = app.answer.board.rows[0].memory
        assert before
        assert after
        assert after.max_concurrency == pytest.approx(8 * before.max_concurrency, rel=0.05)
        assert "1/8 on each rank" in screen_text(app)
        await pilot.press("u")
        await pilot.pause()
        assert "whole on 8 ranks" in screen_text(app)


async def test_a_row_that_misses_the_service_level_says_by_how_much_and_what_keeps_it() -> None:
    asked = Scenario(
        workload=ServingWorkload(concurrency=128),
        service_level=ServiceLevel(tpot_s=0.03),
        placement=Placement(instance="p4d.24xlarge", machines=1),
    )
    app = LlmCalc(Calculator(load()), Session(scenario=asked))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("exclamation_mark")
        await pilot.pause()
        shown = screen_text(app)
        assert "why not · p4d.24xlarge" in shown
        assert "ms > 30ms" in shown
        assert "the most that see the service level" in shown
        await pilot.press("1")
        await pilot.pause()
        row = app.answer.selected if app.answer else None
        assert row is not None
        assert row.meets_service_level


async def test_the_budget_has_its_units_at_60_columns() -> None:
    app = on_p4d()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("exclamation_mark")
        await pilot.pause()
        budget = [
            line for line in screen_text(app).splitlines() if "weights  " in line or "left for the KV cache" in line
        ]
        assert len(budget) == 2
        assert all(" GiB " in line for line in budget)


async def test_a_panel_of_80_columns_cuts_nothing_off() -> None:
    app = LlmCalc(Calculator(load()), Session(scenario=Scenario(placement=Placement(instance="g7e.24xlarge"))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        top = next(at for at, line in enumerate(lines) if "╭─ layouts · " in line)
        bottom = next(at for at, line in enumerate(lines) if "applies · esc closes ─╯" in line)
        assert "TP4 ─" in lines[top]
        assert "j/k moves · enter or 1-" in lines[bottom]
        assert any("★ tok/s" in line for line in lines[top:bottom])
        assert "…" not in "".join(line[3:76] for line in lines[top:bottom])


async def test_what_a_panel_only_tells_does_not_push_aside_what_it_offers() -> None:
    asked = Scenario(model="Qwen/Qwen3-235B-A22B", placement=Placement(instance="inf2.48xlarge"))
    app = LlmCalc(Calculator(load()), Session(scenario=asked))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("exclamation_mark")
        await pilot.pause()
        shown = screen_text(app)
        assert "as many as the pool holds at this length" in shown
        assert "TP24 keeps 6 copies of the cache – the model has 4 KV heads to divide" in shown
        styles = app.screen.query_one(SheetView).styles
        keys = styles.background.blend(styles.border_subtitle_color, styles.border_subtitle_color.a)
        assert abs(keys.brightness - styles.background.brightness) > 0.3


async def test_a_layout_is_insisted_on() -> None:
    app = on_p4d()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p", "1")
        await pilot.pause()
        assert app.answer
        assert app.history.now.scenario.placement.tp == app.answer.board.rows[0].candidate.layout.tp


async def test_the_views_of_the_performance_page() -> None:
    app = on_p4d()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        assert "FLOP per byte" in screen_text(app)
        await pilot.press("o")
        await pilot.pause()
        assert "tokens/s per user" in screen_text(app)
        await pilot.press("o")
        await pilot.pause()
        assert "layouts of this machine" in screen_text(app)


async def test_a_row_without_memory_says_why() -> None:
    scenario = Scenario(placement=Placement(instance="inf1.xlarge"))
    app = LlmCalc(Calculator(load()), Session(scenario=scenario))
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("2", "3", "x", "escape", "!", "escape", "p", "escape", "enter", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert "inf1.xlarge" in screen_text(app)
        assert app.history.now.scenario == scenario


@pytest.mark.parametrize("key", ["2", "3"])
async def test_a_run_that_does_not_fit_says_what_would(key: str) -> None:
    session = Session(scenario=Scenario(placement=Placement(instance="g7e.2xlarge", machines=1))).serve_or_train()
    app = LlmCalc(Calculator(load()), session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.answer
        assert app.answer.board.rows[0].verdict == "does_not_fit"
        await pilot.press(key)
        await pilot.pause()
        assert "QLoRA" in screen_text(app)
        await pilot.press("!", "1")
        await pilot.pause()
        assert app.answer.board.rows[0].verdict == "fits"


async def test_the_page_stays_with_its_row_through_edits() -> None:
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert app.answer
        assert app.answer.selected
        machine = app.answer.selected.candidate.machine
        for key in ("+", "+", "]", "w"):
            await pilot.press(key)
            await pilot.pause()
        assert app.answer.selected.candidate.machine == machine


@pytest.mark.parametrize("theme", ["dusk", "paper", "ansi"])
async def test_every_page_opens_in_every_theme(theme: str) -> None:
    app = LlmCalc(Calculator(load()), Session(), theme=theme)
    async with app.run_test(size=(80, 24)) as pilot:
        for key, tab in (
            ("1", "[1 Workload]"),
            ("2", "[2 Memory]"),
            ("3", "[3 Performance]"),
            ("4", "[4 Leaderboard]"),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert tab in screen_text(app)


@pytest.mark.parametrize(("size", "presses"), [((80, 24), 3), ((160, 50), 1)])
async def test_o_leads_to_the_latencies_by_load(size: tuple[int, int], presses: int) -> None:
    scenario = Scenario(
        workload=ServingWorkload(1000, 300, requests_per_second=10), placement=Placement(instance="p5.48xlarge")
    )
    app = LlmCalc(Calculator(load()), Session(scenario=scenario))
    async with app.run_test(size=size) as pilot:
        await pilot.press("3", *["o"] * presses)
        await pilot.pause()
        text = page_text(app)
        assert "asked 10 requests/s" in text
        assert "p95" in text
        assert "waiting" in text
        await pilot.press("+")
        await pilot.pause()
        assert "asked 20 requests/s" in page_text(app)
        await pilot.press("o")
        await pilot.pause()
        assert "waiting" not in page_text(app)


async def test_undo_on_a_page_shows_the_row_that_was_looked_at() -> None:
    async with LlmCalc(Calculator(load()), Session()).run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        before = pilot.app.answer.selected.candidate.machine
        only = Placement(instance="p5.48xlarge")
        pilot.app.edit(lambda answer: answer.session.with_scenario(replace(answer.session.scenario, placement=only)))
        await pilot.press("x")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.answer.selected.candidate.machine == "p5.48xlarge"
        await pilot.press("u")
        await pilot.pause()
        assert pilot.app.answer.selected.candidate.machine == before != "p5.48xlarge"
