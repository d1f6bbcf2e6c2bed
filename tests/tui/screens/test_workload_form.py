"""The form: what is typed is taken, or refused in place with the reason."""

import pytest

from catalog.load import load
from estimator.scenario.scenario import Placement, Scenario
from tests.tui.board import PlainCalculator
from tests.tui.screens.conftest import screen_text
from tui.app import LlmCalc
from tui.draw.runs import rows_as_text
from tui.state.calculator import Calculator
from tui.state.readings import setup
from tui.state.session import Session
from tui.widgets.form import Form, result_row

pytestmark = pytest.mark.asyncio


async def type_into(pilot: object, name: str, text: str) -> None:
    """Chooses a field, opens it, replaces its text; enter is the test's."""
    app = pilot.app  # type: ignore[attr-defined]
    form = app.screen.query_one(Form)
    form.field = name
    await pilot.press("enter")  # type: ignore[attr-defined]
    await pilot.press(*("minus" if key == "-" else "full_stop" if key == "." else key for key in text))  # type: ignore[attr-defined]


def form_app() -> LlmCalc:
    return LlmCalc(PlainCalculator(), Session(screen="workload"))


async def test_a_valid_value_changes_the_scenario() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "input-tokens", "8k")
        await pilot.press("enter")
        await pilot.pause()
        assert app.history.now.scenario.workload.input_tokens == 8192
        assert "8,192" in screen_text(app)


async def test_a_cache_in_host_memory_is_asked_for_and_drawn_there() -> None:
    placement = Placement(instance="g6.8xlarge", machines=1)
    scenario = Scenario("Qwen/Qwen3-8B", "gguf-q4_k_m", engine="llamacpp", placement=placement)
    app = LlmCalc(Calculator(load()), Session(scenario, "workload"))
    async with app.run_test(size=(100, 40)) as pilot:
        await type_into(pilot, "kv-on-host", "yes")
        await pilot.press("enter")
        await pilot.pause()
        assert app.history.now.scenario.settings.kv_on_host
        assert app.answer
        (row,) = app.answer.board.rows
        assert row.memory
        assert row.memory.kv_cache_bytes == 0
        await pilot.press("2")
        await pilot.pause()
        page = screen_text(app)
        assert "16 requests x 2,560 tokens x 144 KiB in 126 GiB of host memory" in page
        assert "unused: the cache lies in host memory" in page


async def test_stripes_are_asked_for_or_refused_with_the_reason() -> None:
    scenario = Scenario("deepseek-ai/DeepSeek-V2-Lite", "bf16")
    app = LlmCalc(Calculator(load()), Session(scenario, "workload"))
    async with app.run_test(size=(120, 40)) as pilot:
        await type_into(pilot, "decode-context-parallel", "4")
        await pilot.press("enter")
        await pilot.pause()
        assert app.history.now.scenario.settings.decode_context_parallel == 4
        assert app.answer
        assert {row.candidate.layout.tp % 4 for row in app.answer.board.rows if row.verdict == "fits"} == {0}
        await type_into(pilot, "decode-context-parallel", "3")
        await pilot.press("enter")
        await pilot.pause()
        assert "decode_context_parallel: TP16 holds 16 copies of the cache, 3 ranks can not share it" in screen_text(
            app
        )
        assert app.history.now.scenario.settings.decode_context_parallel == 4


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("input-tokens", "-5", "-5 is out of range, expected a whole number >= 1"),
        ("concurrency", "many", "'many' is not a number"),
        ("prefix-cache-hit", "nan", "not a finite number"),
        ("memory-utilization", "1.5", "1.5 is out of range"),
        ("output-tokens", "1e999", "inf is not a finite number"),
    ],
)
async def test_an_invalid_value_is_refused_in_place(name: str, text: str, reason: str) -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.history.now.scenario
        await type_into(pilot, name, text)
        await pilot.pause()
        assert reason in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert reason in screen_text(app)
        assert app.history.now.scenario == before
        await pilot.press("escape")
        await pilot.pause()
        assert reason not in screen_text(app)


async def test_the_result_drops_whole_figures_where_room_is_short() -> None:
    answer = form_app().answer
    assert answer is not None
    for cells in range(60, 100):
        (line,) = rows_as_text([result_row(answer, cells)]).splitlines()
        assert "…" not in line
        assert line.endswith(" fit")


async def test_letters_are_text_while_a_field_is_open() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "instance", "q")
        await pilot.pause()
        assert app.is_running
        assert app.history.now.scenario.placement.instance is None


async def test_an_instance_and_an_accelerator_are_not_asked_for_together() -> None:
    app = LlmCalc(Calculator(load()), Session(screen="workload"))
    async with app.run_test(size=(80, 24)) as pilot:
        for name, text in (("instance", "g5.12xlarge"), ("accelerator", "h100-sxm")):
            await type_into(pilot, name, text)
            await pilot.press("enter")
            await pilot.pause()
        assert app.history.now.scenario.placement.accelerator is None
        assert "g5.12xlarge is named already; say one of the two" in " ".join(screen_text(app).split())


async def test_sagemaker_names_are_understood() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "instance", "ml.g5.12xlarge")
        await pilot.press("enter")
        await pilot.pause()
        assert app.history.now.scenario.placement.instance == "g5.12xlarge"


async def test_presets_fill_the_form() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f", "enter")
        await pilot.pause()
        assert "chatbot" in screen_text(app)
        assert app.history.now.scenario.workload.input_tokens == 1024
        await pilot.press("f", "down", "enter")
        await pilot.pause()
        assert "rag" in screen_text(app)


async def test_a_field_is_cleared() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "ttft", "800ms")
        await pilot.press("enter")
        await pilot.pause()
        assert app.history.now.scenario.service_level.ttft_s == pytest.approx(0.8)
        await pilot.press("backspace")
        await pilot.pause()
        assert app.history.now.scenario.service_level.ttft_s is None


async def test_a_preset_has_nothing_to_clear() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f", "enter")
        await pilot.pause()
        before = app.history.now.scenario
        app.screen.query_one(Form).field = "preset"
        await pilot.press("backspace")
        await pilot.pause()
        assert "✗" not in screen_text(app)
        assert app.history.now.scenario == before


async def test_what_was_said_stands_in_one_place() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.say("q quits", refused=False)
        await pilot.pause()
        assert "✓ q quits" in screen_text(app)
        assert "✗" not in screen_text(app)


async def test_a_run_is_laid_out_as_the_leaderboard_says() -> None:
    app = LlmCalc(Calculator(load()), Session(screen="workload").serve_or_train())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        result = screen_text(app).splitlines()[-2]
        assert app.answer
        assert f" {setup(app.answer.board.rows[0])} " in result


async def test_a_service_level_reads_as_it_was_asked() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "ttft", "3s")
        await pilot.press("enter")
        await pilot.pause()
        assert "TTFT<3s" in screen_text(app).splitlines()[0]


async def test_a_click_chooses_a_field() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(Form)
        spot = next(spot for spot in form.spots if spot.field.name == "traffic")
        await pilot.click(Form, offset=(spot.x + 2, spot.y))
        await pilot.pause()
        assert form.chosen.field.name == "traffic"


async def test_a_field_without_steps_says_how_it_is_changed() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for name, said in (("model", "enter chooses it"), ("instance", "enter types it")):
            app.screen.query_one(Form).field = name
            for key in ("l", "h"):
                await pilot.press(key)
                await pilot.pause()
                assert f"✗ {name} has no steps; {said}" in screen_text(app)
        app.screen.query_one(Form).field = "concurrency"
        await pilot.press("l")
        await pilot.pause()
        assert "has no steps" not in screen_text(app)


async def test_a_version_after_the_newest_says_what_it_is_answered_as() -> None:
    app = LlmCalc(Calculator(load()), Session(screen="workload"))
    async with app.run_test(size=(120, 40)) as pilot:
        await type_into(pilot, "engine", "vllm@99")
        await pilot.press("enter")
        await pilot.pause()
        assert "✓ vllm 99 is newer than what is known here; answered as 0." in screen_text(app)


async def test_an_open_field_says_how_it_is_taken_and_left() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "input-tokens", "8")
        await pilot.pause()
        assert "enter takes it  esc leaves it" in screen_text(app)


async def test_the_cheapest_run_is_called_so() -> None:
    app = LlmCalc(Calculator(load()), Session().serve_or_train())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        shown = screen_text(app)
        assert "★ cheapest run" in shown
        assert "best value" not in shown


async def test_a_refusal_leaves_the_estimate_in_sight() -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.answer
        (result,) = rows_as_text([result_row(app.answer, 80)]).splitlines()
        await type_into(pilot, "count", "abc")
        await pilot.pause()
        assert "'abc' is not a number" in screen_text(app)
        assert result.rstrip() in screen_text(app)


async def test_a_refused_step_is_a_message_of_one_key() -> None:
    app = LlmCalc(Calculator(load()), Session(screen="workload"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one(Form).field = "count"
        await pilot.press("l")
        await pilot.pause()
        assert "say which accelerator as well" in screen_text(app).splitlines()[-1]
        await pilot.press("j")
        await pilot.pause()
        assert "say which accelerator" not in screen_text(app)


@pytest.mark.parametrize(
    ("field", "key", "words"),
    [("prefix-cache-hit", "h", "prefix-cache-hit goes no lower than 0"), ("trace", "l", "trace has no steps")],
)
async def test_a_step_that_changes_nothing_says_why(field: str, key: str, words: str) -> None:
    app = form_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one(Form).field = field
        await pilot.press(key)
        await pilot.pause()
        assert words in screen_text(app).splitlines()[-1]
