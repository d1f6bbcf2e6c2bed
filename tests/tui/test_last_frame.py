"""The last frame: shown for an equal question alone, and never more than until its answer is there."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.load import load
from tui.app import LlmCalc
from tui.state import last_frame
from tui.state.calculator import Calculator
from tui.state.last_frame import LastFrame
from tui.state.session import Session
from tui.widgets.drawing import Drawing

SIZE = (80, 24)
FALSE = {"Head": [[(" what was never so", "bold")]], "Board": [[(" 1 no.such.machine $0.01", "text")]]}
OTHERS = """
import asyncio, sys
from tui.app import LlmCalc
from tui.start import application
from tui.widgets.drawing import Drawing

answer_opening = LlmCalc.answer_opening

def first(app):
    if app.answer is None:
        print(*sys.modules)
        print(*[line for widget in app.screen.query(Drawing) for line in widget.drawn()], sep=chr(10))
    answer_opening(app)

async def paint():
    app = application(None, None, None, (80, 24))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.pause()

LlmCalc.answer_opening = first
asyncio.run(paint())
"""


def frame_in(folder: Path, *look: object) -> LastFrame:
    session = folder / "session.yaml"
    return LastFrame(folder / "frame.json", (folder / "own",), (session, folder / "config.yaml"), look)


def test_a_frame_is_read_for_the_same_question_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_in(tmp_path, "dusk")
    frame.write(*SIZE, FALSE)
    assert frame.read(*SIZE) == FALSE
    assert frame_in(tmp_path, "dusk").read(*SIZE) == FALSE
    assert frame_in(tmp_path, "paper").read(*SIZE) == {}
    assert frame.read(81, 24) == frame.read(80, 25) == {}
    (tmp_path / "session.yaml").write_text("weights: fp8\n")
    assert frame.read(*SIZE) == {}
    frame.write(*SIZE, FALSE)
    assert frame.read(*SIZE) == FALSE
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "prices.yaml").write_text("")
    assert frame.read(*SIZE) == {}, "the catalogue is another"
    frame.write(*SIZE, FALSE)
    program = tmp_path / "program"
    program.mkdir()
    monkeypatch.setattr(last_frame, "PACKAGE", program)
    frame.write(*SIZE, FALSE)
    assert frame.read(*SIZE) == FALSE
    (program / "page.py").write_text("")
    assert frame.read(*SIZE) == {}, "the program is another"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-3],
        lambda text: text.replace("no.such", "another"),
        lambda text: text.partition(" ")[2],
        lambda text: "00000000 {}",
        lambda text: "\x00\xff",
    ],
)
def test_a_damaged_frame_is_none(tmp_path: Path, change: Callable[[str], str]) -> None:
    frame = frame_in(tmp_path)
    frame.write(*SIZE, FALSE)
    frame.path.write_text(change(frame.path.read_text()))
    assert frame.read(*SIZE) == {}


@pytest.mark.parametrize("run", [("\x1b]0;title\x07", "text"), ("plain", "no style"), ("only text",)])
def test_a_frame_that_no_page_draws_is_none(tmp_path: Path, run: tuple[str, ...]) -> None:
    frame = frame_in(tmp_path)
    frame.write(*SIZE, {"Board": [[run]]})  # type: ignore[list-item]
    assert frame.read(*SIZE) == {}


def test_a_folder_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    frame = LastFrame(tmp_path / "file" / "frame.json", (), (), ())
    frame.write(*SIZE, FALSE)
    assert frame.read(*SIZE) == {}


def lines_of(app: LlmCalc) -> str:
    drawings = app.screen.query(Drawing)
    return "\n".join("".join(text for text, _ in row) for widget in drawings for row in widget.drawn())


def opened(frame: LastFrame) -> LlmCalc:
    return LlmCalc(Calculator(load()), Session(), frame=frame, opening=FALSE)


def test_a_false_frame_gives_way_to_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, shown, answer_opening = frame_in(tmp_path), [], LlmCalc.answer_opening

    def watched(app: LlmCalc) -> None:
        shown.append(lines_of(app))
        answer_opening(app)

    async def start() -> None:
        monkeypatch.setattr(LlmCalc, "answer_opening", watched)
        app = opened(frame)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            await pilot.pause()
            assert app.answer is not None
            assert "no.such.machine" not in lines_of(app)
            assert app.answer.rows[0].candidate.machine in lines_of(app)

    asyncio.run(start())
    assert "no.such.machine" in shown[0]
    kept = frame.read(*SIZE)
    assert set(kept) == {"Head", "Board", "Hints"}
    assert kept != FALSE, "the answer's own frame is kept in its place"


def test_a_key_before_the_answer_meets_the_answer(tmp_path: Path) -> None:
    async def start() -> None:
        app = opened(frame_in(tmp_path))
        app._settle_opening = lambda: None  # type: ignore[method-assign]
        async with app.run_test(size=SIZE) as pilot:
            assert app.answer is None
            await pilot.press("j")
            assert app.answer is not None
            assert app.answer.cursor == 1
            assert "no.such.machine" not in lines_of(app)

    asyncio.run(start())


def test_an_edit_leaves_a_frame_of_the_edited_session(tmp_path: Path) -> None:
    frame = frame_in(tmp_path)

    async def run() -> str:
        app = LlmCalc(Calculator(load()), Session(), kept_in=frame.asked[0], frame=frame)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("+")
            assert app.answer is not None
            assert app.answer.before
            await pilot.press("q")
        return "\n".join("".join(text for text, _ in row) for rows in frame.read(*SIZE).values() for row in rows)

    text = asyncio.run(run())
    assert "x32" in text
    assert "↑" not in text, "what the edit moved is marked once"


def test_the_first_paint_of_a_known_frame_waits_for_nothing(tmp_path: Path) -> None:
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("STATE", "CONFIG", "CACHE")}
    for _ in range(2):  # the first start has no frame, and leaves one
        run = subprocess.run(
            [sys.executable, "-c", OTHERS], env=os.environ | homes, capture_output=True, text=True, check=True
        )
    modules, _, lines = run.stdout.partition("\n")
    loaded = set(modules.split())
    assert "tui.widgets.board" in loaded
    later = {"catalog.load", "estimator.ranking", "estimator.serving", "estimator.scenario.inventory"}
    assert not loaded & (later | {"estimator.models.architecture", "estimator.models.hf_config", "yaml", "pydantic"})
    assert "Llama-3.3-70B-Instruct" in lines
