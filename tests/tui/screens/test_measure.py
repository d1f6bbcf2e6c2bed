"""A pasted benchmark result, from the performance page: read as it is pasted, taken with enter, undone with u."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Static, TextArea

from catalog.load import load
from estimator.engines.speed_constants import Calibration
from estimator.scenario.scenario import Placement, Scenario
from tests.estimator.serving.load.test_calibration import VLLM
from tests.tui.screens.conftest import screen_text
from tui.app import LlmCalc
from tui.state import store
from tui.state.calculator import Calculator
from tui.state.session import Session

pytestmark = pytest.mark.asyncio


def on_h100() -> LlmCalc:
    scenario = Scenario("meta-llama/Llama-3.1-8B", placement=Placement(instance="p5.4xlarge"))
    return LlmCalc(Calculator(load()), Session(scenario=scenario))


async def test_a_point_is_taken_shown_and_undone() -> None:
    app = on_h100()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "n")
        await pilot.pause()
        app.screen.query_one(TextArea).text = VLLM
        await pilot.pause()
        assert "1,024 → 256 x32" in str(app.screen.query_one("#reading", Static).render())
        await pilot.press("enter")
        await pilot.pause()
        (point,) = app.history.now.scenario.calibrations
        assert (point.accelerator, point.engine) == ("h100-sxm", "vllm")
        assert "own point: decode x" in screen_text(app)
        await pilot.press("u")
        await pilot.pause()
        assert app.history.now.scenario.calibrations == ()
        assert "own point" not in screen_text(app)


async def test_what_is_no_result_is_refused_in_place() -> None:
    app = on_h100()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "no result [bold]at all[/]\x1b[31m"
        await pilot.pause()
        assert "✗" in str(app.screen.query_one("#reading", Static).render())
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query(TextArea)
        await pilot.press("escape")
        await pilot.pause()
        assert not app.screen.query(TextArea)


async def test_only_a_row_that_serves_takes_a_point_and_the_hints_say_so() -> None:
    app = on_h100()
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        assert "n measured" in screen_text(app)
        await pilot.press("t")
        await pilot.pause()
        hints = screen_text(app).splitlines()[-1]
        assert "enter why" in hints
        assert not any(word in hints for word in ("measured", "layouts", "view"))
        await pilot.press("n")
        await pilot.pause()
        assert "✗ n: a measured point, of a served model (t changes)" in screen_text(app)


def kept_point(path: Path) -> None:
    """A session of another day: its file holds a point."""
    first = on_h100()
    session = first.history.now
    point = Calibration("h100-sxm", "vllm", 1.25, 0.8)
    assert store.save(replace(session, scenario=replace(session.scenario, calibrations=(point,))), path) == ""


@pytest.mark.parametrize("keys", [("3", "n", "enter"), ("ctrl+n",)])
async def test_a_point_outlives_a_restart_and_is_forgotten(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = tmp_path / "session.yaml"
    kept_point(path)
    app = LlmCalc(Calculator(load()), store.load(path).filtered("p5.4"), path)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "1 own point" in screen_text(app)
        await pilot.press("3")
        await pilot.pause()
        assert "own point: decode x1.25, prefill x0.80" in screen_text(app)
        await pilot.press("n")
        await pilot.pause()
        assert "enter forgets the point: decode x1.25" in str(app.screen.query_one("#reading", Static).render())
        await pilot.press("escape", *keys)
        await pilot.pause()
        assert app.history.now.scenario.calibrations == ()
        assert "own point" not in screen_text(app)
        assert store.load(path).scenario.calibrations == ()
        await pilot.press("u")
        await pilot.pause()
        assert "1 own point" in screen_text(app)
        assert len(store.load(path).scenario.calibrations) == 1


@pytest.mark.parametrize(
    "pasted",
    [
        '{"completed": 1e400, "total_input_tokens": 1, "total_output_tokens": 1, "mean_ttft_ms": 1}',
        '{"completed": ' + "9" * 4000 + ', "total_input_tokens": 1}',
        '{"a":' + "[" * 20_000,
        "-\n" * 50_000,
        "successful requests: inf\n" * 100,
        "\x1b[31m\u2028",
    ],
    ids=["infinity", "4000 digits", "deep", "dashes", "words", "controls"],
)
async def test_whatever_is_pasted_gets_one_line_at_once(pasted: str) -> None:
    import time

    app = on_h100()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await pilot.pause()
        area = app.screen.query_one(TextArea)
        start = time.process_time()
        taken, words = app.screen.reading(pasted)  # type: ignore[attr-defined]
        assert time.process_time() - start < 2
        assert taken is None
        assert words.startswith("✗")
        area.text = pasted[:2000]
        await pilot.pause()
        assert app.is_running
        await pilot.press("enter", "escape")


async def test_a_start_up_log_corrects_the_reserve_and_is_undone() -> None:
    app = on_h100()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "n")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "Available KV cache memory: 55.0 GiB"
        await pilot.pause()
        said = str(app.screen.query_one("#reading", Static).render())
        assert "cache 55.00 for " in said
        assert "reserve +" in said
        await pilot.press("enter")
        await pilot.pause()
        (point,) = app.history.now.scenario.calibrations
        assert point.reserve_gib > 0
        assert not point.timed
        assert "1 own point" in screen_text(app)
        await pilot.press("u")
        await pilot.pause()
        assert app.history.now.scenario.calibrations == ()
