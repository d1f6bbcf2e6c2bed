"""Closed streams, full disks and broken files of the user: one line each, and nothing of the user's is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.load import load
from estimator.errors import InputError
from tui.start import application
from tui.state import store
from tui.state.session import Session


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of the product, as `llmcalc-tui`, with the streams that the command redirects."""
    script = command.replace("llmcalc-tui", f"{sys.executable} -m tui")
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)


@pytest.mark.parametrize("verb", ["rank --limit 1", "--version", "rank --help", "model 7B --format json"])
def test_an_answer_that_can_not_be_written_is_one_line_and_status_2(verb: str) -> None:
    run = shell(f"llmcalc-tui {verb} > /dev/full")
    assert run.returncode == 2
    assert run.stderr == "llmcalc-tui: the answer: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(("verb", "status"), [("rank --limit 1", 0), ("", 2), ("--version", 0)])
def test_closed_streams_leave_no_traceback(verb: str, status: int, closed: str) -> None:
    run = shell(f"llmcalc-tui {verb} {closed}")
    assert run.returncode == status
    assert "Traceback" not in run.stdout + run.stderr
    if "2>&-" in closed:
        assert "llmcalc-tui:" not in run.stdout  # a complaint is not an answer


@pytest.mark.parametrize("argv", ["--bogus", "rank --bogus", "rank --limit x", "model", "catalog nope"])
def test_the_program_names_itself_once(argv: str) -> None:
    run = shell(f"llmcalc-tui {argv}")
    assert run.returncode == 2
    assert run.stderr.count("llmcalc-tui") == 1


HOSTILE = (
    "theme: 2020-13-45\n",
    'theme: !!int "..."\n',
    f"theme: {'9' * 5000}\n",
    f"theme: {'[' * 2000}{']' * 2000}\n",
    "theme: !!timestamp x\n",
    "theme: !!float x\n",
    "theme: 0x_\n",
    "theme: [a]\n",
    "keys: 3\n",
    "keys: {quit: [1]}\n",
    "- 1\n",
    "\x00",
    "theme: \ud800",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_configuration_that_makes_no_sense_is_a_notice(text: str, tmp_path: Path, own_folders: Path) -> None:
    config = own_folders / "llmcalc-tui" / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_bytes(text.encode("utf-8", "surrogatepass"))
    app = application(load(), None, None)
    assert app.answer is not None
    assert app.answer.problem.startswith("✗ ")


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds configuration and state of this test alone."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        f"concurrency: {10**400}\n",
        f"filter: {'[' * 30_000}{']' * 30_000}\n",
        'filter: "\\ud800"\n',
        'model: "a\\u001b]52;c;YQ==\\u0007"\n',
        'filter: "a\u2028b"\n',
        "filter\n",
        "\x00\n",
        "model: gone/for-good\n",
        "instance: retired.48xlarge\n",
    ],
)
def test_a_last_session_that_can_not_be_answered_is_kept_aside(text: str, own_folders: Path) -> None:
    session = own_folders / "llmcalc-tui" / "session.yaml"
    session.parent.mkdir(parents=True)
    session.write_text(text)
    for copies in (1, 2):
        app = application(load(), None, None)
        assert app.answer is not None
        assert app.answer.session.scenario == Session().scenario
        assert app.answer.problem.startswith("✗ ")
        kept = sorted(session.parent.glob("session.broken*.yaml"))
        assert [each.read_text() for each in kept] == [text] * copies  # an earlier copy is not written over
    app.save()
    assert store.load(session).scenario == Session().scenario


def test_a_named_session_is_the_one_written_back(own_folders: Path) -> None:
    named = own_folders / "mine.yaml"
    named.write_text("concurrency: 7\n")
    app = application(load(), str(named), None)
    app.save()
    assert store.load(named).scenario.workload.concurrency == 7
    assert not store.default_path().exists()


@pytest.mark.parametrize("text", ["model: gone/for-good\n", "concurrency: 0\n", "colour: red\n"])
def test_a_named_session_that_can_not_be_answered_is_left_as_it_is(text: str, own_folders: Path) -> None:
    named = own_folders / "mine.yaml"
    named.write_text(text)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        application(load(), str(named), None)
    assert named.read_text() == text
    assert os.listdir(own_folders) == ["mine.yaml"]


def test_folders_that_can_not_be_entered_are_a_notice(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = load()

    def refused(path: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refused)
    app = application(catalog, None, None)
    assert app.answer is not None
    assert app.answer.problem.count("Permission denied") == 2


def test_a_pin_whose_keys_are_numbers_is_refused_by_its_place(tmp_path: Path) -> None:
    named = tmp_path / "mine.yaml"
    named.write_text('pins: [{"machine": "p5.48xlarge", "count-of": 1,5}]\n')  # YAML reads 5 as a key
    with pytest.raises(InputError, match=r"pin 1: 5: no such option"):
        store.load(named)
