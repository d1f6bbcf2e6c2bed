"""`ctrl+g`: prices from AWS are asked for in the background, shown, and written when enter says so."""

import pytest
from textual.pilot import Pilot

from catalog.load import load
from catalog.sources import aws
from estimator.errors import InputError
from tests.catalog.sources.test_aws import Aws, answering
from tests.catalog.sources.test_price_refresh import clients
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press
from tui.app import LlmCalc
from tui.screens.refresh import RefreshPrices
from tui.state.calculator import Calculator
from tui.state.session import Session

__all__ = ["answering"]
TRIES = 200


async def until(pilot: Pilot, text: str) -> str:
    """The screen, once the text is on it."""
    for _ in range(TRIES):
        if text in (shown := screen_text(pilot.app)):
            return shown
        await pilot.pause(0.05)
    raise AssertionError(f"{text!r} is not on\n{screen_text(pilot.app)}")


def spot_of(app: LlmCalc, region: str) -> float | None:
    quote = app.calculator.catalog.prices(region).quotes["g5.xlarge"].spot
    return quote.usd_per_hour if quote else None


async def test_the_difference_is_shown_and_written_when_enter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "clients", clients)
    app = LlmCalc(Calculator(load()), Session())
    before = spot_of(app, "us-east-1")
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "ctrl+g")
        shown = await until(pilot, "prices differ")
        assert "enter writes them" in shown
        assert "g5.xlarge" in shown
        await press(pilot, "escape")
        assert spot_of(app, "us-east-1") == before != 0.4
        await press(pilot, "ctrl+g")
        await until(pilot, "prices differ")
        await press(pilot, "enter")
        await until(pilot, "prices are those of today")
        assert spot_of(app, "us-east-1") == pytest.approx(0.4)


async def test_the_answers_of_botocores_own_stubs_are_shown(answering: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "clients", lambda: answering)
    monkeypatch.setattr(aws, "capacity_blocks", lambda *_: iter(()))
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=(100, 30)) as pilot:
        app.push_screen(RefreshPrices(app.calculator.catalog, ["eu-west-1"]))
        shown = await until(pilot, "prices differ")
        assert "prices of eu-west-1 from AWS" in shown
        assert "g5.xlarge" in shown


async def test_without_credentials_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> aws.Clients:
        raise InputError("aws", "no credentials")

    monkeypatch.setattr(aws, "clients", refuse)
    app = LlmCalc(Calculator(load()), Session())
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "ctrl+g")
        assert "no credentials" in await until(pilot, "esc closes")
        await press(pilot, "enter", "escape")
        assert "no credentials" not in screen_text(app)
