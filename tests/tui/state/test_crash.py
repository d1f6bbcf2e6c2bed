"""An error of the program's own: one line, a report that holds nothing of the user's, and the terminal as it was."""

from pathlib import Path

import pytest

from estimator.errors import InputError
from tui import __main__, start
from tui.app import LlmCalc
from tui.state import crash, store
from tui.state.calculator import Calculator
from tui.state.session import Session

SECRET = "acme/secret-model"


def broken(name: str) -> None:
    try:
        raise KeyError(name)
    except KeyError as error:
        raise ZeroDivisionError(f"no {name} in /home/somebody") from error


def test_a_report_says_where_and_never_what(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        broken(SECRET)
    path = crash.report(raised.value, tmp_path / "new")
    assert path is not None
    text = path.read_text()
    assert "ZeroDivisionError" in text
    assert "KeyError" in text
    assert "test_crash.py:" in text
    assert "in broken" in text
    assert "secret" not in text
    assert "somebody" not in text
    assert str(Path.home()) not in text


def test_places_of_the_program_are_named_by_their_path_in_it() -> None:
    with pytest.raises(InputError) as raised:
        store.load(Path("/nonsuch"))
    assert any(line.startswith("  tui/state/store.py:") for line in crash.lines(raised.value))


def test_a_folder_that_can_not_be_written_is_no_second_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert crash.report(ValueError(), tmp_path / "file") is None


def test_a_verb_ends_with_one_line_and_its_own_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(arguments: list[str]) -> int:
        broken(SECRET)
        return 0

    monkeypatch.setattr(__main__, "_run", run)
    monkeypatch.setattr(store, "default_path", lambda: tmp_path / "session.yaml")
    assert __main__.main(["rank"]) == __main__.CRASHED == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("llmcalc-tui: internal error (ZeroDivisionError); ")
    assert SECRET not in said
    assert (tmp_path / crash.FILE).exists()


def test_an_app_that_ends_by_an_error_hands_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(LlmCalc):
        def run(self, *arguments: object, **keywords: object) -> None:  # type: ignore[override]
            self._exception = ZeroDivisionError()

    monkeypatch.setattr(start, "application", lambda *_: Broken(Calculator(), Session()))
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.headless_driver:HeadlessDriver")
    with pytest.raises(ZeroDivisionError):
        start.start([])
