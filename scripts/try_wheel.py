"""Installs a wheel in a fresh environment of each interpreter, and drives it.

    python -m scripts.try_wheel WHEEL PYTHON…

The version, the leaderboard as JSON, the library page as a doctest, shell files and manual page, and the app in a
terminal from its first frame to `q`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.terminal import Terminal

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "library.md"
SHIPPED = ("share/man/man1/llmcalc-tui.1", "share/zsh/site-functions/_llmcalc-tui")
DOCTEST = "import doctest, sys; sys.exit(doctest.testfile(sys.argv[1], module_relative=False, optionflags=8).failed)"
"""8 is ELLIPSIS."""


def drive(wheel: Path, interpreter: str, folder: Path) -> str:
    """What was installed and answered, in one line. Raises CalledProcessError, AssertionError or TimeoutError."""
    home = folder / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XDG_"))}
    environment |= {"HOME": str(home)}

    def output(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    output(interpreter, "-m", "venv", folder / "venv")
    python, program = folder / "venv/bin/python", folder / "venv/bin/llmcalc-tui"
    output(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    version = output(program, "--version")
    assert version == f"llmcalc-tui {wheel.name.split('-')[1]}", version
    rows = json.loads(output(program, "rank", "--limit", "1", "--format", "json"))["rows"]
    assert rows[0]["verdict"] == "fits", rows
    output(python, "-c", DOCTEST, PAGE)
    assert all((folder / "venv" / name).exists() for name in SHIPPED)
    with Terminal([str(program)], home, python=str(python)) as terminal:
        painted_s = terminal.until(rows[0]["instance"].encode())
        terminal.settle()
        terminal.press(b"q")
        _, status = os.waitpid(terminal.process, 0)
        terminal.ended = True
    assert os.waitstatus_to_exitcode(status) == 0, status
    return f"{output(python, '--version')}: {version}, first {rows[0]['instance']}, first start {painted_s:.2f} s"


def main(wheel: str, *interpreters: str) -> None:
    for interpreter in interpreters or (sys.executable,):
        with TemporaryDirectory() as folder:
            print(drive(Path(wheel).resolve(), interpreter, Path(folder)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
