"""A model that the catalogue lacks, chosen in the app: from disk, from a Hub on loopback, refused, cancelled."""

import json
from pathlib import Path

from textual.pilot import Pilot
from textual.screen import ModalScreen

from catalog.load import load
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload
from tests.catalog.sources.loopback_hub import LoopbackHub, Reply
from tests.catalog.sources.test_hub import CONFIG
from tests.estimator.models.test_drafters import EAGLE3
from tui.app import LlmCalc
from tui.screens.fetch import Fetch, FetchView
from tui.state.calculator import Calculator
from tui.state.session import Session
from tui.widgets.form import Form


def app(tmp_path: Path) -> LlmCalc:
    return LlmCalc(Calculator(load(tmp_path)), Session())


async def choose(pilot: Pilot[None], name: str) -> None:
    await pilot.press("m")
    await pilot.pause()
    for character in name:
        await pilot.press({"/": "slash", ".": "full_stop", "-": "minus", "_": "underscore"}.get(character, character))
    await pilot.press("enter")
    await pilot.pause()


async def finished(pilot: Pilot[None]) -> None:
    """Waits until a fetch was taken or refused, however late its screen comes up and its thread begins."""
    for _ in range(200):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause(0.05)
        screen = pilot.app.screen
        refused = isinstance(screen, Fetch) and screen.query_one(FetchView).problem
        if refused or not isinstance(screen, ModalScreen):
            return


async def test_a_hub_id_is_fetched_kept_and_asked_about(tmp_path: Path, loopback: LoopbackHub) -> None:
    loopback.add("acme/tiny", "config.json", Reply(json.dumps(CONFIG | {"max_position_embeddings": 8192}).encode()))
    async with app(tmp_path).run_test() as pilot:
        await choose(pilot, "acme/tiny")
        await finished(pilot)
        running = pilot.app
        assert isinstance(running, LlmCalc)
        assert running.answer
        assert running.answer.model.id == "acme/tiny"
        assert not isinstance(running.screen, Fetch)


async def test_a_refusal_is_shown_until_it_is_closed(tmp_path: Path, loopback: LoopbackHub) -> None:
    loopback.add("acme/closed", "config.json", Reply(status=401, error_code="GatedRepo"))
    async with app(tmp_path).run_test() as pilot:
        await choose(pilot, "acme/closed")
        await finished(pilot)
        assert isinstance(pilot.app.screen, Fetch)
        assert "gated" in pilot.app.screen.query_one(FetchView).problem
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, Fetch)


async def test_a_long_fetch_is_cancelled(tmp_path: Path, loopback: LoopbackHub) -> None:
    loopback.add("acme/slow", "config.json", Reply(b" " * 4000, stall_s=0.01))
    async with app(tmp_path).run_test() as pilot:
        await choose(pilot, "acme/slow")
        assert isinstance(pilot.app.screen, Fetch)
        await pilot.press("escape")
        await pilot.pause()
        running = pilot.app
        assert isinstance(running, LlmCalc)
        assert not isinstance(running.screen, Fetch)
        assert "acme/slow" not in running.calculator.resolved


async def test_a_drafter_is_fetched_where_its_name_is_typed(tmp_path: Path, loopback: LoopbackHub) -> None:
    loopback.add("acme/eagle", "config.json", Reply(json.dumps(EAGLE3).encode()))
    drafts = ServingWorkload(draft_tokens=3)
    asked = Session(Scenario(model="meta-llama/Llama-3.1-8B", weights="bf16", workload=drafts))
    async with LlmCalc(Calculator(load(tmp_path)), asked).run_test(size=(120, 40)) as pilot:
        await pilot.press("1")
        form = pilot.app.screen.query_one(Form)
        form.choose([spot.field.name for spot in form.spots].index("draft-model"))
        await pilot.press("enter", *("slash" if each == "/" else each for each in "acme/eagle"), "enter")
        await finished(pilot)
        running = pilot.app
        assert isinstance(running, LlmCalc)
        assert running.answer
        assert running.answer.session.scenario.workload.draft_model == "acme/eagle"
        assert running.answer.model.drafter
        assert running.answer.model.drafter.method == "eagle3"
