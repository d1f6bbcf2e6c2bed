"""`ctrl+s` and `ctrl+o`: sessions by name, each written back to its own file and over no other."""

import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from catalog.load import load
from tests.tui.screens.conftest import screen_text
from tests.tui.screens.test_keys import press
from tui.app import LlmCalc
from tui.state import store
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session

CALCULATOR = Calculator(load())


def app_on(path: Path | None = None, session: Session | None = None) -> LlmCalc:
    return LlmCalc(CALCULATOR, session or Session(), path or store.default_path())


async def named(pilot: Pilot, name: str) -> Answer:
    """Saves as that name."""
    await press(pilot, "ctrl+s")
    pilot.app.screen.query_one("Input").value = name
    return await press(pilot, "enter")


async def test_a_saved_session_is_kept_under_its_name_and_opens_with_its_pins() -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "j", "space", "plus")
        answer = await named(pilot, "chat for 32")
        path = store.default_path().parent / "sessions" / "chat for 32.yaml"
        assert "saved as" in answer.problem
        assert app.kept_in == path
        await press(pilot, "plus")
        assert store.load(path).scenario.workload.concurrency == 64
        assert store.load(store.default_path()).scenario.workload.concurrency == 32
        await named(pilot, "chat for 64")
        await press(pilot, "minus", "minus", "minus", "ctrl+o")
        shown = screen_text(app)
        assert shown.index("chat for 64") < shown.index("chat for 32") < shown.index("(without a name)")
        line = next(line for line in shown.splitlines() if "chat for 32" in line)
        assert re.search(r"chat for 32 +\d{4}-\d\d-\d\d \d\d:\d\d +1 +Llama-3.3-70B-Instruct fp8", line)
        opened = await press(pilot, *"for", "space", *"32", "enter")
        assert opened.session.scenario.workload.concurrency == 64
        assert len(opened.session.pins) == 1
        assert app.kept_in == path
        assert store.load(path.with_name("chat for 64.yaml")).scenario.workload.concurrency == 8


async def test_no_file_is_written_over_another(tmp_path: Path) -> None:
    other = tmp_path / "mine.yaml"
    other.write_text("concurrency: 3\n")
    app = app_on()
    async with app.run_test(size=(120, 30)) as pilot:
        answer = await named(pilot, str(other))
        assert "exists and is not this session" in answer.problem
        assert other.read_text() == "concurrency: 3\n"
        assert app.kept_in == store.default_path()
        assert "is no name" in (await named(pilot, "a:b\\c")).problem


async def test_a_session_that_can_not_be_read_leaves_the_open_one(tmp_path: Path) -> None:
    app = app_on()
    async with app.run_test(size=(120, 30)) as pilot:
        await named(pilot, "good")
        broken = store.default_path().parent / "sessions" / "broken.yaml"
        broken.write_text("weights: fp9\n")
        before = (await press(pilot, "ctrl+o")).session
        answer = await press(pilot, *"broken", "enter")
        assert "broken.yaml" in answer.problem
        assert "unknown format 'fp9'" in answer.problem
        assert answer.session == before
        assert app.kept_in == broken.with_name("good.yaml")
        assert broken.read_text() == "weights: fp9\n"


async def test_keys_that_are_not_known_are_named_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "later.yaml"
    path.write_text('concurrency: 4\ncarbon-price: 80\nteam: {name: "search"}\n')
    session, complaints = store.load_leniently(path)
    assert complaints == [
        f"{path}:2: carbon-price: no such option, kept as it is",
        f"{path}:3: team: no such option, kept as it is",
    ]
    async with app_on(path, session).run_test(size=(80, 24)) as pilot:
        await press(pilot, "plus")
    again, _ = store.load_leniently(path)
    assert again.scenario.workload.concurrency == 8
    assert again.unknown == (("carbon-price", "80"), ("team", '{"name": "search"}'))
    with pytest.raises(ValueError, match="carbon-price"):
        store.load(path)  # a verb answers nothing that was not understood


async def test_the_name_that_is_offered_is_the_one_it_has() -> None:
    async with app_on().run_test(size=(100, 30)) as pilot:
        await press(pilot, "ctrl+s")
        assert "Llama-3.3-70B-Instruct" in pilot.app.screen.query_one("Input").value
        await press(pilot, "enter", "ctrl+s")
        assert "Llama-3.3-70B-Instruct" in pilot.app.screen.query_one("Input").value
        answer = await press(pilot, "enter")
        assert "saved as" in answer.problem  # its own file is no other


async def test_a_file_is_its_own_however_its_path_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.yaml"
    store.save(Session(), path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.yaml").symlink_to(path)
    app = app_on(store.whole_path("mine.yaml"))
    async with app.run_test(size=(160, 30)) as pilot:
        for spelling in ("mine.yaml", "folder/../mine.yaml", "link.yaml", str(path)):
            answer = await named(pilot, spelling)
            assert "saved as" in answer.problem, answer.problem
        await press(pilot, "ctrl+o")
        assert "1 of 1" in screen_text(app)


async def test_a_named_file_that_another_program_wrote_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    store.save(Session(), path)
    app = app_on(path)
    async with app.run_test(size=(160, 30)) as pilot:
        await press(pilot, "plus")
        assert store.load(path).scenario.workload.concurrency == 32
        other = Session().more_users().more_users().more_users()
        store.save(other, path)
        answer = await press(pilot, "minus")
        assert "changed by another program" in answer.problem
        assert answer.session.scenario.workload.concurrency == 16
        assert store.load(path) == other
        answer = await named(pilot, str(path))
        assert "saved as" in answer.problem
        assert store.load(path).scenario.workload.concurrency == 16
        await press(pilot, "plus")
        assert store.load(path).scenario.workload.concurrency == 32


async def test_what_another_program_wrote_can_be_opened_instead(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    store.save(Session(), path)
    app = app_on(path)
    async with app.run_test(size=(160, 30)) as pilot:
        store.save(Session().more_users().more_users(), path)
        await press(pilot, "plus", "ctrl+o", *"mine")
        answer = await press(pilot, "enter")
        assert answer.session.scenario.workload.concurrency == 64
        await press(pilot, "minus")
        assert store.load(path).scenario.workload.concurrency == 32
